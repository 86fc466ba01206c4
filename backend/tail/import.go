package tail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Read reads decompressed text to its end, for an import. Positions have no
// chain and Gen 1. A last line without '\n' is not given but counted as
// skipped. The last chunk is empty, has CaughtUp set, and comes only if the
// end was reached.
//
// It gives what it has before it returns an error of r.
func Read(ctx context.Context, r io.Reader, yield func(Chunk) error) error {
	c := newCutter()
	var pos outbound.Position
	give := func(data []byte, start int64, skipped int, end bool) error {
		to := c.position("", 1)
		chunk := Chunk{Data: data, Start: start, From: pos, To: to, Skipped: skipped, CaughtUp: end}
		pos = to
		return yield(chunk)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := readFull(r, c.room())
		c.add(n)
		for data, start := c.next(false); data != nil; data, start = c.next(false) {
			if err := give(data, start, c.take(), false); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return give(nil, c.offset(), c.unfinished(), true)
		}
		if err != nil {
			return err
		}
	}
}

// File is a log that is imported: its decompressed content.
type File struct {
	Name     string
	Modified time.Time
	// Size is that of the file as it stands, compressed or not.
	Size int64

	f     *os.File
	plain bool
	text  io.Reader
	read  atomic.Int64
}

// OpenFile opens a file of this process for import: plain text or gzip, told
// by the first bytes and not by the name. It does not wait for the other side
// of a FIFO.
//
// It returns [hostfs.ErrNotRegular] for anything but a regular file, and an
// [outbound.Error] for a compression that it does not read.
func OpenFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errors.Is(err, syscall.ENXIO) {
		return nil, fmt.Errorf("%s: %w", path, hostfs.ErrNotRegular)
	}
	if err != nil {
		return nil, err
	}
	file, err := newFile(path, f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return file, nil
}

func newFile(path string, f *os.File) (*File, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, hostfs.ErrNotRegular)
	}
	file := &File{Name: path, Modified: fi.ModTime(), Size: fi.Size(), f: f}
	counted := readerFunc(func(p []byte) (int, error) {
		n, err := f.Read(p)
		file.read.Add(int64(n))
		return n, err
	})
	text, err := decompressed(f, counted)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if text == nil {
		text, file.plain = counted, true
	}
	file.text = text
	return file, nil
}

// Read gives decompressed content. Errors name the file.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.text.Read(p)
	if err != nil && err != io.EOF {
		var inPath *fs.PathError
		if !errors.As(err, &inPath) {
			err = fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return n, err
}

// Progress gives how many of Size bytes were read. It may be called while
// another goroutine reads.
func (f *File) Progress() int64 { return f.read.Load() }

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// foreign are the first bytes of compressions that are not read.
var foreign = []struct{ magic, name string }{
	{"\xfd7zXZ\x00", "xz"},
	{"\x28\xb5\x2f\xfd", "zstd"},
	{"BZh", "bzip2"},
}

// decompressed gives the text behind r, which reads at from its beginning, if
// at begins as gzip does, and nil if it is plain.
func decompressed(at io.ReaderAt, r io.Reader) (io.Reader, error) {
	magic := make([]byte, 6)
	n, err := at.ReadAt(magic, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	magic = magic[:n]
	for _, f := range foreign {
		if bytes.HasPrefix(magic, []byte(f.magic)) {
			return nil, &outbound.Error{
				Code:    outbound.Invalid,
				Message: "compressed with " + f.name + ", which is not read here",
				Hint:    "decompress it first",
			}
		}
	}
	if !bytes.HasPrefix(magic, []byte("\x1f\x8b")) {
		return nil, nil
	}
	zr, err := gzip.NewReader(bufio.NewReaderSize(r, chunkSize))
	if err != nil {
		return nil, err
	}
	return &bounded{r: zr, left: maxContent, limit: maxContent}, nil
}

// maxContent is how much a compressed file may hold. A gigabyte of zeros takes
// a megabyte of gzip: without a limit a small file could keep the reader busy
// for hours. Memory is bounded in any case.
const maxContent = 64 << 30

// bounded reads at most limit bytes and then fails.
type bounded struct {
	r           io.Reader
	left, limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("%w: more than %d bytes of text", hostfs.ErrTooLarge, b.limit)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// Plain gives the file for reading at any place, if it is not compressed.
func (f *File) Plain() (io.ReaderAt, bool) { return f.f, f.plain }
