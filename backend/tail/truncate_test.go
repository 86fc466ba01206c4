package tail_test

import (
	"os"
	"testing"

	"outboundmonitor/backend/outbound"
)

func TestTruncationInPlace(t *testing.T) {
	for name, f := range map[string]func(w *world){
		"to nothing": func(w *world) {
			w.must(w.writer.Truncate(0))
			w.look()
			w.line(3)
			w.look()
		},
		"and shorter than before": func(w *world) {
			w.must(w.writer.Truncate(0))
			w.line(3)
			w.look()
		},
		"and grown past the old end between two looks": func(w *world) {
			w.must(w.writer.Truncate(0))
			w.line(500)
			w.look()
		},
		"twice": func(w *world) {
			w.must(w.writer.Truncate(0))
			w.line(500)
			w.look()
			w.must(w.writer.Truncate(0))
			w.line(1000)
			w.look()
		},
		"by copytruncate, with lines that only the copy has": func(w *world) {
			w.line(7)
			w.copyTruncate()
			w.line(500)
			w.look()
		},
		"by copytruncate while down": func(w *world) {
			w.must(w.stop())
			w.line(7)
			w.copyTruncate()
			w.line(500)
			w.start()
		},
		"by copytruncate twice between two looks": func(w *world) {
			w.line(7)
			w.copyTruncate()
			w.line(500)
			w.rename("messages.1", "messages.2")
			w.copyTruncate()
			w.line(7)
			w.look()
		},
		"with a cut line at the end": func(w *world) {
			w.begin()
			w.look()
			w.half = ""
			w.must(w.writer.Truncate(0))
			w.line(1)
			w.look()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.line(100)
				w.start()
				gen := w.pos.Gen
				f(w)
				w.check()
				w.noGap()
				if w.pos.Gen <= gen {
					t.Errorf("gen %d after truncation, want more than %d", w.pos.Gen, gen)
				}
				w.line(1)
				w.restart()
				w.check()
				w.noGap()
			})
		})
	}
}

func (w *world) copyTruncate() {
	w.t.Helper()
	data, err := os.ReadFile(w.path("messages"))
	w.must(err)
	w.must(os.WriteFile(w.path("messages.1"), data, 0o600))
	w.must(w.writer.Truncate(0))
}

func TestTruncationWhileDownIsAGap(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(100)
		w.start()
		w.must(w.stop())
		w.must(w.writer.Truncate(0))
		w.line(200)
		w.start()
		w.check()
		if g := w.gaps(); len(g) != 1 || g[0] != outbound.RotatedAway {
			t.Errorf("gaps %v, want one: rotated_away", g)
		}
	})
}

func TestTruncationOfUnreadLinesIsAGap(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(9000)
		w.kept = func() {
			w.kept = nil
			w.wrote = w.wrote[:len(w.got)]
			w.must(w.writer.Truncate(0))
			w.line(10)
		}
		w.start()
		w.look()
		w.check()
		if g := w.gaps(); len(g) != 1 || g[0] != outbound.RotatedAway {
			t.Errorf("gaps %v, want one: rotated_away", g)
		}
	})
}
