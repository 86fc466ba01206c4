package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// seen gives the lines before the resume position, from as many files of the
// chain as it takes: a line may have a twin on the other side of a rotation.
//
// It returns errUnsettled, and has given nothing, if files were being rotated.
func (r *run) seen(ctx context.Context) error {
	data, start := r.cur.cut.seen()
	chunks := []Chunk{{Data: data, Start: start}}
	older, err := r.older()
	if err != nil {
		return err
	}
	for left := chunkSize - r.cur.cut.mark; left > 0 && len(older) > 0; older = older[1:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, start, err := r.lastLines(older[0])
		if err != nil {
			return err
		}
		chunks = append(chunks, Chunk{Data: data, Start: start})
		left -= len(data)
	}
	for _, c := range slices.Backward(chunks) {
		if len(c.Data) == 0 {
			continue
		}
		c.From, c.To, c.Seen = r.pos, r.pos, true
		if err := r.yield(c); err != nil {
			return err
		}
	}
	return nil
}

// older lists the files before the current one, newest first.
func (r *run) older() ([]member, error) {
	list, err := r.members()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(list, func(m member) bool { return os.SameFile(m.info, r.cur.info) })
	if at < 0 {
		return nil, errUnsettled
	}
	return list[at+1:], nil
}

// lastLines gives the whole lines among the last chunkSize bytes of a file, and
// where they begin. A file that cannot be read has none, nor has a copy of the
// current file, which copytruncate is about to truncate.
func (r *run) lastLines(m member) ([]byte, int64, error) {
	if f := openAt(r.opt.Root, m.name, r.pos); f != nil {
		f.close()
		return nil, 0, nil
	}
	f, err := open(r.opt.Root, m.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, errUnsettled
	}
	if err != nil {
		return nil, 0, nil
	}
	defer f.close()
	if !os.SameFile(f.info, m.info) {
		return nil, 0, errUnsettled
	}
	if f.seekEnd() != nil {
		return nil, 0, nil
	}
	f.cut.mark = bytes.LastIndexByte(f.cut.buf, '\n') + 1
	data, start := f.cut.seen()
	return data, start, nil
}

// seekEnd goes to the end, with what precedes it in the cutter.
func (f *file) seekEnd() error {
	if f.text == nil {
		return f.seek(f.info.Size())
	}
	var e ending
	n, err := io.Copy(&e, f.text)
	copy(f.cut.prime(n), e.last(int(min(n, chunkSize))))
	return err
}

// ending keeps the last chunkSize bytes that are written to it, and some more.
type ending struct{ buf []byte }

func (e *ending) Write(p []byte) (int, error) {
	e.buf = append(e.buf, p...)
	if len(e.buf) > 2*chunkSize {
		e.buf = append(e.buf[:0], e.last(chunkSize)...)
	}
	return len(p), nil
}

func (e *ending) last(n int) []byte { return e.buf[len(e.buf)-n:] }
