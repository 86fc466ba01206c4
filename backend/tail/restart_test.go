package tail_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

// TestRestartGoesOnWhereItStopped: rotations happen while no follower runs.
func TestRestartGoesOnWhereItStopped(t *testing.T) {
	for rotations := range 4 {
		for name, f := range map[string]func(w *world){
			"plain":                    func(*world) {},
			"compressed but the first": func(w *world) { compressFrom(w, 2) },
			"all compressed":           func(w *world) { compressFrom(w, 1) },
		} {
			t.Run(fmt.Sprintf("%d rotations, %s", rotations, name), func(t *testing.T) {
				inBubble(t, func(w *world) {
					w.line(9000) // more than one chunk
					w.start()
					w.must(w.stop())
					w.line(3)
					for range rotations {
						w.rotate()
						w.line(6000)
					}
					f(w)
					w.start()
					w.check()
					w.noGap()
					if want := uint32(1 + rotations); w.pos.Gen != want {
						t.Errorf("gen %d, want %d", w.pos.Gen, want)
					}
				})
			})
		}
	}
}

func compressFrom(w *world, first int) {
	for i := first; i < 9; i++ {
		if name := fmt.Sprintf("messages.%d", i); w.has(name) {
			w.compress(name)
		}
	}
}

// TestInodesProveNothing: the new log has the inode that the old one had, and
// the old one's content has another.
func TestInodesProveNothing(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(100)
		w.start()
		w.must(w.stop())
		w.line(5)
		data, err := os.ReadFile(w.path("messages"))
		w.must(err)
		w.must(os.WriteFile(w.path("messages.1.gz"), zipped(t, data), 0o600))
		w.must(w.writer.Truncate(0)) // the same inode, empty
		w.line(200)                  // and longer than the old one was
		w.start()
		w.check()
		w.noGap()
	})
}

// TestCrashBetweenChunks: the caller fails at each chunk in turn before it has
// kept it.
func TestCrashBetweenChunks(t *testing.T) {
	for n := range 8 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.line(9000)
				w.start()
				w.line(9000)
				w.rotate()
				w.line(9000)
				w.rotate()
				w.compress("messages.2")
				w.line(10)
				w.refuse = n
				w.look()
				if err := w.stop(); n < 4 && err != errRefused {
					t.Fatalf("Run = %v, want the caller's error", err)
				}
				w.refuse = -1
				w.start()
				w.check()
				w.noGap()
			})
		})
	}
}

func TestSeenLinesPrecedeThePosition(t *testing.T) {
	for name, c := range map[string]struct {
		lines int
		gz    bool
	}{
		"the whole file":             {lines: 3},
		"part of the file":           {lines: 9000},
		"part of a compressed file":  {lines: 9000, gz: true},
		"a whole compressed file":    {lines: 3, gz: true},
		"nothing was ever committed": {lines: 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.reopen()
				w.line(c.lines)
				w.start()
				w.must(w.stop())
				pos := w.pos
				w.line(10)
				if c.gz {
					w.rotate()
					w.compress("messages.1")
				}
				w.start()
				w.check()
				if c.lines == 0 {
					if len(w.seen) != 0 {
						t.Fatalf("seen %d chunks, want none", len(w.seen))
					}
					return
				}
				if len(w.seen) != 1 {
					t.Fatalf("seen %d chunks, want 1", len(w.seen))
				}
				s := w.seen[0]
				if s.From != pos || s.To != pos || s.Start+int64(len(s.Data)) != pos.Offset {
					t.Errorf("seen %d bytes at %d, from %+v to %+v; want them to end at %+v", len(s.Data), s.Start, s.From, s.To, pos)
				}
				if n := len(s.Data); n > 256<<10 || c.lines > 3 && n < 255<<10 {
					t.Errorf("seen %d bytes, want about 256 KiB", n)
				}
				all := strings.Join(w.wrote[:c.lines], "")
				if !strings.HasSuffix(all, string(s.Data)) || all[s.Start:] != string(s.Data) {
					t.Error("seen lines are not those before the position")
				}
				if bytes.IndexByte(s.Data, '\n') < 0 || s.Start > 0 && all[s.Start-1] != '\n' {
					t.Error("seen lines do not begin with a whole line")
				}
			})
		})
	}
}

func TestLostPlaceIsAGap(t *testing.T) {
	hour := time.Hour
	for name, c := range map[string]struct {
		stored bool
		want   int // first of the lines that are given afterwards
	}{
		"it is not known when the position was stored": {false, 30},
		"it is known when the position was stored":     {true, 20},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.line(10)
				w.rotate()
				w.line(10)
				w.start()
				w.must(w.stop())
				old := len(w.wrote)
				w.got, w.wrote = nil, nil
				base := time.Unix(1.79e9, 0)
				w.rotate()
				w.line(10)
				w.rotate()
				w.line(10)
				w.must(os.Remove(w.path("messages.2")))
				w.must(os.Chtimes(w.path("messages.3"), base.Add(-hour), base.Add(-hour)))
				w.must(os.Chtimes(w.path("messages.1"), base.Add(hour), base.Add(hour)))
				if c.stored {
					w.stored = base
				}
				w.wrote = w.wrote[c.want-old:]
				w.start()
				w.check()
				if g := w.gaps(); len(g) != 1 || g[0] != outbound.RotatedAway {
					t.Errorf("gaps %v, want one: rotated_away", g)
				}
				w.line(1)
				w.restart()
				w.check()
				if g := w.gaps(); len(g) != 1 {
					t.Errorf("gaps %v: the gap was told again", g)
				}
			})
		})
	}
}

// TestEmptyLogRotatedWhileDown: a position at 0 has no content to be found by.
func TestEmptyLogRotatedWhileDown(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(1)
		w.rotate()
		w.wrote = nil
		w.start()
		w.must(w.stop())
		if (w.pos != outbound.Position{Chain: logPath, Gen: 1}) {
			t.Fatalf("position %+v, want the beginning of the first file", w.pos)
		}
		w.stored = time.Unix(1.79e9, 0)
		w.must(os.Chtimes(w.path("messages.1"), w.stored.Add(-time.Hour), w.stored.Add(-time.Hour)))
		w.line(3)
		w.must(os.Chtimes(w.path("messages"), w.stored.Add(time.Hour), w.stored.Add(time.Hour)))
		w.rotate()
		w.line(3)
		w.start()
		w.check()
		w.noGap()
	})
}

func TestDamagedRotationIsAGap(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(10)
		w.start()
		w.must(w.stop())
		w.rotate()
		w.line(5)
		w.rotate()
		w.line(5)
		w.compress("messages.1")
		w.must(os.WriteFile(w.path("messages.1.gz"), []byte("\x1f\x8bno gzip"), 0o600))
		w.wrote = append(w.wrote[:10:10], w.wrote[15:]...)
		w.start()
		w.check()
		if g := w.gaps(); len(g) != 1 || g[0] != outbound.Damaged {
			t.Errorf("gaps %v, want one: damaged", g)
		}
	})
}

func TestPositionOfAnotherLogIsRefused(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(1)
		w.pos = outbound.Position{Chain: "/var/log/syslog", Gen: 1, Offset: 7, HashLen: 7}
		w.start()
		if err := w.stop(); err == nil {
			t.Error("a position of another chain was taken")
		}
	})
}
