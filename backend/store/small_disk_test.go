package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// clock is a clock that the test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// limited opens a store with a budget.
func limited(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// disk mounts a disk of its own for a store.
func disk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options)
	if errors.Is(err, syscall.EPERM) {
		t.Skip("not root: no disk can be mounted to be filled")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// occupy takes all of the disk but for left bytes.
func occupy(t *testing.T, dir string, left int64) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "somebody-elses"), make([]byte, int64(st.Bavail)*st.Bsize-left), 0o600); err != nil {
		t.Fatal(err)
	}
}

func vacate(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "somebody-elses")); err != nil {
		t.Fatal(err)
	}
}

// refusedFor wants an error that names a limit and what is free.
func refusedFor(t *testing.T, err error, limit string) {
	t.Helper()
	var e *outbound.Error
	if !errors.As(err, &e) || e.Code != outbound.Unavailable || !strings.Contains(e.Message, limit) || !strings.Contains(e.Message, "free on the disk") || e.Hint == "" {
		t.Errorf("the store says %v, want Unavailable with %s and what is free", err, limit)
	}
}

// days names the day files of a store.
func days(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "events", "*.db"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i] = strings.TrimSuffix(filepath.Base(all[i]), ".db")
	}
	return all
}

// TestLittleRoomIsRefusedAndPasses fills the disk from outside again and
// again: below min_free nothing is stored, with room it goes on, and the days
// that cannot help by going stay.
func TestLittleRoomIsRefusedAndPasses(t *testing.T) {
	cycles := 5
	if os.Getenv("OUTBOUNDMONITOR_SOAK") != "" {
		cycles = 20
	}
	dir := disk(t, "size=64m")
	c := &clock{day.AddDate(0, 0, 1)}
	s := limited(t, store.Options{Dir: dir, MinFree: 8 << 20, Now: c.now})
	m := newModel(t, 40)
	appendOK(t, s, outbound.Batch{Events: m.make(3000, day.Add(time.Hour), time.Second)})
	for i := range cycles {
		next := func() outbound.Batch {
			return outbound.Batch{Events: m.make(500, day.AddDate(0, 0, 1).Add(time.Duration(i)*time.Hour), time.Second), From: position(1, int64(i)), To: position(1, int64(i+1))}
		}
		occupy(t, dir, 1<<20)
		c.at = c.at.Add(time.Second)
		b := next()
		for range 3 {
			refusedFor(t, s.Append(b), "min_free")
			c.at = c.at.Add(400 * time.Millisecond)
		}
		if at, err := s.Resume(messages); err != nil || at.Offset != int64(i) {
			t.Errorf("a batch that was refused left the position %v, %v", at, err)
		}
		vacate(t, dir)
		c.at = c.at.Add(time.Second)
		appendOK(t, s, b)
		holds(t, s, m)
	}
	s = reopen(t, s, dir)
	holds(t, s, m)
}

// TestOldDaysMakeRoom lets somebody else take the disk bit by bit: the oldest
// day goes, no more than is needed, and storing goes on.
func TestOldDaysMakeRoom(t *testing.T) {
	dir := disk(t, "size=64m")
	c := &clock{day.AddDate(0, 0, 4)}
	s := limited(t, store.Options{Dir: dir, MinFree: 8 << 20, Now: c.now})
	m := newModel(t, 41)
	for i := range 4 {
		appendOK(t, s, outbound.Batch{Events: m.make(2000, day.AddDate(0, 0, i).Add(time.Hour), time.Second)})
	}
	occupy(t, dir, 8<<20-4096)
	c.at = c.at.Add(time.Second)
	b := outbound.Batch{Events: m.make(10, day.AddDate(0, 0, 3).Add(3*time.Hour), time.Second)}
	appendOK(t, s, b)
	if got := days(t, dir); !slices.Equal(got, []string{"2026-11-06", "2026-11-07", "2026-11-08"}) {
		t.Errorf("left are %v, want all but the oldest", got)
	}
	m.events = m.events[2000:]
	holds(t, s, m)
	if want := day.AddDate(0, 0, 1); !s.Oldest().Equal(want) {
		t.Errorf("what is older than %v is not kept, want %v", s.Oldest(), want)
	}
	vacate(t, dir)
	if _, err := s.Prune(); err != nil || !s.Oldest().IsZero() {
		t.Errorf("with room again %v is the oldest, %v", s.Oldest(), err)
	}
}

// TestReaderOfADayThatWentForRoom holds a day open while it goes: its room
// comes back later, and no further day goes for it.
func TestReaderOfADayThatWentForRoom(t *testing.T) {
	dir := disk(t, "size=64m")
	c := &clock{day.AddDate(0, 0, 4)}
	s := limited(t, store.Options{Dir: dir, MinFree: 8 << 20, Now: c.now})
	m := newModel(t, 42)
	for i := range 4 {
		appendOK(t, s, outbound.Batch{Events: m.make(2000, day.AddDate(0, 0, i).Add(time.Hour), time.Second)})
	}
	n := 0
	err := s.Walk(t.Context(), outbound.Everything(), outbound.Query{OldestFirst: true}, func(*outbound.Event) error {
		if n++; n == 1 {
			occupy(t, dir, 8<<20-4096)
			for range 3 {
				if _, err := s.Prune(); err != nil {
					t.Error(err)
				}
			}
		}
		return nil
	})
	if err != nil || n != 8000 {
		t.Errorf("the reader saw %d events, %v", n, err)
	}
	if got := days(t, dir); len(got) != 3 {
		t.Errorf("left are %v, want three days", got)
	}
}

// TestBudgetIsKept lowers the budget of a store with ten days.
func TestBudgetIsKept(t *testing.T) {
	whole := t.TempDir()
	m := tenDays(t, whole)
	var one int64
	for _, name := range days(t, whole) {
		fi, err := os.Stat(filepath.Join(whole, "events", name+".db"))
		if err != nil {
			t.Fatal(err)
		}
		one = max(one, fi.Size())
	}
	for name, c := range map[string]struct {
		max     int64
		left    int
		refuses bool
	}{
		"no budget":                        {0, 10, false},
		"room for all":                     {10 * one, 10, false},
		"room for three days":              {3 * one, 3, false},
		"room for one":                     {one, 1, false},
		"the newest day stays nonetheless": {one / 2, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			c0 := &clock{day.AddDate(0, 0, 9)}
			s := limited(t, store.Options{Dir: dir, MaxDisk: c.max, Now: c0.now})
			gone, err := s.Prune()
			if err != nil || len(gone) != 10-c.left || len(days(t, dir)) != c.left {
				t.Errorf("pruned %v, %v; left are %v, want %d", gone, err, days(t, dir), c.left)
			}
			left := &model{rng: m.rng, events: m.events[(10-c.left)*20:], whos: m.whos, addrs: m.addrs}
			holds(t, s, left)
			err = s.Append(outbound.Batch{To: position(1, 99)})
			if c.refuses {
				refusedFor(t, err, "max_disk")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWhatWentIsNotTakenInAgain stores old days into a full store: each is told
// to be too old once it went.
func TestWhatWentIsNotTakenInAgain(t *testing.T) {
	dir := t.TempDir()
	tenDays(t, dir)
	used := int64(0)
	for _, name := range days(t, dir) {
		fi, err := os.Stat(filepath.Join(dir, "events", name+".db"))
		if err != nil {
			t.Fatal(err)
		}
		used += fi.Size()
	}
	c := &clock{day.AddDate(0, 0, 9)}
	s := limited(t, store.Options{Dir: dir, MaxDisk: used + used/20, Now: c.now})
	m := newModel(t, 43)
	appendOK(t, s, outbound.Batch{Events: m.make(2000, day.AddDate(0, 0, -3), time.Second)})
	if _, err := s.Prune(); err != nil {
		t.Fatal(err)
	}
	if want := day.AddDate(0, 0, -2); !s.Oldest().Equal(want) || len(days(t, dir)) != 10 {
		t.Errorf("the oldest is %v with %v, want %v with the ten", s.Oldest(), days(t, dir), want)
	}
}
