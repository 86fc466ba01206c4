package store

import (
	"bytes"
	"context"
	"crypto/rand"
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
	grew   chan struct{}
	done   chan struct{}
	once   sync.Once
	epoch  uint64 // when this process began: numbers hold no longer than it
}

func newRing() *ring {
	return &ring{grew: make(chan struct{}), done: make(chan struct{}), epoch: uint64(time.Now().UnixNano())}
}

func (r *ring) close() { r.once.Do(func() { close(r.done) }) }

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
		e.Line = append(slot.Line[:0:0], bytes.Clone(e.Line)...)
		*slot = e
		r.n++
	}
	close(r.grew)
	r.grew = make(chan struct{})
}

// Grew gives a channel that is closed when more was followed, or the store is
// closed.
func (s *Store) Grew() <-chan struct{} {
	r := s.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.done:
		return r.done
	default:
		return r.grew
	}
}

// After gives the events that were followed after cursor, oldest first, at
// most q.Limit. The empty cursor, and one from before the daemon's start or
// from too long ago, stands for now; events in between are found by search.
func (s *Store) After(_ context.Context, scope outbound.Scope, q outbound.Query, cursor string) (outbound.Page, error) {
	r := s.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	at, err := s.readNumber(cursor)
	if err != nil {
		return outbound.Page{}, err
	}
	var page outbound.Page
	oldest := r.n - min(r.n, ringSize)
	for at = max(at, oldest); at < r.n && (q.Limit <= 0 || len(page.Events) < q.Limit); at++ {
		e := r.events[at%ringSize]
		if !eventMatches(&e, scope, &q) {
			continue
		}
		e.Line = bytes.Clone(e.Line)
		e.ID = s.eventID(&e)
		page.Events = append(page.Events, e)
	}
	page.Next = s.writeNumber(at)
	return page, nil
}

// writeNumber gives another cursor each time, also for the same number: that
// nothing was stored meanwhile is a thing of the others too.
func (s *Store) writeNumber(n uint64) string {
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails
	b := binary.BigEndian.AppendUint64(nil, s.recent.epoch)
	return s.seal("live", binary.BigEndian.AppendUint64(b, n), nil, nonce)
}

func (s *Store) readNumber(cursor string) (uint64, error) {
	if cursor == "" {
		return s.recent.n, nil
	}
	b, ok := s.open("live", cursor, nil)
	if !ok || len(b) != 16 {
		return 0, errCursor(cursor)
	}
	if binary.BigEndian.Uint64(b) != s.recent.epoch {
		return s.recent.n, nil
	}
	return binary.BigEndian.Uint64(b[8:]), nil
}
