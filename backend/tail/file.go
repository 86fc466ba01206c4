package tail

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/cespare/xxhash/v2"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// file is one open file of the chain.
type file struct {
	name string // on the host
	f    *os.File
	// info is the file's identity, for as long as it is open; after it was
	// compressed, that of the file that took its place.
	info fs.FileInfo
	gen  uint32
	text io.Reader // decompressed content; nil for a plain file
	cut  *cutter
	// ended means that the last read reached the end.
	ended bool
	// orphan means that the file was looked for by content in vain.
	orphan bool
}

// open opens a file of the chain at its beginning.
func open(root hostfs.Root, name string) (*file, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	var text io.Reader
	if strings.HasSuffix(name, ".gz") {
		if text, err = decompressed(f, f); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &file{name: name, f: f, info: info, text: text, cut: newCutter()}, nil
}

// openAt opens a file of the chain at a position. It gives nil if the file's
// content is not that of the position.
func openAt(root hostfs.Root, name string, p outbound.Position) *file {
	if p.Offset <= 0 || p.HashLen == 0 || p.HashLen > hashSize || int64(p.HashLen) > p.Offset {
		return nil
	}
	f, err := open(root, name)
	if err != nil {
		return nil
	}
	if err := f.seek(p.Offset); err != nil || xxhash.Sum64(f.cut.buf[len(f.cut.buf)-int(p.HashLen):]) != p.Hash {
		f.close()
		return nil
	}
	f.gen = p.Gen
	return f
}

// seek goes to offset, with what precedes it in the cutter.
func (f *file) seek(offset int64) error {
	before := f.cut.prime(offset)
	if f.text == nil {
		if f.info.Size() < offset {
			return io.ErrUnexpectedEOF
		}
		_, err := f.f.ReadAt(before, f.cut.base)
		return err
	}
	if _, err := io.CopyN(io.Discard, f.text, f.cut.base); err != nil {
		return err
	}
	_, err := io.ReadFull(f.text, before)
	return err
}

// fill reads up to chunkSize bytes more; ended says whether that was all.
func (f *file) fill() (int, error) {
	p := f.cut.room()
	var n int
	var err error
	if f.text == nil {
		n, err = f.f.ReadAt(p, f.cut.read())
	} else {
		n, err = readFull(f.text, p)
	}
	f.cut.add(n)
	if err == io.EOF {
		err = nil
		f.ended = true
	} else {
		f.ended = err != nil
	}
	if err != nil {
		return n, fmt.Errorf("tail: %s: %w", f.name, err)
	}
	return n, nil
}

// intact reports whether what precedes the last n bytes still stands in the
// file. It is asked after they were read: if it does, the file was not
// truncated before, and they do continue what precedes them.
func (f *file) intact(n int) bool {
	if f.text != nil {
		return true
	}
	before := f.cut.before(n)
	now := make([]byte, len(before))
	_, err := f.f.ReadAt(now, f.cut.read()-int64(n+len(before)))
	return err == nil && bytes.Equal(now, before)
}

func (f *file) close() {
	if f.f != nil {
		_ = f.f.Close()
	}
}

// unreadable stands for a file of the chain that cannot be read.
func unreadable(m *member) *file {
	return &file{name: m.name, info: m.info, text: nothing{}, cut: newCutter()}
}

// nothing is the rest of a damaged file.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

// readFull reads until p is full; unlike [io.ReadFull] it passes on whatever
// error ended it.
func readFull(r io.Reader, p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m, err := r.Read(p[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
