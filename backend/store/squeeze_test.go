package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// past fills two days that are over, in small batches as following does.
func past(t *testing.T, s *store.Store, m *model) {
	t.Helper()
	for i := range 60 {
		at := time.Date(2026, 11, 4, 1, 0, 0, 0, time.UTC).Add(time.Duration(i) * 45 * time.Minute)
		if err := s.Append(outbound.Batch{Events: m.make(400, at, 2*time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
}

func size(t *testing.T, dir string) (n int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "events", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		fi, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		n += fi.Size()
	}
	return n
}

func TestSqueezedDaysAnswerTheSame(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	m := newModel(t, 21)
	past(t, s, m)
	before := size(t, dir)
	done, err := s.Squeeze()
	if err != nil || len(done) == 0 {
		t.Fatalf("squeezed %v, %v", done, err)
	}
	if after := size(t, dir); after > before*4/5 {
		t.Errorf("%d bytes, %d before", after, before)
	}
	if again, err := s.Squeeze(); err != nil || len(again) != 0 {
		t.Errorf("squeezed again: %v, %v", again, err)
	}
	holds(t, s, m)
	more := outbound.Batch{Events: m.make(5000, time.Date(2026, 11, 4, 9, 0, 0, 0, time.UTC), time.Second)}
	appendOK(t, s, more)
	holds(t, s, m)
	s = reopen(t, s, dir)
	holds(t, s, m)
}

func TestReaderOfAReplacedFileFinishes(t *testing.T) {
	s := open(t, t.TempDir())
	m := newModel(t, 22)
	past(t, s, m)
	n := 0
	q := outbound.Query{OldestFirst: true}
	err := s.Walk(context.Background(), outbound.Everything(), q, func(*outbound.Event) error {
		if n++; n == 10 {
			if done, err := s.Squeeze(); err != nil || len(done) == 0 {
				t.Errorf("squeezed %v, %v", done, err)
			}
		}
		return nil
	})
	if err != nil || n != len(m.events) {
		t.Errorf("%d events, %v; want %d", n, err, len(m.events))
	}
}

func TestRowsInMemoryKeepAFileFromBeingReplaced(t *testing.T) {
	s := open(t, t.TempDir())
	m := newModel(t, 23)
	past(t, s, m)
	held := outbound.Batch{Events: m.make(50, time.Date(2026, 11, 4, 9, 0, 0, 0, time.UTC), time.Second), More: true}
	appendOK(t, s, held)
	if _, err := s.Squeeze(); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	holds(t, s, m)
}

func TestRowsInMemoryAreSeenAfterTheFlush(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	m := newModel(t, 24)
	for range 5 {
		appendOK(t, s, outbound.Batch{Events: m.make(3000, day.Add(time.Hour), time.Second), More: true})
	}
	if n := len(collect(t, s, outbound.Everything(), outbound.Query{})); n >= len(m.events) || n%4096 != 0 {
		t.Errorf("%d events are seen before the flush: want whole blocks", n)
	}
	lines := 0
	err := s.Lines(day, day.Add(24*time.Hour), func(time.Time, []byte) { lines++ })
	if err != nil || lines != len(m.events) {
		t.Errorf("%d lines are known, %v; want %d", lines, err, len(m.events))
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	holds(t, s, m)
	s = reopen(t, s, dir)
	holds(t, s, m)
}
