package store_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

const messages = "/var/log/messages"

func position(gen uint32, offset int64) outbound.Position {
	return outbound.Position{Chain: messages, Gen: gen, Offset: offset, Hash: uint64(offset) * 31, HashLen: 64}
}

// followed gives a batch of a log in which each line is 100 bytes long.
func followed(m *model, n int, at time.Time, step time.Duration, gen uint32, offset int64) outbound.Batch {
	return outbound.Batch{Events: m.make(n, at, step), From: position(gen, offset), To: position(gen, offset+int64(n)*100)}
}

// unknown leaves of a batch what the store has not, as whoever takes in a log
// does when it is read again.
func unknown(t *testing.T, s *store.Store, b outbound.Batch) outbound.Batch {
	t.Helper()
	have := map[string]int{}
	for _, e := range collect(t, s, outbound.Everything(), outbound.Query{}) {
		have[string(e.Line)]++
	}
	var rest []outbound.Event
	for _, e := range b.Events {
		if have[string(e.Line)]--; have[string(e.Line)] < 0 {
			rest = append(rest, e)
		}
	}
	b.Events = rest
	return b
}

func resumesAt(t *testing.T, s *store.Store, want outbound.Position) {
	t.Helper()
	got, err := s.Resume(messages)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("resumes at %+v, want %+v", got, want)
	}
}

func appendOK(t *testing.T, s *store.Store, b outbound.Batch) {
	t.Helper()
	if err := s.Append(b); err != nil {
		t.Fatal(err)
	}
}

// holds compares all that is stored with the model.
func holds(t *testing.T, s *store.Store, m *model) {
	t.Helper()
	q := outbound.Query{OldestFirst: true}
	same(t, collect(t, s, outbound.Everything(), q), m.find(outbound.Everything(), q))
}

func TestPositionIsKeptWithItsEvents(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	m := newModel(t, 11)
	resumesAt(t, s, outbound.Position{Chain: messages})
	offset := int64(0)
	for i, n := range []int{10, 4096, 1, 5000} {
		b := followed(m, n, day.Add(time.Duration(i)*3*time.Hour), time.Second, 1, offset)
		appendOK(t, s, b)
		resumesAt(t, s, b.To)
		s = reopen(t, s, dir)
		resumesAt(t, s, b.To)
		offset = b.To.Offset
	}
	holds(t, s, m)
	other, err := s.Resume("/var/log/kern.log")
	if err != nil || other != (outbound.Position{Chain: "/var/log/kern.log"}) {
		t.Errorf("a log that was never read resumes at %+v, %v", other, err)
	}
}

func TestPositionMovesWithoutEvents(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	appendOK(t, s, outbound.Batch{From: position(1, 0), To: position(1, 500)})
	resumesAt(t, s, position(1, 500))
	appendOK(t, s, outbound.Batch{From: position(1, 500), To: position(2, 100)})
	s = reopen(t, s, dir)
	resumesAt(t, s, position(2, 100))
	if used, days, err := s.Usage(); err != nil || days != 1 || used == 0 {
		t.Errorf("%d bytes in %d days, %v", used, days, err)
	}
}

// TestBatchAcrossMidnightIsNeitherLostNorDoubled has a folder stand where the
// second day's file belongs: the first day is committed, the second is not.
func TestBatchAcrossMidnightIsNeitherLostNorDoubled(t *testing.T) {
	for name, again := range map[string]struct {
		reopen bool
		more   int // lines that the batch has beyond those of the first time
	}{
		"by the same process":                {false, 0},
		"by the next process":                {true, 0},
		"by the next process, with more":     {true, 500},
		"by the same process, with one more": {false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			m := newModel(t, 12)
			first := followed(m, 100, day.Add(23*time.Hour), time.Second, 1, 0)
			appendOK(t, s, first)

			in := filepath.Join(dir, "events", "2026-11-06.db", "in the way")
			if err := os.MkdirAll(in, 0o700); err != nil {
				t.Fatal(err)
			}
			b := followed(m, 6000+again.more, day.Add(24*time.Hour-time.Minute), 200*time.Millisecond, 1, first.To.Offset)
			part := b
			part.Events, part.To = b.Events[:6000], position(1, first.To.Offset+6000*100)
			if err := s.Append(part); err == nil {
				t.Fatal("stored into a folder")
			}
			stored := len(collect(t, s, outbound.Everything(), outbound.Query{}))
			if stored <= 100 || stored >= 6100 {
				t.Fatalf("%d events are stored: the first day alone should be", stored)
			}
			if again.reopen {
				s = reopen(t, s, dir)
			}
			resumesAt(t, s, part.From)
			if err := os.RemoveAll(filepath.Dir(in)); err != nil {
				t.Fatal(err)
			}
			appendOK(t, s, unknown(t, s, b))
			resumesAt(t, s, b.To)
			holds(t, s, m)
			s = reopen(t, s, dir)
			resumesAt(t, s, b.To)
			holds(t, s, m)
		})
	}
}

// TestStopBeforeTheLastCommit takes the last transaction of a day's file back,
// as a stop of the machine just before it would. With the position in the
// events' transaction nothing is lost; with the position apart it is, which
// shows that the tests here can fail.
func TestStopBeforeTheLastCommit(t *testing.T) {
	for name, apart := range map[string]bool{"position with its events": false, "position apart": true} {
		t.Run(name, func(t *testing.T) {
			o := store.Options{Dir: t.TempDir(), PositionApart: apart}
			m := newModel(t, 13)
			first := followed(m, 10, day.Add(time.Hour), time.Second, 1, 0)
			second := followed(m, 10, day.Add(2*time.Hour), time.Second, 1, first.To.Offset)
			with(t, o, func(s *store.Store) {
				appendOK(t, s, first)
				appendOK(t, s, second)
				holds(t, s, m)
			})
			takeBack(t, filepath.Join(o.Dir, "events", "2026-11-05.db"))
			with(t, o, func(s *store.Store) {
				if n := len(collect(t, s, outbound.Everything(), outbound.Query{})); n != 10 {
					t.Fatalf("%d events are stored: the last commit should be gone", n)
				}
				if apart {
					resumesAt(t, s, second.To) // what lies before it is lost
					return
				}
				resumesAt(t, s, second.From)
				appendOK(t, s, second)
				holds(t, s, m)
			})
		})
	}
}

func with(t *testing.T, o store.Options, f func(*store.Store)) {
	t.Helper()
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	f(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// takeBack makes the newer of bbolt's two meta pages invalid.
//
// Source: type Meta in bbolt internal/common/meta.go.
func takeBack(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const txid, checksum = 64, 72
	size := int(binary.LittleEndian.Uint32(data[24:]))
	newer := 0
	if binary.LittleEndian.Uint64(data[size+txid:]) > binary.LittleEndian.Uint64(data[txid:]) {
		newer = size
	}
	data[newer+checksum] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFailedCommitLeavesMemoryAsTheFile lets a transaction fail at its end, by
// the name of a log that is too long for a key.
func TestFailedCommitLeavesMemoryAsTheFile(t *testing.T) {
	for name, n := range map[string]int{"within the open block": 100, "over a sealed block": 9000} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			m := newModel(t, 14)
			appendOK(t, s, followed(m, 3000, day.Add(time.Hour), time.Second, 1, 0))
			before := m.events
			bad := followed(m, n, day.Add(2*time.Hour), time.Second, 1, 300_000)
			m.events = before
			good := bad.To
			bad.To.Chain = strings.Repeat("x", 1<<15+1)
			if err := s.Append(bad); err == nil {
				t.Fatal("stored under a name of 32 KiB")
			}
			holds(t, s, m)
			resumesAt(t, s, position(1, 300_000))
			bad.To = good
			appendOK(t, s, bad)
			m.events = append(m.events, bad.Events...)
			holds(t, s, m)
			s = reopen(t, s, dir)
			holds(t, s, m)
			resumesAt(t, s, good)
		})
	}
}

// TestFileClosedUnderTheStoreIsOpenedAnew stands for a file that cannot be read
// when a failed commit is cleaned up.
func TestFileClosedUnderTheStoreIsOpenedAnew(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	m := newModel(t, 15)
	appendOK(t, s, followed(m, 3000, day.Add(time.Hour), time.Second, 1, 0))
	next := followed(m, 3000, day.Add(2*time.Hour), time.Second, 1, 300_000)
	if err := store.CloseFile(s, "2026-11-05"); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(next); err == nil {
		t.Fatal("stored into a closed file")
	}
	appendOK(t, s, next)
	holds(t, s, m)
	s = reopen(t, s, dir)
	holds(t, s, m)
}
