package ingest

import (
	"time"

	"github.com/cespare/xxhash/v2"
)

// A line is the same event in whatever file it stands. For each line the store
// holds the largest number of times that it occurs in any one chain, never the
// sum: a copy adds nothing, and true twins stay twins. To tell, the lines of a
// few spans of time are kept as hashes, counted once as stored (ledger) and
// once as read in a chain (counter).

// spanSeconds is the length of a span.
const spanSeconds = 16

// Spans are kept from batch to batch: heldSpans of them at least, and more as
// long as their tables are small together. A log that goes back in time, as
// several that were put into one, would have each span read from the store
// again and again. Within a batch all are kept, for what it adds is not yet
// stored.
const (
	heldSpans = 6
	heldSlots = 1 << 18
)

// spans keeps the tallies of the spans used last.
type spans struct {
	at    map[int64]*tally
	order []int64 // by use, the last used at the end
	spare []*tally
}

func (s *spans) get(span int64) *tally {
	t, ok := s.at[span]
	if !ok {
		return nil
	}
	last := len(s.order) - 1
	i := last
	for s.order[i] != span {
		i--
	}
	copy(s.order[i:], s.order[i+1:])
	s.order[last] = span
	return t
}

// put gives an empty tally for a span that has none.
func (s *spans) put(span int64) *tally {
	if s.at == nil {
		s.at = map[int64]*tally{}
	}
	t := &tally{}
	if n := len(s.spare); n > 0 {
		t, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	s.at[span] = t
	s.order = append(s.order, span)
	return t
}

// trim lets go of all but the spans used last.
func (s *spans) trim() {
	slots := 0
	for _, t := range s.at {
		slots += len(t.hashes)
	}
	for n := len(s.order) - heldSpans; n > 0 && slots > heldSlots; n-- {
		span := s.order[0]
		slots -= len(s.at[span].hashes)
		s.order = s.order[1:]
		t := s.at[span]
		delete(s.at, span)
		if t.clear(); len(s.spare) < 2*heldSpans {
			s.spare = append(s.spare, t)
		}
	}
}

// ledger knows how often each line is stored.
type ledger struct {
	store Store
	spans spans
}

func (l *ledger) at(span int64) (*tally, error) {
	if t := l.spans.get(span); t != nil {
		return t, nil
	}
	since, until := span*spanSeconds, (span+1)*spanSeconds
	holds, err := l.store.Holds(since, until)
	if err != nil {
		return nil, err
	}
	t := l.spans.put(span)
	if holds {
		err := l.store.Lines(time.Unix(since, 0), time.Unix(until, 0), func(_ time.Time, line []byte) {
			t.add(xxhash.Sum64(line))
		})
		if err != nil {
			l.forget()
			return nil, err
		}
	}
	return t, nil
}

func (l *ledger) forget() { l.spans = spans{} }

// counter knows how often each line was read in a chain.
type counter struct{ spans spans }

func (c *counter) add(span int64, hash uint64) uint32 {
	t := c.spans.get(span)
	if t == nil {
		t = c.spans.put(span)
	}
	return t.add(hash)
}

func (c *counter) take(span int64, hash uint64) {
	if t := c.spans.get(span); t != nil {
		t.take(hash)
	}
}
