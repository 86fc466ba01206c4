package cpanel

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Bounds of what is read, in bytes. A passwd of 16 MiB has 200,000 users.
const (
	maxFile = 16 << 20
	maxUser = 4 << 20
	maxLog  = 64 << 20
	maxLine = 4096
)

// Counts counts what was left out while reading, by file and reason.
type Counts map[string]int

// eachLine calls f with each line of data that is neither empty nor a comment,
// without its end. Lines longer than maxLine or with a NUL are left out.
func eachLine(data []byte, file string, skipped Counts, f func(line string)) {
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte{'\n'})
		data = rest
		line = bytes.TrimSuffix(line, []byte{'\r'})
		switch {
		case len(line) == 0 || line[0] == '#':
		case len(line) > maxLine || bytes.IndexByte(line, 0) >= 0:
			skipped[file+": line too long or binary"]++
		default:
			f(string(line))
		}
	}
}

// optional reads a file that a host need not have. Faults other than absence
// are told to the log, and the file counts as absent: each reader treats that
// as the answer that gives nobody anything.
func (b *Book) optional(name string, limit int64) []byte {
	data, err := b.root.ReadFile(name, limit)
	if err == nil {
		return data
	}
	if !errors.Is(err, fs.ErrNotExist) {
		b.log.Warn("a file of the host is left out", "file", name, "err", err)
	}
	return nil
}

// tailOf reads the last limit bytes of a file, from the beginning of a line.
func tailOf(root hostfs.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || fi.Size() <= limit {
		return readUpTo(f, limit, err)
	}
	if _, err := f.Seek(fi.Size()-limit, io.SeekStart); err != nil {
		return nil, err
	}
	data, err := readUpTo(f, limit, nil)
	_, data, _ = bytes.Cut(data, []byte{'\n'})
	return data, err
}

func readUpTo(f *os.File, limit int64, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

// hostname gives a domain in lower case, or "" if s is not one: two or more
// labels of 1 to 63 characters of a-z 0-9 and inner hyphens, 253 in all.
func hostname(s string) string {
	s = strings.ToLower(s)
	if len(s) > 253 || !strings.Contains(s, ".") {
		return ""
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return ""
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return ""
		}
	}
	return s
}

// username gives s without surrounding blanks, or "" if it cannot be a login
// name.
func username(s string) outbound.Username {
	u := outbound.Username(strings.Trim(s, " \t"))
	if !u.Valid() {
		return ""
	}
	return u
}
