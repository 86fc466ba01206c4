package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// damage is an error that a day file's content is to blame for.
type damage struct{ err error }

func (d *damage) Error() string { return d.err.Error() }

// Unwrap gives what was found.
func (d *damage) Unwrap() error { return d.err }

func isDamage(err error) bool {
	_, ok := errors.AsType[*damage](err)
	return ok
}

// asDamage blames a day file's content for err, which may be nil.
func asDamage(err error) error {
	if err == nil {
		return nil
	}
	return &damage{err}
}

// ErrSetAside is in the chain of the error that tells that a day file is
// damaged and was set aside. Whoever follows a log begins again from
// [Store.Resume].
var ErrSetAside = errors.New("a day file was set aside")

// aside is the cause of setting a file aside. It is a damage no more.
type aside struct{ why error }

func (a aside) Error() string { return a.why.Error() }

// Is reports whether target is ErrSetAside.
func (a aside) Is(target error) bool { return target == ErrSetAside }

const (
	asideFolder = "set-aside"
	asideLayout = "20060102T150405Z"
	// maxAside is how many files of one day are set aside. More come from a
	// fault of the disk or the program, that setting aside does not mend.
	maxAside = 3
)

func (s *Store) asideDir() string { return filepath.Join(s.eventsDir(), asideFolder) }

// reject sets a day aside if err says that its file is damaged, for a reader;
// d is nil if the file could not even be opened. It gives the error to answer
// with. Others may have set it aside or replaced it meanwhile.
func (s *Store) reject(name string, d *day, err error) error {
	if !isDamage(err) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if d == nil {
		again, err := s.day(name, false)
		if err == nil {
			return errors.Join(s.setAsideBefore(name), again.release())
		}
		if !isDamage(err) {
			return s.setAsideBefore(name)
		}
	} else if !s.has(d) {
		return s.setAsideBefore(name)
	}
	return s.setAside(name, err)
}

// has reports whether d is the day that is open under its name.
func (s *Store) has(d *day) bool {
	s.days.RLock()
	defer s.days.RUnlock()
	return s.days.open[d.name] == d
}

// setAsideBefore is the answer to a reader who met a file that was set aside
// or replaced under him.
func (s *Store) setAsideBefore(name string) error {
	return &outbound.Error{
		Code: outbound.Unavailable, Message: "the file of " + name + " was set aside or replaced while it was read",
		Hint: "ask again", Err: ErrSetAside,
	}
}

// setAside takes a damaged day file out of use, as a file that is kept. The
// day is a gap from then on, to the present moment if it is today. The writer
// is locked.
func (s *Store) setAside(name string, why error) error {
	if had, err := filepath.Glob(filepath.Join(s.asideDir(), name+".db.*")); err != nil || len(had) >= maxAside {
		return errors.Join(why, err)
	}
	begin, err := time.Parse(dayLayout, name)
	if err != nil {
		return errors.Join(why, err)
	}
	now := s.now().UTC()
	end := begin.AddDate(0, 0, 1)
	if now.After(begin) {
		end = earlier(now, end)
	}
	// The gap first: a crash in between makes it once more, and never less.
	if err := s.gaps.add(outbound.Gap{From: begin, To: end, Rule: "*", Reason: outbound.Damaged}); err != nil {
		return errors.Join(why, err)
	}
	to, err := s.moveAside(name, now)
	if err != nil {
		return errors.Join(why, err)
	}
	s.again.Store(true)
	s.log.Error("a day file is damaged and was set aside; import the logs of that day again", "day", name, "file", to, "why", why)
	return &outbound.Error{
		Code:    outbound.Unavailable,
		Message: fmt.Sprintf("the file of %s is damaged and was set aside as %s: what it held is missing from answers", name, to),
		Hint:    "ask again, the other days answer; for that day import the rotated logs again: outboundmonitor import FILE...",
		Err:     aside{why},
	}
}

// moveAside renames a day's file, and gives its new path. Readers who are in
// it end on their own.
func (s *Store) moveAside(name string, now time.Time) (string, error) {
	if err := os.MkdirAll(s.asideDir(), 0o700); err != nil {
		return "", err
	}
	to := filepath.Join(s.asideDir(), name+".db."+now.Format(asideLayout))
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, os.ErrNotExist) {
			break
		}
		to = filepath.Join(s.asideDir(), fmt.Sprintf("%s.db.%s.%d", name, now.Format(asideLayout), n))
	}
	s.days.Lock()
	defer s.days.Unlock()
	d := s.days.open[name]
	if err := os.Rename(filepath.Join(s.eventsDir(), name+".db"), to); err != nil {
		return "", err
	}
	delete(s.days.open, name)
	s.days.names = slices.DeleteFunc(slices.Clone(s.days.names), func(n string) bool { return n == name })
	err := errors.Join(hostfs.SyncDir(s.asideDir()), hostfs.SyncDir(s.eventsDir()))
	if d != nil {
		// A file that is damaged may not close cleanly either.
		_ = guard(d.retire)
	}
	return to, err
}

// SetAside names the day files that were set aside and are still there.
func (s *Store) SetAside() ([]string, error) {
	entries, err := os.ReadDir(s.asideDir())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if strings.Contains(e.Name(), ".db.") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Again reports whether a day file was set aside since the last Resume: what
// the log still holds of it is to be read again.
func (s *Store) Again() bool { return s.again.Load() }
