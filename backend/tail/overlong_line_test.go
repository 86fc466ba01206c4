package tail_test

import (
	"strings"
	"testing"

	"outboundmonitor/backend/tail"
)

func TestOverlongLineIsSkippedAndCounted(t *testing.T) {
	for name, c := range map[string]struct {
		length int // with its '\n'
		given  bool
	}{
		"as long as may be":          {tail.MaxLine, true},
		"a byte longer":              {tail.MaxLine + 1, false},
		"twice as long":              {2 * tail.MaxLine, false},
		"longer than what is read":   {300 << 10, false},
		"several times what is read": {2 << 20, false},
	} {
		for _, way := range []string{"at once", "in parts", "with restarts", "first", "compressed"} {
			t.Run(name+", "+way, func(t *testing.T) {
				inBubble(t, func(w *world) {
					long := strings.Repeat("y", c.length-1) + "\n"
					if way != "first" {
						w.line(2000)
					} else {
						w.reopen()
					}
					w.start()
					if c.given {
						w.wrote = append(w.wrote, long)
					}
					at := w.pos
					cut := 0
					if way == "in parts" || way == "with restarts" {
						cut = c.length / 2
						w.put(long[:cut])
						w.look()
						if w.pos != at {
							t.Errorf("position %+v in a line, want %+v", w.pos, at)
						}
					}
					if way == "with restarts" {
						w.restart()
					}
					w.put(long[cut:])
					w.line(3)
					if way == "compressed" {
						w.must(w.stop())
						w.rotate()
						w.compress("messages.1")
						w.start()
					}
					w.look()
					w.check()
					want := c.length
					if c.given {
						want = 0
					}
					if w.skipped() != want {
						t.Errorf("skipped %d, want %d", w.skipped(), want)
					}
					w.line(2)
					w.restart()
					w.check()
				})
			})
		}
	}
}

// TestOverlongLineAmongOthers: the lines around it are given, and what was
// read again before a position has whole short lines only.
func TestOverlongLineAmongOthers(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(50)
		w.put(strings.Repeat("y", 9000) + "\n")
		w.put(strings.Repeat("y", 9000) + "\n")
		w.line(50)
		w.start()
		w.check()
		w.line(1)
		w.restart()
		w.check()
		if s := w.seen[0]; string(s.Data) != strings.Join(w.wrote[:100], "") {
			t.Errorf("seen %d bytes at %d, want the 50 lines before the long ones and the 50 after", len(s.Data), s.Start)
		}
		w.put(strings.Repeat("y", 9000) + "\n")
		w.look()
		if last := w.chunks[len(w.chunks)-1]; last.Skipped != 9001 || !last.CaughtUp {
			t.Errorf("last chunk %+v, want 9001 bytes skipped and the end", last)
		}
		w.restart()
		w.check()
		if w.skipped() != 3*9001 {
			t.Errorf("skipped %d, want %d", w.skipped(), 3*9001)
		}
	})
}
