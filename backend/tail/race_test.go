package tail_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/tail"
)

// TestWriterAndFollowerRace lets a writer rotate as fast as it can, each time
// writing on in the renamed file, while the follower looks without a pause and
// is restarted again and again.
func TestWriterAndFollowerRace(t *testing.T) {
	for name, to := range map[string]func(i int) string{
		"numbers": func(int) string { return "" },
		"dates":   func(i int) string { return fmt.Sprint("messages-", 20261122000+i) },
	} {
		t.Run(name, func(t *testing.T) {
			const rotations = 200
			w := newWorld(t)
			w.line(1)
			wrote, begun := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(wrote)
				// A first start begins with the current file: what was rotated
				// away before it is not the follower's.
				<-begun
				for i := range rotations {
					w.line(20)
					w.begin()
					if name := to(i); name != "" {
						w.rename("messages", name)
						w.create()
					} else {
						w.shift()
					}
					w.line(20)
					w.reopen()
					w.line(3)
				}
			}()
			got := raced(t, w, begun, fmt.Sprintf("line %d ", 1+rotations*44))
			<-wrote
			w.must(w.writer.Close())
			w.writer = nil
			if len(got) != len(w.wrote) || !slices.Equal(got, w.wrote) {
				w.got = got
				w.check()
			}
		})
	}
}

// raced follows until a line that contains last, restarting every few chunks.
// It closes begun with the first chunk.
func raced(t *testing.T, w *world, begun chan<- struct{}, last string) []string {
	t.Helper()
	always := make(chan struct{})
	close(always)
	var got []string
	var pos outbound.Position
	for {
		ctx, cancel := context.WithCancel(t.Context())
		left, end := 3, false
		f := tail.NewFollower(tail.Options{Root: w.root, Path: logPath, Wake: always})
		err := f.Run(ctx, pos, func(c tail.Chunk) error {
			if c.Seen {
				return nil
			}
			if c.Gap != "" {
				t.Errorf("gap %s from %+v to %+v", c.Gap, c.From, c.To)
			}
			for l := range strings.Lines(string(c.Data)) {
				got = append(got, l)
				end = end || strings.Contains(l, last)
			}
			pos = c.To
			if begun != nil {
				close(begun)
				begun = nil
			}
			if left--; end || left == 0 {
				cancel()
			}
			return nil
		})
		cancel()
		if err != nil {
			t.Fatalf("Run = %v", err)
		}
		if end {
			return got
		}
	}
}
