package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// kept opens a store that keeps so many days at a time.
func kept(t *testing.T, dir string, days int, now time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{Dir: dir, Retention: days, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// tenDays stores 20 events on each of ten days, from 5 November on.
func tenDays(t *testing.T, dir string) *model {
	t.Helper()
	s := open(t, dir)
	m := newModel(t, 31)
	for i := range 10 {
		begin := day.AddDate(0, 0, i)
		events := m.make(20, begin.Add(time.Hour), time.Second)
		events[0].Time, events[19].Time = begin, begin.Add(24*time.Hour-time.Microsecond)
		at := len(m.events) - 20
		copy(m.events[at:], events)
		appendOK(t, s, outbound.Batch{Events: events, From: position(1, int64(i)), To: position(1, int64(i+1))})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPruneKeepsWholeDays(t *testing.T) {
	for name, c := range map[string]struct {
		days int
		now  time.Time
		gone int
	}{
		"keep all":                         {0, day.AddDate(1, 0, 0), 0},
		"nothing is old":                   {30, day.AddDate(0, 0, 9), 0},
		"the last moment of a day":         {3, day.AddDate(0, 0, 9).Add(-time.Nanosecond), 5},
		"the first moment of the next":     {3, day.AddDate(0, 0, 9), 6},
		"noon":                             {3, day.AddDate(0, 0, 9).Add(12 * time.Hour), 6},
		"a zone in which it is another":    {3, day.AddDate(0, 0, 9).In(time.FixedZone("", -5*3600)), 6},
		"one day is kept beside today":     {1, day.AddDate(0, 0, 9), 8},
		"all are old":                      {3, day.AddDate(1, 0, 0), 10},
		"the clock stands long before all": {3, time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC), 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			m := tenDays(t, dir)
			s := kept(t, dir, c.days, c.now)
			gone, err := s.Prune()
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range c.gone {
				want = append(want, day.AddDate(0, 0, i).Format("2006-01-02"))
			}
			if !slices.Equal(gone, want) {
				t.Errorf("pruned %v, want %v", gone, want)
			}
			for _, name := range want {
				if _, err := os.Stat(filepath.Join(dir, "events", name+".db")); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: %v", name, err)
				}
			}
			m.events = m.events[c.gone*20:]
			holds(t, s, m)
			for _, e := range m.events {
				if c.days > 0 && e.Time.Before(s.Oldest()) {
					t.Errorf("an event of %v is kept, though older than %v", e.Time, s.Oldest())
				}
			}
			if _, days, err := s.Usage(); err != nil || days != 10-c.gone {
				t.Errorf("Usage tells of %d days, %v", days, err)
			}
			again, err := s.Prune()
			if err != nil || len(again) != 0 {
				t.Errorf("pruned again: %v, %v", again, err)
			}
			s = reopen(t, s, dir)
			holds(t, s, m)
		})
	}
}

// TestReaderOfPrunedDayEndsCleanly prunes the days under a walk, from within
// it.
func TestReaderOfPrunedDayEndsCleanly(t *testing.T) {
	for name, oldestFirst := range map[string]bool{"oldest first": true, "newest first": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			m := tenDays(t, dir)
			s := kept(t, dir, 3, day.AddDate(0, 0, 9))
			seen := map[string]int{}
			err := s.Walk(t.Context(), outbound.Everything(), outbound.Query{OldestFirst: oldestFirst}, func(e *outbound.Event) error {
				if len(seen) == 0 {
					if gone, err := s.Prune(); err != nil || len(gone) != 6 {
						t.Errorf("pruned %v, %v", gone, err)
					}
				}
				seen[string(e.Line)]++
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range m.events[6*20:] {
				if seen[string(e.Line)] != 1 {
					t.Fatalf("an event that is kept was seen %d times", seen[string(e.Line)])
				}
			}
			if _, err := s.Resume(messages); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReadersWhilePruning reads from several goroutines while days go.
func TestReadersWhilePruning(t *testing.T) {
	dir := t.TempDir()
	tenDays(t, dir)
	s := kept(t, dir, 3, day.AddDate(0, 0, 9))
	done := make(chan error)
	for range 4 {
		go func() {
			var all error
			for range 50 {
				_, err := s.Groups(context.Background(), outbound.Everything(), outbound.Query{}, outbound.ByDst, 0)
				_, _, err2 := s.Usage()
				all = errors.Join(all, err, err2)
			}
			done <- all
		}()
	}
	if _, err := s.Prune(); err != nil {
		t.Error(err)
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestWalkThatCloseCutsShortSaysSo closes the store under a walk that still has
// sealed blocks to read.
func TestWalkThatCloseCutsShortSaysSo(t *testing.T) {
	s := open(t, t.TempDir())
	m := newModel(t, 32)
	events := m.make(9000, day, time.Second)
	for i := range events {
		events[i].Time = day.Add(time.Duration(i) * time.Second)
	}
	appendOK(t, s, outbound.Batch{Events: events})
	n := 0
	err := s.Walk(t.Context(), outbound.Everything(), outbound.Query{OldestFirst: true}, func(*outbound.Event) error {
		if n++; n == 1 {
			return s.Close()
		}
		return nil
	})
	var e *outbound.Error
	t.Logf("%d %v", n, err)
	if n == 9000 || !errors.As(err, &e) || e.Code != outbound.Unavailable {
		t.Errorf("%d events and %v", n, err)
	}
	if err := s.Append(outbound.Batch{Events: m.make(1, day, time.Second)}); err == nil {
		t.Error("stored in a closed store")
	}
}

func TestUsageIsTheSizeOfTheFiles(t *testing.T) {
	dir := t.TempDir()
	tenDays(t, dir)
	s := open(t, dir)
	used, days, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	files, err := os.ReadDir(filepath.Join(dir, "events"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		fi, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		want += fi.Size()
	}
	if used != want || days != 10 {
		t.Errorf("%d bytes in %d days, want %d in 10", used, days, want)
	}
}

func TestEmptyDayFileCountsAsAbsent(t *testing.T) {
	dir := t.TempDir()
	m := tenDays(t, dir)
	for name, data := range map[string]string{"2026-11-20.db": "", "2026-11-21.db.tmp": "half made", "notes.txt": "mine"} {
		if err := os.WriteFile(filepath.Join(dir, "events", name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir)
	holds(t, s, m)
	resumesAt(t, s, position(1, 10))
	if _, days, err := s.Usage(); err != nil || days != 10 {
		t.Errorf("%d days, %v", days, err)
	}
	appendOK(t, s, outbound.Batch{Events: m.make(5, day.AddDate(0, 0, 15), time.Second)})
	holds(t, s, m)
	for name, there := range map[string]bool{"2026-11-21.db.tmp": false, "notes.txt": true} {
		if _, err := os.Stat(filepath.Join(dir, "events", name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
}
