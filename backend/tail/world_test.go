package tail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/tail"
)

const logPath = "/var/log/messages"

// world is a host with a writer, and a follower with a caller that keeps what
// it is given. The list of lines written is what the caller must end up with.
type world struct {
	t      testing.TB
	root   hostfs.Root
	dir    string // of the log, for this process
	writer *os.File

	wrote []string // whole lines, in order
	half  string   // begun and not ended
	n     int

	// What the caller keeps.
	got    []string
	pos    outbound.Position
	seen   []tail.Chunk
	chunks []tail.Chunk // without Data
	last   outbound.Position
	// refuse makes the caller fail before it has kept the chunk after so many.
	refuse int
	stored time.Time

	wake   chan struct{}
	cancel context.CancelFunc
	done   chan error
	now    time.Time
	logger *slog.Logger
	// kept is called, if set, when the caller has kept a chunk.
	kept func()
	// restarts makes each look one by a new follower.
	restarts bool
}

var errRefused = errors.New("refused")

func newWorld(t testing.TB) *world {
	t.Helper()
	host := t.TempDir()
	dir := filepath.Join(host, "var/log")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(host)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, root: root, dir: dir, refuse: -1}
}

// inBubble runs f with a world in which look returns when the follower has
// nothing left to do.
func inBubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() {
			_ = w.stop()
			if w.writer != nil {
				_ = w.writer.Close()
			}
		}()
		f(w)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// reopen is what the writer does on HUP. A line that it had begun in another
// file will never be whole.
func (w *world) reopen() {
	w.t.Helper()
	f, err := os.OpenFile(w.path("messages"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.must(err)
	if w.writer != nil {
		now, err := f.Stat()
		w.must(err)
		before, err := w.writer.Stat()
		w.must(err)
		if !os.SameFile(now, before) {
			w.half = ""
		}
		w.must(w.writer.Close())
	}
	w.writer = f
}

func (w *world) put(s string) {
	w.t.Helper()
	if w.writer == nil {
		w.reopen()
	}
	_, err := w.writer.WriteString(s)
	w.must(err)
}

// line writes whole lines, each unlike all others.
func (w *world) line(count int) {
	w.t.Helper()
	var b strings.Builder
	for range count {
		w.n++
		s := fmt.Sprintf("line %d %s\n", w.n, strings.Repeat("x", w.n*7%90))
		b.WriteString(s)
		w.wrote = append(w.wrote, w.half+s)
		w.half = ""
	}
	w.put(b.String())
}

// begin writes the beginning of a line.
func (w *world) begin() {
	w.t.Helper()
	w.n++
	s := fmt.Sprintf("half %d ", w.n)
	w.half += s
	w.put(s)
}

func (w *world) rename(from, to string) {
	w.t.Helper()
	w.must(os.Rename(w.path(from), w.path(to)))
}

func (w *world) create() {
	w.t.Helper()
	w.must(os.WriteFile(w.path("messages"), nil, 0o600))
}

func (w *world) has(name string) bool {
	_, err := os.Lstat(w.path(name))
	return err == nil
}

// shift renames as logrotate does with numbers; the writer is not told.
func (w *world) shift() {
	w.t.Helper()
	w.makeRoom()
	w.rename("messages", "messages.1")
	w.create()
}

// makeRoom renames the rotated files so that messages.1 is free.
func (w *world) makeRoom() {
	w.t.Helper()
	n := 1
	for w.has(fmt.Sprint("messages.", n)) || w.has(fmt.Sprint("messages.", n, ".gz")) {
		n++
	}
	for ; n > 1; n-- {
		for _, end := range []string{"", ".gz"} {
			if from := fmt.Sprint("messages.", n-1, end); w.has(from) {
				w.rename(from, fmt.Sprint("messages.", n, end))
			}
		}
	}
}

// rotate shifts and tells the writer.
func (w *world) rotate() {
	w.t.Helper()
	w.shift()
	w.reopen()
}

// compress replaces a file by its .gz, which gets another inode and the same
// time of last change.
func (w *world) compress(name string) {
	w.t.Helper()
	data, err := os.ReadFile(w.path(name))
	w.must(err)
	fi, err := os.Stat(w.path(name))
	w.must(err)
	w.must(os.WriteFile(w.path(name+".gz"), zipped(w.t, data), 0o600))
	w.must(os.Chtimes(w.path(name+".gz"), fi.ModTime(), fi.ModTime()))
	w.must(os.Remove(w.path(name)))
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) keep(c tail.Chunk) error {
	w.t.Helper()
	if c.From != w.last {
		w.t.Errorf("chunk from %+v after one to %+v", c.From, w.last)
	}
	if c.To.Before(c.From) {
		w.t.Errorf("position goes back from %+v to %+v", c.From, c.To)
	}
	if len(c.Data) > 0 && c.Data[len(c.Data)-1] != '\n' {
		w.t.Errorf("chunk does not end with a line: %q", c.Data)
	}
	if c.Seen {
		c.Data = bytes.Clone(c.Data)
		w.seen = append(w.seen, c)
		return nil
	}
	if w.refuse == 0 {
		return errRefused
	}
	w.refuse--
	for line := range bytes.Lines(c.Data) {
		w.got = append(w.got, string(line))
	}
	c.Data = nil
	w.chunks = append(w.chunks, c)
	w.last, w.pos = c.To, c.To
	if w.kept != nil {
		w.kept()
	}
	return nil
}

// start runs a follower from the position kept, and looks.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.wake, w.done = cancel, make(chan struct{}), make(chan error, 1)
	w.last = w.pos
	f := tail.NewFollower(tail.Options{
		Root: w.root, Path: logPath, Wake: w.wake, Stored: w.stored, Logger: w.logger,
		Now: func() time.Time { return w.now },
	})
	go func() { w.done <- f.Run(ctx, w.pos, w.keep) }()
	synctest.Wait()
}

// look lets the follower look once; nothing happens while it does.
func (w *world) look() {
	if w.restarts {
		w.restart()
		return
	}
	select {
	case w.wake <- struct{}{}:
	case err := <-w.done:
		w.done <- err
	}
	synctest.Wait()
}

// stop ends the follower, if one runs, and gives its error.
func (w *world) stop() error {
	if w.cancel == nil {
		return nil
	}
	w.cancel()
	w.cancel = nil
	return <-w.done
}

func (w *world) restart() {
	w.t.Helper()
	w.must(w.stop())
	w.start()
}

// check compares what the caller has with what was written, in order.
func (w *world) check() {
	w.t.Helper()
	if slices.Equal(w.got, w.wrote) {
		return
	}
	count := map[string]int{}
	for _, l := range w.wrote {
		count[l]++
	}
	for _, l := range w.got {
		count[l]--
	}
	lost, twice := 0, 0
	for l, n := range count {
		switch {
		case n > 0:
			lost += n
			w.t.Logf("lost: %.60q", l)
		case n < 0:
			twice -= n
			w.t.Logf("too often: %.60q", l)
		}
	}
	w.t.Fatalf("%d lines written, %d got: %d lost, %d too many", len(w.wrote), len(w.got), lost, twice)
}

// gaps lists the gaps told.
func (w *world) gaps() []string {
	var all []string
	for _, c := range w.chunks {
		if c.Gap != "" {
			all = append(all, c.Gap)
		}
	}
	return all
}

func (w *world) noGap() {
	w.t.Helper()
	if g := w.gaps(); g != nil {
		w.t.Errorf("gaps %v, want none", g)
	}
}

func (w *world) skipped() int {
	n := 0
	for _, c := range w.chunks {
		n += c.Skipped
	}
	return n
}
