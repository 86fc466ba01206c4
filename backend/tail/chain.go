package tail

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// member is a file of the chain, as it was seen.
type member struct {
	name string // on the host
	info fs.FileInfo
}

// same reports whether the file still has its name.
func (m member) same(now member) bool {
	return m.name == now.name && os.SameFile(m.info, now.info)
}

// rotated is what logrotate puts behind a log's name: a number, or a date in
// whatever form, and the ending of a compressed file.
var rotated = regexp.MustCompile(`^[.-]([0-9]+(?:[-_.T:]?[0-9]+)*)(\.gz)?$`)

// holds reports whether there is something in the file to go on to. A log that
// is no regular file is gone on to as well, to be refused.
func (f *Follower) holds(m member) bool {
	if !m.info.Mode().IsRegular() {
		return m.name == f.opt.Path
	}
	return m.info.Size() > 0 && !f.packsNothing(m)
}

// smallest is more than gzip makes of nothing and a file name.
const smallest = 512

// packsNothing reports whether a file is an empty one compressed: its last
// four bytes, the length of what it holds, are zero.
func (f *Follower) packsNothing(m member) bool {
	size := m.info.Size()
	if !strings.HasSuffix(m.name, ".gz") || size > smallest || size < 4 {
		return false
	}
	file, err := f.opt.Root.Open(m.name)
	if err != nil {
		return false
	}
	defer file.Close()
	var length [4]byte
	_, err = file.ReadAt(length[:], size-4)
	return err == nil && length == [4]byte{}
}

// errUnsettled means that the files were being rotated while they were listed.
var errUnsettled = errors.New("tail: rotation under way")

// attempts bounds how often the files are listed before they are left to the
// next look. A rotation takes a few renames.
const attempts = 8

// members lists the chain, newest first: the log, if there is one, and its
// rotations. The list is of one moment: names and inodes stayed the same while
// it was made. Sizes were read from the newest file to the oldest, so that an
// empty file that precedes one with data has been passed by the writer.
func (f *Follower) members() ([]member, error) {
	for range attempts {
		names, err := f.names()
		if err != nil {
			return nil, err
		}
		list := f.sorted(names)
		again, err := f.names()
		if err != nil {
			return nil, err
		}
		if slices.Equal(names, again) && f.settled(list, len(names)) {
			return list, nil
		}
	}
	return nil, errUnsettled
}

// names lists the log and its rotations by name. Where a file and its .gz both
// stand, the latter is being written.
func (f *Follower) names() ([]string, error) {
	entries, err := f.opt.Root.ReadDir(f.folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), f.base)
		if ok && (rest == "" || rotated.MatchString(rest)) {
			names = append(names, e.Name())
		}
	}
	all := slices.Clone(names)
	return slices.DeleteFunc(names, func(name string) bool {
		plain, gz := strings.CutSuffix(name, ".gz")
		return gz && slices.Contains(all, plain)
	}), nil
}

// settled looks at each file once more, newest first.
func (f *Follower) settled(list []member, want int) bool {
	if len(list) != want {
		return false
	}
	for i := range list {
		info, err := f.opt.Root.Stat(list[i].name)
		if err != nil || !os.SameFile(info, list[i].info) {
			return false
		}
		list[i].info = info
	}
	return true
}

// sorted gives the files of these names that exist, newest first.
func (f *Follower) sorted(names []string) []member {
	var log, numbers, dates []member
	for _, name := range names {
		m := member{name: path.Join(f.folder, name)}
		info, err := f.opt.Root.Stat(m.name)
		if err != nil {
			continue
		}
		m.info = info
		switch suffix := f.suffix(m); {
		case suffix == "":
			log = append(log, m)
		case len(suffix) <= 4:
			numbers = append(numbers, m)
		default:
			dates = append(dates, m)
		}
	}
	slices.SortStableFunc(numbers, func(a, b member) int { return compareNumbers(f.suffix(a), f.suffix(b)) })
	byName := !slices.ContainsFunc(dates, func(m member) bool { return !isDate(f.suffix(m)) })
	slices.SortStableFunc(dates, func(a, b member) int {
		if byName {
			return cmp.Compare(f.suffix(b), f.suffix(a))
		}
		return b.info.ModTime().Compare(a.info.ModTime())
	})
	return append(log, merge(numbers, dates)...)
}

// suffix gives the number or date in a rotation's name, "" for the log.
func (f *Follower) suffix(m member) string {
	found := rotated.FindStringSubmatch(strings.TrimPrefix(path.Base(m.name), f.base))
	if found == nil {
		return ""
	}
	return found[1]
}

func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// isDate reports whether a suffix begins with year, month and day, so that the
// order of names is that of time.
func isDate(s string) bool {
	layout := "20060102"
	if strings.ContainsAny(s, "-") && len(s) >= 10 && s[4] == '-' {
		layout = "2006-01-02"
	}
	if len(s) < len(layout) {
		return false
	}
	_, err := time.Parse(layout, s[:len(layout)])
	return err == nil
}

// merge brings two lists, each newest first, together by the time of the last
// change: a host that went over from numbers to dates has both.
func merge(a, b []member) []member {
	var all []member
	for len(a) > 0 && len(b) > 0 {
		if a[0].info.ModTime().After(b[0].info.ModTime()) {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
