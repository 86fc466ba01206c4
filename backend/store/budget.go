package store

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// budgetEvery is how often the budget is looked at while events are stored:
// what comes in between can exceed it.
const budgetEvery = time.Second

// budget is what the store may take of its disk. The writer's, but for floor.
type budget struct {
	max, minFree int64 // in bytes; 0 is no limit
	looked       time.Time
	// refusal says why nothing can be stored, or is nil.
	refusal error
	// last is the size of the day that went last, and floor (Unix seconds, 0
	// none) the end of that day: what is older is not taken in again before a
	// day of that size has room, else an import would lose each day anew.
	last  int64
	floor atomic.Int64
	// leaving are removed days that somebody still reads, with their sizes:
	// the disk gives their room back later.
	leaving map[*day]int64
}

// room is what a store takes and finds.
type room struct {
	used int64 // by the days
	free int64 // on the disk
	// newest is the part of used that is the newest day's, which always stays.
	newest int64
}

// Errors of a store that is over its budget.
func (b *budget) overMax(r room) error {
	return &outbound.Error{
		Code:    outbound.Unavailable,
		Message: fmt.Sprintf("the newest day alone takes %s, and max_disk allows %s (%s are free on the disk)", size(r.newest), size(b.max), size(r.free)),
		Hint:    "raise max_disk in the settings, [store], and restart the daemon",
	}
}

func (b *budget) underFree(r room) error {
	return &outbound.Error{
		Code:    outbound.Unavailable,
		Message: fmt.Sprintf("%s are free on the disk, and min_free wants %s to stay free", size(r.free), size(b.minFree)),
		Hint:    "make room on the disk that holds the state folder; recording then goes on by itself",
	}
}

// size gives bytes as people read them.
func size(n int64) string {
	const units = "KMGT"
	x, unit := float64(n), "B"
	for i := 0; x >= 1024 && i < len(units); i++ {
		x, unit = x/1024, units[i:i+1]+"iB"
	}
	if unit == "B" || x == math.Trunc(x) {
		return fmt.Sprintf("%.0f %s", x, unit)
	}
	return fmt.Sprintf("%.1f %s", x, unit)
}

// makeRoom keeps the store within its budget, and says why nothing can be
// stored. The writer is locked.
func (s *Store) makeRoom() error {
	now := s.now()
	if since := now.Sub(s.budget.looked); !s.budget.looked.IsZero() && since >= 0 && since < budgetEvery {
		return s.budget.refusal
	}
	gone, err := s.shrink()
	if len(gone) > 0 {
		s.log.Warn("old days removed for want of room", "days", gone)
	}
	if err != nil {
		return err
	}
	s.budget.looked = now
	return s.budget.refusal
}

// shrink removes the oldest days until the store is within its budget, and
// names them. The newest stays whatever it takes. No day is removed for
// min_free if that would not be enough. The writer is locked.
func (s *Store) shrink() (gone []string, err error) {
	b := &s.budget
	b.refusal = nil
	if b.max == 0 && b.minFree == 0 {
		return nil, nil
	}
	r, err := s.room()
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	b.lift(r)
	for _, name := range s.older() {
		removable := r.used - r.newest
		within := (b.max == 0 || r.used <= b.max) && (r.free >= b.minFree || r.free+removable < b.minFree)
		if within {
			break
		}
		n, err := s.drop(name)
		if err != nil {
			return gone, fmt.Errorf("store: %s: %w", name, err)
		}
		gone = append(gone, name)
		r.used, r.free = r.used-n, r.free+n
	}
	switch {
	case b.max > 0 && r.used > b.max:
		b.refusal = b.overMax(r)
	case r.free < b.minFree:
		b.refusal = b.underFree(r)
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, hostfs.SyncDir(s.eventsDir())
}

// lift lets old events in again when the day that went last would have room.
func (b *budget) lift(r room) {
	if (b.max == 0 || r.used+b.last <= b.max) && r.free-b.last >= b.minFree {
		b.floor.Store(0)
	}
}

// older names all days but the newest, oldest first.
func (s *Store) older() []string {
	names := s.between(time.Time{}, time.Time{})
	return names[:max(0, len(names)-1)]
}

// drop removes a day for want of room, and gives its size.
func (s *Store) drop(name string) (int64, error) {
	n, err := s.daySize(name)
	if err != nil {
		return 0, err
	}
	s.days.RLock()
	d := s.days.open[name]
	s.days.RUnlock()
	if err := s.remove(name); err != nil {
		return 0, err
	}
	if d != nil && d.inUse() {
		s.budget.leaving[d] = n
	}
	begin, err := time.Parse(dayLayout, name)
	if err != nil {
		return 0, err
	}
	s.budget.last = n
	s.budget.floor.Store(max(s.budget.floor.Load(), begin.Unix()+daySeconds))
	return n, nil
}

// room tells what the store takes, and what is free or will be as soon as
// those who read removed days have done.
func (s *Store) room() (r room, err error) {
	for _, name := range s.between(time.Time{}, time.Time{}) {
		if r.newest, err = s.daySize(name); err != nil {
			return r, err
		}
		r.used += r.newest
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &st); err != nil {
		return r, fmt.Errorf("statfs %s: %w", s.dir, err)
	}
	r.free = int64(st.Bavail) * st.Bsize
	for d, n := range s.budget.leaving {
		if !d.inUse() {
			delete(s.budget.leaving, d)
			continue
		}
		r.free += n
	}
	return r, nil
}

// daySize gives the size of a day's file; 0 if there is none.
func (s *Store) daySize(name string) (int64, error) {
	fi, err := os.Stat(filepath.Join(s.eventsDir(), name+".db"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}
