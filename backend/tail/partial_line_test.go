package tail_test

import (
	"testing"
)

func TestLineIsGivenWhenItIsWhole(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(2)
		w.start()
		at := w.pos
		for range 5 {
			w.begin()
			w.look()
			if len(w.got) != 2 || w.pos != at {
				t.Fatalf("%d lines up to %+v, want 2 up to %+v", len(w.got), w.pos, at)
			}
		}
		w.restart()
		if w.pos != at {
			t.Fatalf("position %+v in a line, want %+v", w.pos, at)
		}
		w.line(1)
		w.look()
		w.check()
	})
}

func TestLogThatBeginsWithHalfALine(t *testing.T) {
	inBubble(t, func(w *world) {
		w.begin()
		w.start()
		w.restart()
		w.line(1)
		w.look()
		w.check()
		w.noGap()
	})
}

func TestCutLastLineIsCounted(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(2)
		w.start()
		w.put("cut")
		w.look()
		w.rotate()
		w.put("half")
		w.look()
		if w.skipped() != 0 {
			t.Errorf("skipped %d before a line of the next file is whole", w.skipped())
		}
		w.restart()
		w.half = "half"
		w.line(1)
		w.look()
		w.check()
		if w.skipped() != len("cut") {
			t.Errorf("skipped %d, want %d", w.skipped(), len("cut"))
		}
	})
}

// TestAnyBytesMakeALine: what a line says is nobody's business here.
func TestAnyBytesMakeALine(t *testing.T) {
	inBubble(t, func(w *world) {
		w.wrote = []string{"\x00\x00\x00\n", "\n", "cr\r\n", "\xff\xfe\n", "cutNov 22 glued\n"}
		for _, l := range w.wrote {
			w.put(l)
		}
		w.start()
		w.check()
	})
}
