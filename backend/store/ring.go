package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"time"

	"outboundmonitor/backend/outbound"
)

// ringSize is how many of the events stored last a live view can look back on.
const ringSize = 4096

// ring holds the events that were followed last, in the order in which they
// were stored.
type ring struct {
	mu     sync.Mutex
	events [ringSize]outbound.Event
	n      uint64 // stored so far; the newest is at (n-1) % ringSize
	epoch  uint64 // when this process began: numbers hold no longer than it
}

func newRing() *ring {
	return &ring{epoch: uint64(time.Now().UnixNano())}
}

// remember puts a followed batch into the ring.
func (s *Store) remember(b outbound.Batch) {
	if len(b.Events) == 0 {
		return
	}
	r := s.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	from := max(0, len(b.Events)-ringSize)
	r.n += uint64(from)
	for _, e := range b.Events[from:] {
		slot := &r.events[r.n%ringSize]
		e.Line = append(slot.Line[:0], e.Line...) // After gives copies
		*slot = e
		r.n++
	}
}

// After gives the events that were followed after cursor, oldest first, at
// most q.Limit. The empty cursor, and one from before the daemon's start,
// stands for now; after one from too long ago comes what is still held. Events
// in between are found by search.
func (s *Store) After(_ context.Context, scope outbound.Scope, q outbound.Query, cursor string) (outbound.Page, error) {
	r := s.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	q.OldestFirst = true
	normalise(&q)
	binding := bind(scope, q)
	at, known, err := s.readNumber(cursor, binding)
	if err != nil {
		return outbound.Page{}, err
	}
	var page outbound.Page
	// The next cursor stands behind the last event that the scope sees: two
	// equal ones tell nothing of the others' events in between.
	next := at
	if !known {
		at, next = r.n, r.lastSeen(scope)
	}
	for at = max(at, r.oldest()); at < r.n && (q.Limit <= 0 || len(page.Events) < q.Limit); at++ {
		held := &r.events[at%ringSize]
		if !scope.Sees(held.Who, held.Time) {
			continue
		}
		next = at + 1
		if !eventMatches(held, scope, &q) {
			continue
		}
		e := *held
		e.Line = bytes.Clone(e.Line)
		e.ID = s.eventID(&e)
		page.Events = append(page.Events, e)
	}
	page.Next = s.writeNumber(next, binding)
	return page, nil
}

func (r *ring) oldest() uint64 { return r.n - min(r.n, ringSize) }

// lastSeen is behind the last event that the scope sees; 0 if it sees none.
func (r *ring) lastSeen(scope outbound.Scope) uint64 {
	for at := r.n; at > r.oldest(); at-- {
		if e := &r.events[(at-1)%ringSize]; scope.Sees(e.Who, e.Time) {
			return at
		}
	}
	return 0
}

const numberSize = 16

func (s *Store) writeNumber(n uint64, binding []byte) string {
	b := binary.BigEndian.AppendUint64(nil, s.recent.epoch)
	return s.seal("live", binary.BigEndian.AppendUint64(b, n), binding)
}

// readNumber reads what writeNumber gave; known is false if it is of no use any
// more.
func (s *Store) readNumber(cursor string, binding []byte) (n uint64, known bool, err error) {
	if cursor == "" {
		return 0, false, nil
	}
	b, err := s.unseal("live", cursor, numberSize, binding)
	if err != nil {
		return 0, false, err
	}
	return binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b) == s.recent.epoch, nil
}
