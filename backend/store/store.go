// Package store keeps events in bbolt, one file a day, with their lines, and
// finds them again by time, account, remote address and source port. It is
// the only reader and writer of these files; FORMAT.md draws them byte by
// byte. It parses no line and decides no verdict.
package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Options say where the store lies and what it needs.
type Options struct {
	// Dir is the state folder, a path of this process. It is made if absent.
	Dir string
	// Retention is how many days are kept; 0 keeps all.
	Retention int
	// MaxDisk is what the days may take, and MinFree what must stay free on the
	// disk, both in bytes; 0 is no limit.
	MaxDisk, MinFree int64
	Now              func() time.Time
	Logger           *slog.Logger
	// PositionApart commits positions before and apart from the events. It
	// loses events, and is there so that the crash tests can be seen to fail.
	PositionApart bool
	// Unsynced leaves it to the system when what is written comes to the disk.
	// It is there, like PositionApart, so that the crash tests can be seen to
	// fail.
	Unsynced bool
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	dir       string
	retention int
	now       func() time.Time
	log       *slog.Logger
	apart     bool
	unsynced  bool
	codec     *codec
	key       []byte
	lock      *os.File
	recent    *ring

	mu     sync.Mutex // serialises writers
	closed bool
	budget budget
	// again: a file was set aside, and Resume was not asked since.
	again atomic.Bool
	gaps  gaps

	days struct {
		sync.RWMutex
		names []string // that exist, oldest first
		open  map[string]*day
	}
}

var errClosed = &outbound.Error{Code: outbound.Unavailable, Message: "the store is closed"}

// Open opens the store for reading and writing. One process can have it open.
//
// It returns an [outbound.Error] with code Conflict if another has.
func Open(o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{dir: o.Dir, retention: o.Retention, now: o.Now, log: o.Logger, apart: o.PositionApart, unsynced: o.Unsynced, recent: newRing()}
	s.days.open = map[string]*day{}
	s.budget.max, s.budget.minFree, s.budget.leaving = o.MaxDisk, o.MinFree, map[*day]int64{}
	if err := os.MkdirAll(s.eventsDir(), 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	var err error
	if s.lock, err = lockDir(o.Dir); err != nil {
		return nil, err
	}
	if s.codec, err = newCodec(); err == nil {
		if s.key, err = loadKey(o.Dir); err == nil {
			err = errors.Join(s.gaps.load(o.Dir), s.findDays())
		}
	}
	if err != nil {
		_ = s.lock.Close()
		return nil, fmt.Errorf("store: %w", err)
	}
	return s, nil
}

func (s *Store) eventsDir() string { return filepath.Join(s.dir, "events") }

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, &outbound.Error{
			Code: outbound.Conflict, Message: "another process has the store open: " + dir,
			Hint: "if the daemon is running, ask it: outboundmonitor status",
		}
	}
	return f, nil
}

// keySize is the size of the key that event IDs and cursors are made with.
const keySize = 32

// loadKey reads the store's key, or makes it.
func loadKey(dir string) ([]byte, error) {
	const name = "/store.key"
	root, err := hostfs.At(dir)
	if err != nil {
		return nil, err
	}
	key, err := root.ReadFile(name, keySize)
	if err == nil && len(key) == keySize {
		return key, nil
	}
	if err == nil && len(key) != 0 {
		return nil, fmt.Errorf("%s: %d bytes, want %d", root.Path(name), len(key), keySize)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	key = make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return key, root.WriteFile(name, key, 0o600)
}

// findDays lists the day files, and takes away what a crash left half made.
func (s *Store) findDays() error {
	entries, err := os.ReadDir(s.eventsDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isDay := strings.CutSuffix(e.Name(), ".db")
		if !e.Type().IsRegular() {
			continue // not of our making: storing that day will say so
		}
		if _, err := time.Parse(dayLayout, name); isDay && err == nil {
			s.days.names = append(s.days.names, name)
			continue
		}
		if strings.HasSuffix(e.Name(), ".db.tmp") {
			if err := os.Remove(filepath.Join(s.eventsDir(), e.Name())); err != nil {
				return err
			}
		}
	}
	slices.Sort(s.days.names)
	return nil
}

// day gives the day of that name, opened and held: whoever asks releases it.
// It returns os.ErrNotExist if there is none and create is not set.
func (s *Store) day(name string, create bool) (*day, error) {
	s.days.RLock()
	d := s.days.open[name]
	if d != nil {
		d.hold()
	}
	s.days.RUnlock()
	if d != nil {
		return d, nil
	}
	s.days.Lock()
	defer s.days.Unlock()
	if d := s.days.open[name]; d != nil {
		d.hold()
		return d, nil
	}
	if s.days.open == nil {
		return nil, errClosed
	}
	d, err := openDay(s.eventsDir(), name, create, s.codec)
	if err != nil {
		return nil, err
	}
	d.db.NoSync, d.db.NoGrowSync = s.unsynced, s.unsynced
	d.hold()
	s.days.open[name] = d
	if at, found := slices.BinarySearch(s.days.names, name); !found {
		s.days.names = slices.Insert(slices.Clone(s.days.names), at, name)
	}
	return d, nil
}

// between names the days that a range of times touches, oldest first.
func (s *Store) between(since, until time.Time) []string {
	s.days.RLock()
	defer s.days.RUnlock()
	var names []string
	for _, name := range s.days.names {
		if !since.IsZero() && name < since.UTC().Format(dayLayout) {
			continue
		}
		if !until.IsZero() && name > until.UTC().Format(dayLayout) {
			continue
		}
		names = append(names, name)
	}
	return names
}

// Close ends all use of the store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.days.Lock()
	defer s.days.Unlock()
	var err error
	for _, d := range s.days.open {
		err = errors.Join(err, d.db.Close())
	}
	s.days.open = nil
	return errors.Join(err, s.lock.Close())
}

func (s *Store) isClosed() bool {
	s.days.RLock()
	defer s.days.RUnlock()
	return s.days.open == nil
}

// forget closes a day whose memory could not be brought in line with its file.
// The next to ask for it opens it anew.
func (s *Store) forget(d *day) error {
	s.days.Lock()
	defer s.days.Unlock()
	delete(s.days.open, d.name)
	return d.retire()
}

// Resume gives where reading of a chain goes on; the zero Position if it was
// never read. A file that is damaged is set aside, and what the others say
// holds: what the log still has of that day is read again.
func (s *Store) Resume(chain string) (outbound.Position, error) {
	best := outbound.Position{Chain: chain}
	s.again.Store(false)
	for _, name := range s.between(time.Time{}, time.Time{}) {
		d, err := s.day(name, false)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			if err = s.reject(name, nil, err); errors.Is(err, ErrSetAside) {
				return s.Resume(chain)
			}
			return outbound.Position{}, err
		}
		s.mu.Lock()
		at, ok := d.chains[chain]
		s.mu.Unlock()
		if err := d.release(); err != nil {
			return outbound.Position{}, err
		}
		if ok && best.Before(at) {
			best = at
		}
	}
	return best, nil
}

// Written is when the store was last written to; zero if it is empty.
func (s *Store) Written() time.Time {
	var last time.Time
	for _, name := range s.between(time.Time{}, time.Time{}) {
		if fi, err := os.Stat(filepath.Join(s.eventsDir(), name+".db")); err == nil {
			last = later(last, fi.ModTime())
		}
	}
	return last
}

// Oldest is the beginning of the oldest day that is kept: events before it are
// not stored. It is zero if all are.
func (s *Store) Oldest() time.Time {
	oldest := s.retained()
	if floor := s.budget.floor.Load(); floor != 0 {
		oldest = later(oldest, time.Unix(floor, 0).UTC())
	}
	return oldest
}

// retained is the beginning of the oldest day within the retention.
func (s *Store) retained() time.Time {
	if s.retention == 0 {
		return time.Time{}
	}
	return s.now().UTC().Truncate(daySeconds*time.Second).AddDate(0, 0, -s.retention)
}

// Prune removes the days that are older than the retention, then the oldest
// ones until the store is within its budget, and names them.
func (s *Store) Prune() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	gone, err := s.expire()
	if err != nil {
		return gone, err
	}
	more, err := s.shrink()
	return append(gone, more...), err
}

// expire removes the days that are older than the retention.
func (s *Store) expire() ([]string, error) {
	oldest := s.retained()
	if oldest.IsZero() {
		return nil, nil
	}
	var gone []string
	for _, name := range s.between(time.Time{}, oldest.Add(-time.Second)) {
		if err := s.remove(name); err != nil {
			return gone, fmt.Errorf("store: %s: %w", name, err)
		}
		gone = append(gone, name)
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, hostfs.SyncDir(s.eventsDir())
}

// remove takes a day's file away. Readers that are in it finish first.
func (s *Store) remove(name string) error {
	s.days.Lock()
	defer s.days.Unlock()
	if d := s.days.open[name]; d != nil {
		delete(s.days.open, name)
		if err := d.retire(); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(s.eventsDir(), name+".db")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // it stays a day that is kept, and the next to prune finds it
	}
	s.days.names = slices.DeleteFunc(slices.Clone(s.days.names), func(n string) bool { return n == name })
	return nil
}

// Usage tells what the store takes on disk, in bytes, and how many days it has.
func (s *Store) Usage() (used int64, days int, err error) {
	for _, name := range s.between(time.Time{}, time.Time{}) {
		fi, err := os.Stat(filepath.Join(s.eventsDir(), name+".db"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, 0, fmt.Errorf("store: %w", err)
		}
		if fi.Size() > 0 {
			used += fi.Size()
			days++
		}
	}
	return used, days, nil
}
