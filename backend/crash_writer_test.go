package backend_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// writer writes a log as syslog would, only worse. It is for one goroutine.
type writer struct {
	t     *testing.T
	r     *rand.Rand
	log   string // path of this process
	f     *os.File
	model *model
	now   time.Time // of the stamps: some days ago, and slowly going on
	n     int
	// rotations counts files that were rotated away, by way.
	rotations map[string]int
	// ways are the ways in which the log is rotated.
	ways      []string
	kept      int // rotated files
	straddles int // writes with lines of two days
}

func newWriter(t *testing.T, r *rand.Rand, root string) *writer {
	t.Helper()
	log := filepath.Join(root, followedLog)
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		t.Fatal(err)
	}
	w := &writer{
		ways: []string{create, reopenLater, copyTruncate, createCompress},
		t:    t, r: r, log: log, model: newModel(t, filepath.Join(t.TempDir(), "written")), rotations: map[string]int{},
		now: time.Now().UTC().Add(-5 * 24 * time.Hour).Truncate(time.Second),
	}
	w.f = w.open()
	t.Cleanup(func() { _ = w.f.Close() })
	return w
}

func (w *writer) open() *os.File {
	f, err := os.OpenFile(w.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Error(err)
	}
	return f
}

// stamped gives the next line of ours with a time. No two are the same.
func (w *writer) stamped(at time.Time) string {
	w.n++
	stamp := at.Format("2006-01-02T15:04:05.000000Z07:00")
	switch w.n % 3 {
	case 1:
		stamp = at.Format(time.Stamp)
	case 2:
		stamp = at.In(time.FixedZone("", 3600)).Format("2006-01-02T15:04:05.000000Z07:00")
	}
	uptime := fmt.Sprintf("[%5d.%06d] ", w.n/1e6, w.n%1e6)
	if w.n%5 == 0 {
		uptime = ""
	}
	ports := []string{"22", "21", "80:443"}
	return fmt.Sprintf("%s web01 kernel: %sCSF-OUTBOUND:%s:=:IN= OUT=eth0 SRC=192.0.2.10 DST=203.0.113.%d LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=%d DF PROTO=TCP SPT=%d DPT=%d WINDOW=64240 RES=0x00 SYN URGP=0 UID=%d GID=1043 ",
		stamp, uptime, ports[w.n%3], w.n%250+1, w.n/20000%65536, 1024+w.n%20000, []int{22, 21, 443}[w.n%3], 1000+w.n%40)
}

// noise is a line of somebody else's, now and then one that is too long.
func (w *writer) noise() string {
	if w.r.IntN(400) == 0 {
		return "Nov  5 02:11:03 web01 app[7]: " + strings.Repeat("x", 9000+w.r.IntN(20000))
	}
	return "Nov  5 02:11:03 web01 CROND[123]: (root) CMD (/usr/local/bin/check >/dev/null 2>&1)"
}

// lines writes n lines of ours with others between.
func (w *writer) lines(n int) {
	var text strings.Builder
	midnight := w.now.Truncate(24 * time.Hour)
	straddling := w.r.IntN(6) == 0
	if straddling {
		midnight = midnight.AddDate(0, 0, w.r.IntN(4))
		w.straddles++
	}
	for i := range n {
		w.now = w.now.Add(time.Duration(w.r.IntN(4000)) * time.Microsecond)
		at := w.now
		if straddling {
			at = midnight.Add(time.Duration(2*i-n) * time.Millisecond)
		}
		line := w.stamped(at)
		for range w.twins() {
			w.model.add(line)
			text.WriteString(line + "\n")
			if w.r.IntN(4) == 0 {
				text.WriteString(w.noise() + "\n")
			}
		}
	}
	w.put(text.String())
}

// twins is how often a line is written: a few have true twins.
func (w *writer) twins() int {
	if w.r.IntN(12) == 0 {
		return 2 + w.r.IntN(2)
	}
	return 1
}

// put writes text in pieces that end anywhere.
func (w *writer) put(text string) {
	for len(text) > 0 {
		n := min(len(text), 1+w.r.IntN(4096))
		if w.r.IntN(3) == 0 {
			n = len(text)
		}
		if _, err := w.f.WriteString(text[:n]); err != nil {
			w.t.Error(err)
			return
		}
		text = text[n:]
	}
}

// Ways to rotate a log.
const (
	create         = "create"
	reopenLater    = "create and reopen later"
	copyTruncate   = "copytruncate"
	createCompress = "create and compress"
)

// rotate takes the log away as logrotate does, one way or another.
func (w *writer) rotate() { w.rotateBy(w.ways[w.r.IntN(len(w.ways))]) }

func (w *writer) rotateBy(way string) {
	w.rotations[way]++
	w.shift()
	switch way {
	case create:
		w.check(os.Rename(w.log, w.log+".1"))
		w.reopen()
	case reopenLater:
		half := w.stamped(w.now)
		w.model.add(half)
		w.put(half[:100])
		w.check(os.Rename(w.log, w.log+".1"))
		created := w.open()
		w.put(half[100:] + "\n")
		w.lines(1 + w.r.IntN(50))
		w.check(created.Close())
		w.reopen()
	case copyTruncate:
		w.check(copyFile(w.log, w.log+".1"))
		w.check(w.f.Truncate(0))
	case createCompress:
		w.check(os.Rename(w.log, w.log+".1"))
		w.reopen()
		w.compress(w.log + ".2")
	}
}

func (w *writer) reopen() {
	w.check(w.f.Close())
	w.f = w.open()
}

func (w *writer) check(err error) {
	if err != nil {
		w.t.Error(err)
	}
}

// shift gives each rotated file the next number.
func (w *writer) shift() {
	for i := w.kept; i > 0; i-- {
		for _, gz := range []string{"", ".gz"} {
			from := fmt.Sprintf("%s.%d%s", w.log, i, gz)
			if err := os.Rename(from, fmt.Sprintf("%s.%d%s", w.log, i+1, gz)); !errors.Is(err, fs.ErrNotExist) {
				w.check(err)
			}
		}
	}
	w.kept++
}

// prune removes all rotated files but the last two.
func (w *writer) prune() {
	for ; w.kept > 2; w.kept-- {
		for _, gz := range []string{"", ".gz"} {
			if err := os.Remove(fmt.Sprintf("%s.%d%s", w.log, w.kept, gz)); !errors.Is(err, fs.ErrNotExist) {
				w.check(err)
			}
		}
	}
}

// compress packs a file as gzip does: beside it, and then the file goes.
func (w *writer) compress(name string) {
	in, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	w.check(err)
	defer in.Close()
	w.check(gzipTo(name+".gz", in))
	w.check(os.Remove(name))
}

func gzipTo(name string, in io.Reader) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(out)
	_, err = io.Copy(z, in)
	return errors.Join(err, z.Close(), out.Close())
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

// background writes at a rate, rotating now and then, until it is paused.
type background struct {
	w    *writer
	rate int // lines a second
	// every is how often the log is rotated, in the mean.
	every time.Duration
	stop  chan struct{}
	done  sync.WaitGroup
}

func (b *background) start() {
	b.stop = make(chan struct{})
	b.done.Go(func() { b.run(b.stop) })
}

// pause returns when the last line is whole.
func (b *background) pause() {
	if b.stop != nil {
		close(b.stop)
		b.stop = nil
	}
	b.done.Wait()
}

func (b *background) run(stop chan struct{}) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	owed, last := 0.0, time.Now()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			owed += now.Sub(last).Seconds() * float64(b.rate)
			if b.w.r.Float64()*float64(b.every) < float64(now.Sub(last)) {
				b.w.rotate()
			}
			last = now
		}
		if n := int(owed); n > 0 {
			b.w.lines(n)
			owed -= float64(n)
		}
	}
}
