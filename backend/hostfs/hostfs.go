// Package hostfs is the one door to the host's files: absolute paths as they
// stand on the host, below a Root that is "/" on a server and a folder in a
// test or the demo. It opens files without following a link at their end and
// without waiting, and writes them atomically. It knows no file's meaning.
package hostfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Root is a host: the folder that stands for its "/".
type Root struct{ dir string }

// At gives the host below dir, which must be an existing folder.
func At(dir string) (Root, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Root{}, fmt.Errorf("hostfs: %w", err)
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return Root{}, fmt.Errorf("hostfs: %w", err)
	}
	if !fi.IsDir() {
		return Root{}, fmt.Errorf("hostfs: %q: not a folder", dir)
	}
	return Root{dir: abs}, nil
}

// Path gives where the host's path name lies for this process. A name that is
// not absolute, or climbs, is taken from the host's "/".
func (r Root) Path(name string) string {
	return filepath.Join(r.dir, filepath.Clean("/"+name))
}

// IsHost reports whether the Root is the machine itself.
func (r Root) IsHost() bool { return r.dir == "/" }

// ErrNotRegular means that a folder, FIFO, device, socket or symbolic link
// stands where a regular file should.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a regular file for reading. It neither follows a symbolic link at
// the end of name nor waits for the other side of a FIFO.
//
// It returns [ErrNotRegular], wrapped with name, for anything else.
func (r Root) Open(name string) (*os.File, error) {
	f, err := os.OpenFile(r.Path(name), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENXIO) {
		return nil, fmt.Errorf("%s: %w", name, ErrNotRegular)
	}
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", name, ErrNotRegular)
	}
	return f, nil
}

// ErrTooLarge means that a file holds more than its reader accepts.
var ErrTooLarge = errors.New("file too large")

// ReadFile reads a regular file of at most limit bytes.
//
// It returns [ErrTooLarge] for a larger one, and what [Root.Open] returns.
func (r Root) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w (more than %d bytes)", name, ErrTooLarge, limit)
	}
	return data, nil
}

// Stat tells of what name itself is: a symbolic link is not followed.
func (r Root) Stat(name string) (fs.FileInfo, error) { return os.Lstat(r.Path(name)) }

// ReadDir lists a folder, sorted by name.
func (r Root) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(r.Path(name)) }

// MkdirAll makes a folder with those above it.
func (r Root) MkdirAll(name string, mode fs.FileMode) error { return os.MkdirAll(r.Path(name), mode) }

// WriteFile puts data in place of the file name at once and durably: a crash
// leaves the old content or the new. The folder must exist.
func (r Root) WriteFile(name string, data []byte, mode fs.FileMode) error {
	path := r.Path(name)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := fill(tmp, data, mode); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

func fill(f *os.File, data []byte, mode fs.FileMode) error {
	defer f.Close()
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// SyncDir makes the names in a folder durable. dir is a path of this process,
// not of the host.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// maxZone bounds what is read as time zone data, in bytes.
const maxZone = 1 << 20

// Zone gives the host's time zone from /etc/localtime, and UTC if there is
// none.
//
// Source: localtime(5): a symbolic link into a zoneinfo folder; some tools
// copy the file instead.
func (r Root) Zone() (*time.Location, error) {
	const name = "/etc/localtime"
	path := r.Path(name)
	target, err := os.Readlink(path)
	if errors.Is(err, fs.ErrNotExist) {
		return time.UTC, nil
	}
	if err != nil {
		data, err := r.ReadFile(name, maxZone)
		if err != nil {
			return nil, fmt.Errorf("hostfs: %w", err)
		}
		return time.LoadLocationFromTZData("Local", data)
	}
	if _, zone, ok := strings.Cut(target, "zoneinfo/"); ok {
		if loc, err := time.LoadLocation(zone); err == nil {
			return loc, nil
		}
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join("/etc", target)
	}
	data, err := r.ReadFile(target, maxZone)
	if err != nil {
		return nil, fmt.Errorf("hostfs: %s: %w", name, err)
	}
	return time.LoadLocationFromTZData(filepath.Base(target), data)
}
