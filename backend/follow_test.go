package backend_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/daemon"
	"outboundmonitor/backend/outbound"
)

// posted imports a file of this process through the daemon, as the command
// does. An error is the caller's to judge: the daemon may have been killed.
func posted(t *testing.T, c *client.Client, path string) (outbound.ImportDoc, error) {
	var doc outbound.ImportDoc
	log, err := daemon.OpenLog(path)
	if err != nil {
		return doc, err
	}
	defer log.Close()
	year, err := log.FirstYear(time.UTC)
	if err != nil {
		return doc, err
	}
	q := url.Values{"name": {filepath.Base(path)}}
	if year > 0 {
		q.Set("first_year", itoa(year))
	}
	return doc, c.Post(t.Context(), "/api/v1/import", q, log, &doc)
}

func (w *writer) files(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(w.log + "*")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestKilledWhileAnImportRunsBesideTheFollowerNothingIsTwice imports the log
// and its rotations while they are followed, and kills the daemon meanwhile.
func TestKilledWhileAnImportRunsBesideTheFollowerNothingIsTwice(t *testing.T) {
	s := crashRun(t)
	c := newCrashes(t, s)
	// Whoever reads a log while it is truncated reads lines glued together,
	// which were never written.
	c.w.ways = []string{create, reopenLater, createCompress}
	c.b.start()
	imports := 0
	for cycle := range s.cycles / 4 {
		p := startDaemon(t, c.dir)
		cl := p.dial(t, c.dir)
		files := c.w.files(t)
		order := c.r.Perm(len(files))
		landed := make(chan int, len(files))
		go func() {
			defer close(landed)
			for _, i := range order {
				if _, err := posted(t, cl, files[i]); err == nil {
					landed <- 1
				}
			}
		}()
		if cycle%5 == 0 {
			imports += <-landed
		}
		p.wait(time.Duration(c.r.Int64N(int64(100 * time.Millisecond))))
		p.untilCommit(200 * time.Millisecond)
		p.kill()
		for range landed {
			imports++
		}
		p.healthy(t)
	}
	c.b.pause()
	if d := c.compare(t); d.lost+d.twice > 0 {
		t.Error(d)
	}
	t.Logf("%d lines, %d imports came to their end, rotations %v", c.w.model.lines.total(), imports, c.w.rotations)
	if imports == 0 {
		t.Error("no import came to its end: the test proves little")
	}
}

// copies are the log, its rotations, a copy of it and a packed one.
func copies(t *testing.T, w *writer) []string {
	t.Helper()
	data, err := os.ReadFile(w.log)
	if err != nil {
		t.Fatal(err)
	}
	beside := t.TempDir()
	w.check(copyFile(w.log, filepath.Join(beside, "copy")))
	w.check(gzipTo(filepath.Join(beside, "copy.gz"), bytes.NewReader(data)))
	return append(w.files(t), filepath.Join(beside, "copy"), filepath.Join(beside, "copy.gz"))
}

func importAll(t *testing.T, c *client.Client, r *rand.Rand, files []string) (stored int) {
	t.Helper()
	files = slices.Clone(files)
	r.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	for _, file := range files {
		doc, err := posted(t, c, file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		stored += doc.Lines.Stored
	}
	return stored
}

func TestImportOfWhatWasFollowedAddsNothing(t *testing.T) {
	s := crashRun(t)
	c := newCrashes(t, s)
	c.checkpoint(t, func(cl *client.Client) {
		for range 6 {
			c.w.lines(200)
			c.w.rotate()
			c.w.lines(50)
		}
	})
	c.checkpoint(t, func(cl *client.Client) {
		if n := importAll(t, cl, c.r, copies(t, c.w)); n != 0 {
			t.Errorf("%d lines were added", n)
		}
		if d := c.w.model.compare(t, stored(t, cl)); d.lost+d.twice > 0 {
			t.Error(d)
		}
	})
}

func TestFollowingAfterAnImportAddsNothingTwice(t *testing.T) {
	s := crashRun(t)
	dir := newHost(t)
	r := rand.New(rand.NewPCG(s.seed, 1))
	w := newWriter(t, rand.New(rand.NewPCG(s.seed, 2)), dir)
	for range 4 {
		w.lines(200)
		w.rotate()
		w.lines(50)
	}
	rt, closer, err := daemon.Local(houseAt(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	imported := importAll(t, client.New(rt), r, copies(t, w))
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	if imported == 0 {
		t.Fatal("nothing was imported: the test proves nothing")
	}
	w.lines(50)
	c := &crashes{dir: dir, r: r, w: w}
	if d := c.compare(t); d.lost+d.twice > 0 {
		t.Error(d)
	}
}

// TestTwinsStayTwinsAcrossARestart lets the daemon stop between two lines that
// are the same byte for byte.
func TestTwinsStayTwinsAcrossARestart(t *testing.T) {
	for name, between := range map[string]func(w *writer){
		"in one file":           func(w *writer) { w.lines(3) },
		"with a rotation after": func(w *writer) { w.lines(3); w.rotateBy(create) },
		"with lines of the new file between": func(w *writer) {
			w.rotateBy(create)
			w.lines(3)
		},
		"with the old file packed": func(w *writer) {
			w.rotateBy(create)
			w.lines(3)
			w.compress(w.log + ".1")
		},
		"with a copy truncated": func(w *writer) {
			w.rotateBy(copyTruncate)
			w.lines(3)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := crashRun(t)
			c := newCrashes(t, s)
			twin := c.w.stamped(c.w.now)
			c.w.line(twin)
			between(c.w)
			c.checkpoint(t, nil)
			c.w.line(twin)
			if d := c.compare(t); d.lost+d.twice > 0 {
				t.Error(d)
			}
		})
	}
}

// line writes one line of ours.
func (w *writer) line(line string) {
	w.model.add(line)
	_, err := io.WriteString(w.f, line+"\n")
	w.check(err)
}
