package ingest

import (
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"outboundmonitor/backend/outbound"
)

// batch is the work of one Flush.
type batch struct {
	c        *Chain
	accounts Accounts
	received time.Time
	oldest   time.Time
	events   []outbound.Event
	counts   outbound.Counts
	// knownTimes are the first and the last time of lines that the store had.
	knownTimes []time.Time
	counted    []mark
}

// mark is a line that was counted, to be taken back if the batch fails.
type mark struct {
	span int64
	hash uint64
}

func (b *batch) run() error {
	c := b.c
	for i, r := range c.runs {
		end := len(c.text)
		if i+1 < len(c.runs) {
			end = c.runs[i+1].at
		}
		if err := b.lines(c.text[r.at:end], r.again); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) lines(data []byte, again bool) error {
	for at := 0; ; {
		from, to := b.c.in.o.Next(data[at:])
		if from < 0 {
			return nil
		}
		if err := b.line(data[at+from:at+to], again); err != nil {
			return err
		}
		at += to + 1
	}
}

// line takes one of our lines: it becomes an event, or is counted as what it is.
func (b *batch) line(line []byte, again bool) error {
	n := len(b.events)
	b.events = append(b.events, outbound.Event{})
	e := &b.events[n]
	if err := b.c.parse(line, b.received, e); err != nil {
		b.events = b.events[:n]
		if !again {
			b.counts.Read++
			b.reject(err)
		}
		return nil
	}
	isNew, err := b.count(e, again)
	if err != nil {
		return err
	}
	switch {
	case again:
		b.events = b.events[:n]
		return nil
	case e.Time.Before(b.oldest):
		b.counts.Expired++
		b.events = b.events[:n]
	case !isNew:
		b.counts.Known++
		b.known(e.Time)
		b.events = b.events[:n]
	default:
		e.Who = b.accounts.Who(e.UID, e.Time)
		b.counts.Stored++
	}
	b.counts.Read++
	return nil
}

func (b *batch) reject(err error) {
	kind := "damaged"
	if k, ok := err.(interface{ KindOf() string }); ok {
		kind = k.KindOf()
	}
	if b.counts.Rejected == nil {
		b.counts.Rejected = map[string]int{}
	}
	b.counts.Rejected[kind]++
}

func (b *batch) known(t time.Time) {
	switch {
	case len(b.knownTimes) == 0:
		b.knownTimes = []time.Time{t, t}
	case t.Before(b.knownTimes[0]):
		b.knownTimes[0] = t
	case t.After(b.knownTimes[1]):
		b.knownTimes[1] = t
	}
}

// count counts the line in its chain, and reports whether it now occurs more
// often there than in the store. A line read again counts as what it is, but
// does not count as stored.
func (b *batch) count(e *outbound.Event, again bool) (bool, error) {
	span := e.Time.Unix() / spanSeconds
	hash := xxhash.Sum64(e.Line)
	stored, err := b.c.in.ledger.at(span)
	if err != nil {
		return false, fmt.Errorf("ingest: %w", err)
	}
	n := b.c.seen.add(span, hash)
	b.counted = append(b.counted, mark{span, hash})
	e.Twin = n - 1
	have, err := b.elsewhere(e, hash)
	if err != nil {
		return false, fmt.Errorf("ingest: %w", err)
	}
	if again || n <= stored.count(hash)+have {
		return false, nil
	}
	stored.set(hash, n)
	return true, nil
}

// elsewhere counts a line of the hour that occurs twice in autumn where it may
// be stored too: which of the two hours it is placed in depends on the lines
// that were read before it.
func (b *batch) elsewhere(e *outbound.Event, hash uint64) (uint32, error) {
	if e.Basis != outbound.AmbiguousDST {
		return 0, nil
	}
	var n uint32
	for _, apart := range []int64{-3600, 3600} {
		stored, err := b.c.in.ledger.at((e.Time.Unix() + apart) / spanSeconds)
		if err != nil {
			return 0, err
		}
		n += stored.count(hash)
	}
	return n, nil
}

// undo takes back what the batch counted. The ledger is read anew from the
// store, which has nothing of the batch or, across midnight, a part.
func (b *batch) undo() {
	for _, m := range b.counted {
		b.c.seen.take(m.span, m.hash)
	}
	b.c.in.ledger.forget()
}
