package store_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// threeDays stores 5,000 events on each of three days, with a position in each.
func threeDays(t *testing.T, dir string) *model {
	t.Helper()
	s := open(t, dir)
	m := newModel(t, 50)
	for i := range 3 {
		b := outbound.Batch{Events: m.make(5000, day.AddDate(0, 0, i).Add(time.Hour), time.Second), From: position(1, int64(i)), To: position(1, int64(i+1))}
		appendOK(t, s, b)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}

func file(dir, name string) string { return filepath.Join(dir, "events", name+".db") }

// without gives the model less the events of one day.
func (m *model) without(begin time.Time) *model {
	less := &model{rng: m.rng, whos: m.whos, addrs: m.addrs}
	for _, e := range m.events {
		if e.Time.Before(begin) || !e.Time.Before(begin.AddDate(0, 0, 1)) {
			less.events = append(less.events, e)
		}
	}
	return less
}

// set changes a value of a day file.
func set(t *testing.T, path, bucket string, key []byte, change func([]byte) []byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		return b.Put(key, change(bytes.Clone(b.Get(key))))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestADamagedDayIsSetAside damages a day: the first question that meets it
// fails and says so, all further ones are answered by the other days, and the
// day is a gap for good.
func TestADamagedDayIsSetAside(t *testing.T) {
	flip := func(b []byte) []byte {
		b[len(b)/2] ^= 0x55
		return b
	}
	for name, damage := range map[string]func(*testing.T, string){
		"a file of zeros": func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { return make([]byte, len(b)) })
		},
		"a file cut to a page": func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { return b[:4096] })
		},
		"a file cut to half": func(t *testing.T, path string) {
			overwrite(t, path, func(b []byte) []byte { return b[:len(b)/2] })
		},
		"another file":  func(t *testing.T, path string) { overwrite(t, path, func([]byte) []byte { return []byte("no store") }) },
		"a flipped bit": func(t *testing.T, path string) { set(t, path, "blocks", []byte{0, 0, 0, 0}, flip) },
		"an index cut to half": func(t *testing.T, path string) {
			set(t, path, "index", []byte{0, 0, 0, 0, 0, 0, 0, 1}, func(b []byte) []byte { return b[:len(b)/2] })
		},
		"open rows cut to half": func(t *testing.T, path string) {
			set(t, path, "head", []byte{0, 0, 0, 1}, func(b []byte) []byte { return b[:len(b)/2] })
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			m := threeDays(t, dir)
			damage(t, file(dir, "2026-11-06"))
			was, err := os.ReadFile(file(dir, "2026-11-06"))
			if err != nil {
				t.Fatal(err)
			}
			s := limited(t, store.Options{Dir: dir, Now: func() time.Time { return day.AddDate(0, 0, 5) }})
			walk := func() error {
				return s.Walk(t.Context(), outbound.Everything(), outbound.Query{Dst: netip.MustParsePrefix("0.0.0.0/0")}, func(*outbound.Event) error { return nil })
			}
			var e *outbound.Error
			if err := walk(); !errors.As(err, &e) || e.Code != outbound.Unavailable || !errors.Is(err, store.ErrSetAside) || !strings.Contains(e.Message, "2026-11-06") || !strings.Contains(e.Hint, "import") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("the first walk says %v", err)
			}
			left := m.without(day.AddDate(0, 0, 1))
			holds(t, s, left)
			s = reopen(t, s, dir)
			holds(t, s, left)
			gaps := s.Gaps(time.Time{}, time.Time{})
			if len(gaps) != 1 || gaps[0].Reason != outbound.Damaged || !gaps[0].From.Equal(day.AddDate(0, 0, 1)) || !gaps[0].To.Equal(day.AddDate(0, 0, 2)) {
				t.Errorf("the gaps are %v", gaps)
			}
			if near := s.Gaps(day, day.AddDate(0, 0, 1)); len(near) != 0 {
				t.Errorf("the day before has the gaps %v", near)
			}
			names, err := s.SetAside()
			if err != nil || len(names) != 1 {
				t.Fatalf("set aside are %v, %v", names, err)
			}
			kept, err := os.ReadFile(filepath.Join(dir, "events", "set-aside", names[0]))
			if err != nil || !bytes.Equal(kept, was) {
				t.Errorf("the file that was set aside is not what was damaged: %v", err)
			}
			// The logs of that day are imported again.
			for _, x := range m.events {
				if !x.Time.Before(day.AddDate(0, 0, 1)) && x.Time.Before(day.AddDate(0, 0, 2)) {
					left.events = append(left.events, x)
				}
			}
			appendOK(t, s, outbound.Batch{Events: left.events[len(left.events)-5000:]})
			holds(t, s, m)
		})
	}
}

// TestADamagedNewestDayIsReadAgain damages the file that holds the position.
func TestADamagedNewestDayIsReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		days  []string // damaged
		first int64    // where reading goes on
	}{
		"the newest":          {[]string{"2026-11-07"}, 2},
		"the newest two":      {[]string{"2026-11-06", "2026-11-07"}, 1},
		"all of them":         {[]string{"2026-11-05", "2026-11-06", "2026-11-07"}, 0},
		"an old one, no more": {[]string{"2026-11-06"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			m := threeDays(t, dir)
			for _, name := range c.days {
				overwrite(t, file(dir, name), func(b []byte) []byte { return make([]byte, len(b)) })
			}
			s := open(t, dir)
			at, err := s.Resume(messages)
			if err != nil || at.Offset != c.first {
				t.Fatalf("reading goes on at %v, %v, want %d", at, err, c.first)
			}
			for i := c.first; i < 3; i++ {
				appendOK(t, s, outbound.Batch{Events: m.events[i*5000 : (i+1)*5000], From: position(1, i), To: position(1, i+1)})
			}
			if c.first < 3 {
				holds(t, s, m)
			}
		})
	}
}

// TestADayDamagedUnderTheFollower meets damage while a log is followed: no
// position is stored before reading began again.
func TestADayDamagedUnderTheFollower(t *testing.T) {
	dir := t.TempDir()
	m := threeDays(t, dir)
	set(t, file(dir, "2026-11-07"), "blocks", []byte{0, 0, 0, 0}, func(b []byte) []byte { return b[1:] })
	s := open(t, dir)
	if at, err := s.Resume(messages); err != nil || at.Offset != 3 || s.Again() {
		t.Fatalf("reading goes on at %v, %v", at, err)
	}
	if _, err := s.Groups(t.Context(), outbound.Everything(), outbound.Query{}, outbound.ByPort, 0); !errors.Is(err, store.ErrSetAside) {
		t.Fatalf("the question says %v", err)
	}
	next := outbound.Batch{Events: m.make(10, day.AddDate(0, 0, 2).Add(20*time.Hour), time.Second), From: position(1, 3), To: position(1, 4)}
	if err := s.Append(next); !errors.Is(err, store.ErrSetAside) || !s.Again() {
		t.Fatalf("the store took a position behind what is lost: %v", err)
	}
	if at, err := s.Resume(messages); err != nil || at.Offset != 2 || s.Again() {
		t.Fatalf("reading goes on at %v, %v, want 2", at, err)
	}
	appendOK(t, s, outbound.Batch{Events: m.events[10000:15000], From: position(1, 2), To: position(1, 3)})
	appendOK(t, s, next)
	holds(t, s, m)
}

// TestALaterFormatIsNoDamage keeps the file of a later program where it is.
func TestALaterFormatIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	m := threeDays(t, dir)
	set(t, file(dir, "2026-11-06"), "meta", []byte("format"), func([]byte) []byte { return []byte{0, 0, 0, 2} })
	s := open(t, dir)
	for range 2 {
		if _, err := s.Extent(t.Context(), outbound.Everything()); err == nil || errors.Is(err, store.ErrSetAside) || !strings.Contains(err.Error(), "00000002") {
			t.Errorf("the store says %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	set(t, file(dir, "2026-11-06"), "meta", []byte("format"), func([]byte) []byte { return []byte{0, 0, 0, 1} })
	holds(t, open(t, dir), m)
}

// TestADayIsSetAsideAFewTimes damages a day again and again: the fault is not
// mended by setting more aside.
func TestADayIsSetAsideAFewTimes(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		if err := os.MkdirAll(filepath.Join(dir, "events"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file(dir, "2026-11-05"), bytes.Repeat([]byte("no store"), 1024), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		if _, err := s.Extent(t.Context(), outbound.Everything()); err == nil || errors.Is(err, store.ErrSetAside) != (i < 3) {
			t.Errorf("time %d: %v", i+1, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := filepath.Glob(filepath.Join(dir, "events", "set-aside", "*")); err != nil || len(all) != 3 {
		t.Errorf("set aside are %v, %v", all, err)
	}
}
