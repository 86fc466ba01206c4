// Package ingest turns runs of log lines into stored events: it finds our
// lines, has them parsed and attributed, leaves out what the store has, and
// appends the rest in batches. It is the only writer of events. It knows no
// grammar, no account and no file itself.
package ingest

import (
	"log/slog"
	"sync"
	"time"

	"outboundmonitor/backend/outbound"
)

// Store is where events go.
type Store interface {
	Append(outbound.Batch) error
	// Holds reports whether any event of a range of Unix seconds may be stored.
	Holds(since, until int64) (bool, error)
	// Lines calls f with each line that is stored from a range of times.
	Lines(since, until time.Time, f func(t time.Time, line []byte)) error
	// Oldest is the time before which events are not kept; zero if all are.
	Oldest() time.Time
}

// Options are what an Ingest needs of the other rooms.
type Options struct {
	Store Store
	// Next finds the bounds of the first of our lines in data, or gives -1.
	Next func(data []byte) (from, to int)
	// Accounts gives, once for each batch, who has which UID.
	Accounts func() (Accounts, error)
	Now      func() time.Time
	Logger   *slog.Logger
}

// Accounts tells whose a UID was. It never returns nil.
type Accounts interface {
	Who(uid outbound.UID, at time.Time) *outbound.Who
}

// Parser reads one line that was received at a time, with Time and Basis. What
// its error is counted as is told by a method KindOf() string of the error.
type Parser func(line []byte, received time.Time, e *outbound.Event) error

// Ingest takes in lines from any number of chains, one batch at a time.
type Ingest struct {
	o      Options
	mu     sync.Mutex // from a batch's first line to its commit
	ledger ledger
	events []outbound.Event
}

// New makes an Ingest.
func New(o Options) *Ingest {
	return &Ingest{o: o, ledger: ledger{store: o.Store}}
}

// chunkRoom is how much text a batch holds at most, in bytes: about 30,000
// lines of a server whose log is ours for the most part.
const chunkRoom = 4 << 20

// Chain takes in the lines of one log with its rotations, or of one import. It
// is for one goroutine, but for Counts.
type Chain struct {
	in    *Ingest
	parse Parser
	// text is what was read and not yet taken in; runs tell where it lay.
	text     []byte
	runs     []run
	from, to outbound.Position
	seen     counter

	mu     sync.Mutex // guards what Counts gives
	counts outbound.Counts
	extent outbound.Extent
}

// run is where text from at on begins in its file.
type run struct {
	at     int
	offset int64
	// again: the lines were read before and are only counted.
	again bool
}

// Chain begins a chain.
func (in *Ingest) Chain(parse Parser) *Chain {
	return &Chain{in: in, parse: parse}
}

// Add takes whole lines that begin at an offset of their file. from and to are
// the positions before and after them, zero for an import. With again the
// lines were taken in before this process began; they are only counted, so
// that true twins stay twins.
//
// Nothing is lasting before Flush returns nil.
func (c *Chain) Add(data []byte, offset int64, from, to outbound.Position, again bool) error {
	if len(c.runs) > 0 && (len(c.text)+len(data) > chunkRoom || from.Gen != c.to.Gen) {
		if err := c.Flush(); err != nil {
			return err
		}
	}
	if len(c.runs) == 0 {
		c.from = from
	}
	c.runs = append(c.runs, run{len(c.text), offset, again})
	c.text = append(c.text, data...)
	c.to = to
	return nil
}

// Pending reports whether anything waits for Flush.
func (c *Chain) Pending() bool { return len(c.runs) > 0 }

// Flush takes in what was added and makes it lasting. If it fails, all is as
// before, and Flush can be called again.
func (c *Chain) Flush() error {
	if len(c.runs) == 0 {
		return nil
	}
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	accounts, err := c.in.o.Accounts()
	if err != nil {
		return err
	}
	b := batch{c: c, accounts: accounts, received: c.in.o.Now(), oldest: c.in.o.Store.Oldest(), events: c.in.events[:0]}
	err = b.run()
	c.in.events = b.events
	if err == nil {
		err = c.in.o.Store.Append(outbound.Batch{Events: b.events, From: c.from, To: c.to})
	}
	if err != nil {
		b.undo()
		return err
	}
	// Not before the batch is stored: were it to be taken in again, the spans
	// of its first lines would be gone.
	c.in.ledger.spans.trim()
	c.seen.spans.trim()
	c.publish(&b)
	c.text, c.runs, c.from = c.text[:0], c.runs[:0], c.to
	return nil
}

func (c *Chain) publish(b *batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Add(b.counts)
	for i := range b.events {
		c.extent.Extend(1, b.events[i].Time, b.events[i].Time)
	}
	for _, t := range b.knownTimes {
		c.extent.Extend(0, t, t)
	}
}

// Counts tells what became of the lines so far, and from when to when the
// events among them were.
func (c *Chain) Counts() (outbound.Counts, outbound.Extent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts.Clone(), c.extent
}
