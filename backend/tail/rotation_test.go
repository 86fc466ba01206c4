package tail_test

import (
	"os"
	"testing"
	"time"

	"outboundmonitor/backend/tail"
)

func TestRotationLosesNothing(t *testing.T) {
	for name, f := range map[string]func(w *world){
		"the writer is told at once": func(w *world) {
			w.rotate()
			w.line(3)
			w.look()
		},
		"the writer goes on in the renamed file until it is told": func(w *world) {
			w.rename("messages", "messages.1")
			w.line(2)
			w.look()
			w.line(2)
			w.create()
			w.look()
			w.line(5000)
			w.look()
			w.line(2)
			w.reopen()
			w.line(3)
			w.look()
		},
		"a line is begun before the rename and ended after it": func(w *world) {
			w.begin()
			w.look()
			w.shift()
			w.look()
			w.line(1)
			w.reopen()
			w.line(1)
			w.look()
		},
		"two rotations between two looks": func(w *world) {
			w.rotate()
			w.line(10)
			w.rotate()
			w.line(10)
			w.look()
		},
		"two rotations with an empty file between them": func(w *world) {
			w.rotate()
			w.look()
			w.rotate()
			w.look()
			w.line(10)
			w.look()
		},
		"the writer is told after the second rotation": func(w *world) {
			w.shift()
			w.line(3)
			w.look()
			w.shift()
			w.line(3)
			w.look()
			w.reopen()
			w.line(3)
			w.look()
		},
		"rotation by date": func(w *world) {
			for _, date := range []string{"20261122", "20261129", "20261206"} {
				w.rename("messages", "messages-"+date)
				w.line(1)
				w.reopen()
				w.line(1)
			}
			w.look()
		},
		"numbers give way to dates": func(w *world) {
			w.rotate()
			w.line(1)
			w.must(os.Chtimes(w.path("messages.1"), time.Unix(1e9, 0), time.Unix(1e9, 0)))
			w.rename("messages", "messages-20261122")
			w.reopen()
			w.line(1)
			w.look()
		},
		"the rotated file is compressed before it was read": func(w *world) {
			w.rotate()
			w.line(3)
			w.rotate()
			w.line(3)
			w.compress("messages.1")
			w.compress("messages.2")
			w.look()
		},
		"the log is replaced by a copy of itself": func(w *world) {
			w.line(3)
			data, err := os.ReadFile(w.path("messages"))
			w.must(err)
			w.must(os.WriteFile(w.path("new"), data, 0o600))
			w.rename("new", "messages")
			w.reopen()
			w.line(3)
			w.look()
		},
		"empty rotations are compressed while the writer was told of none": func(w *world) {
			w.shift()
			w.look()
			w.shift()
			w.compress("messages.1")
			w.look()
			w.now = w.now.Add(2 * time.Minute) // no watch for late lines any more
			w.look()
			w.line(3)
			w.look()
			w.reopen()
			w.line(3)
			w.look()
		},
		"a rotation is being compressed": func(w *world) {
			w.rotate()
			w.line(3)
			w.rotate()
			w.line(3)
			for _, name := range []string{"messages.1", "messages.2"} {
				data, err := os.ReadFile(w.path(name))
				w.must(err)
				w.must(os.WriteFile(w.path(name+".gz"), zipped(w.t, data)[:20], 0o600))
			}
			w.look()
			w.compress("messages.2")
			w.look()
		},
		"the log is away for a while": func(w *world) {
			w.rename("messages", "messages.1")
			w.look()
			w.look()
			w.reopen()
			w.look()
			w.line(1)
			w.look()
		},
	} {
		for _, how := range []string{"looking", "restarting"} {
			t.Run(name+", "+how, func(t *testing.T) {
				inBubble(t, func(w *world) {
					w.line(5)
					w.start()
					w.check()
					w.restarts = how == "restarting"
					f(w)
					w.restarts = false
					w.check()
					w.noGap()
					w.line(1)
					w.look()
					w.check()
					if last := w.chunks[len(w.chunks)-1]; !last.CaughtUp || !last.Live {
						t.Errorf("last chunk %+v, want it live and caught up", last)
					}
				})
			})
		}
	}
}

// TestDeletedLogIsReadToItsEnd: for as long as the follower holds it open.
func TestDeletedLogIsReadToItsEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(5)
		w.start()
		w.line(3)
		w.must(os.Remove(w.path("messages")))
		w.line(3)
		w.look()
		w.line(3)
		w.reopen()
		w.line(3)
		w.look()
		w.check()
		w.noGap()
	})
}

// TestLateLinesAreGiven: a second writer keeps the old file open after the
// first has gone over to the new one.
func TestLateLinesAreGiven(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(5)
		w.start()
		old := w.writer
		w.writer = nil
		w.rename("messages", "messages.1")
		w.line(5)
		w.look()
		before := w.pos
		second := w.writer
		w.writer = old
		w.line(2)
		w.look()
		w.check()
		if w.pos != before {
			t.Errorf("late lines moved the position from %+v to %+v", before, w.pos)
		}
		w.now = w.now.Add(2 * time.Minute)
		w.look()
		w.writer = second
		w.line(1)
		w.restart()
		w.check()
		w.noGap()
	})
}

// TestLateLinesAreGivenOnce: the position stands in the old file still, and the
// follower goes back to it when the new one is truncated.
func TestLateLinesAreGivenOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(5)
		w.start()
		old := w.writer
		w.rename("messages", "messages.1")
		w.must(os.WriteFile(w.path("messages"), []byte("half"), 0o600))
		w.look()
		w.line(1)
		w.look()
		w.check()
		w.must(os.Truncate(w.path("messages"), 0))
		w.look()
		w.line(1)
		w.look()
		w.check()
		w.restart()
		w.check()
		w.writer = nil
		w.line(1)
		w.must(old.Close())
		w.look()
		w.check()
		w.noGap()
	})
}

// TestLiveIsWhatWasBegunAfterTheEnd: a line of which half stood there before
// is not live.
func TestLiveIsWhatWasBegunAfterTheEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		w.line(5)
		w.begin()
		w.start()
		w.line(3)
		w.look()
		w.check()
		var live []bool
		for _, c := range w.chunks {
			live = append(live, c.Live)
		}
		if len(live) != 3 || live[0] || live[1] || !live[2] {
			t.Errorf("live %v, want the third of three chunks only", live)
		}
	})
}

// TestNotificationsWakeTheFollower uses the real ones, and waits for lines.
func TestNotificationsWakeTheFollower(t *testing.T) {
	w := newWorld(t)
	w.line(1)
	f := tail.NewFollower(tail.Options{Root: w.root, Path: logPath})
	got := make(chan struct{}, 100)
	done := make(chan error, 1)
	go func() {
		done <- f.Run(t.Context(), w.pos, func(c tail.Chunk) error {
			if err := w.keep(c); err != nil {
				return err
			}
			if len(w.got) == 6 {
				close(got)
				return errRefused
			}
			if c.CaughtUp {
				got <- struct{}{}
			}
			return nil
		})
	}()
	<-got
	_, err := w.writer.WriteString("a\nb\nc\n")
	w.must(err)
	w.rename("messages", "messages.1")
	second, err := os.Create(w.path("messages"))
	w.must(err)
	defer second.Close()
	_, err = second.WriteString("d\ne\n")
	w.must(err)
	if err := <-done; err != errRefused {
		t.Fatalf("Run = %v", err)
	}
	w.wrote = append(w.wrote, "a\n", "b\n", "c\n", "d\n", "e\n")
	w.check()
}
