package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"outboundmonitor/backend/hostfs"
)

// A day's file has free pages when the day is over: open rows that became
// blocks, index segments that were merged. It is copied once without them.

const (
	// slack is how many bytes of free pages are worth a copy, and slackShare
	// which part of the file, as 1/slackShare.
	slack      = 256 << 10
	slackShare = 16
	// copyStep is how much one transaction of the copy writes, in bytes.
	copyStep = 8 << 20
)

// Squeeze copies the files of days that are over and have much room to spare,
// and names those days. Reading and storing go on meanwhile.
func (s *Store) Squeeze() ([]string, error) {
	today := s.now().UTC().Format(dayLayout)
	var done []string
	for _, name := range s.between(time.Time{}, time.Time{}) {
		if name >= today {
			break
		}
		squeezed, err := s.squeeze(name)
		if err != nil {
			return done, fmt.Errorf("store: %s: %w", name, err)
		}
		if squeezed {
			done = append(done, name)
		}
	}
	return done, nil
}

// squeeze copies one day's file if that is worth it. A batch that is stored
// meanwhile makes the copy void; there is another time.
func (s *Store) squeeze(name string) (done bool, err error) {
	d, err := s.day(name, false)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil // pruned meanwhile
	}
	if err != nil {
		return false, s.reject(name, nil, err)
	}
	defer func() { err = errors.Join(s.reject(name, d, err), d.release()) }()
	free, size := d.slack()
	if free < slack || free < size/slackShare {
		return false, nil
	}
	path := filepath.Join(s.eventsDir(), name+".db")
	before := d.view.Load()
	if err := copyDense(d.db, path+".tmp"); err != nil {
		return false, errors.Join(err, os.Remove(path+".tmp"))
	}
	return s.replace(d, before, path)
}

// slack gives the bytes of a file's free pages, and its size.
func (d *day) slack() (free, size int64) {
	stats := d.db.Stats()
	_ = d.read(func(tx *bolt.Tx) error {
		size = tx.Size()
		return nil
	})
	return int64(stats.FreePageN+stats.PendingPageN) * int64(os.Getpagesize()), size
}

// copyDense writes all that is in db to a new file, durably.
func copyDense(db *bolt.DB, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	to, err := openBolt(path)
	if err != nil {
		return err
	}
	to.AllocSize = os.Getpagesize()
	return errors.Join(guard(func() error { return bolt.Compact(to, db, copyStep) }), to.Close())
}

// replace puts the copy at path+".tmp" in the place of a day's file, unless
// something was stored since before.
func (s *Store) replace(d *day, before *dayView, path string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.days.Lock()
	defer s.days.Unlock()
	if s.closed || s.days.open[d.name] != d || d.view.Load() != before || d.durable != d.open.n {
		return false, os.Remove(path + ".tmp")
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return false, err
	}
	delete(s.days.open, d.name) // the next to ask opens the copy
	return true, errors.Join(d.retire(), hostfs.SyncDir(s.eventsDir()))
}
