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
	// Flush makes lasting what batches with More left in memory.
	Flush() error
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
	// events and counted are room for the next batch.
	events  []outbound.Event
	counted []mark
	// failures counts refusals of the store. Each may have cost an import the
	// lines that it had in memory.
	failures int
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
	text []byte
	runs []run
	// from is what the store knows of the position, to what was read.
	from, to outbound.Position
	begun    bool
	stored   time.Time // when from was
	seen     counter

	mu     sync.Mutex // guards what Counts gives
	counts outbound.Counts
	extent outbound.Extent
	// failures is what the intake's was when the chain began.
	failures int
}

// run is text from at on.
type run struct {
	at int
	// again: the lines were read before and are only counted.
	again bool
}

// Chain begins a chain.
func (in *Ingest) Chain(parse Parser) *Chain {
	in.mu.Lock()
	defer in.mu.Unlock()
	return &Chain{in: in, parse: parse, failures: in.failures}
}

// Add takes whole lines. from and to are the positions before and after them,
// zero for an import. With again the
// lines were taken in before this process began; they are only counted, so
// that true twins stay twins.
//
// Nothing is lasting before Flush returns nil.
func (c *Chain) Add(data []byte, from, to outbound.Position, again bool) error {
	if len(c.runs) > 0 && (len(c.text)+len(data) > chunkRoom || from.Gen != c.to.Gen) {
		if err := c.Flush(); err != nil {
			return err
		}
	}
	if !c.begun {
		c.from, c.begun = from, true
	}
	c.runs = append(c.runs, run{len(c.text), again})
	c.text = append(c.text, data...)
	c.to = to
	return nil
}

// idlePosition is how often the position of a log is stored while nothing of
// ours comes: what is read again after a stop is bounded by it.
const idlePosition = 10 * time.Second

// Flush takes in what was added. For a log that is followed it makes that
// lasting; for an import, Close does. If it fails for a log that is followed,
// all is as before, and Flush can be called again.
func (c *Chain) Flush() error {
	if len(c.runs) == 0 {
		return nil
	}
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.take()
}

// Close takes in what was added and makes lasting all that the chain took in,
// with the position reached.
func (c *Chain) Close() error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.stored = time.Time{}
	if len(c.runs) > 0 || c.from != c.to {
		if err := c.take(); err != nil {
			return err
		}
	}
	if !c.imports() {
		return nil
	}
	if err := c.whole(); err != nil {
		return err
	}
	return c.in.refused(c.in.o.Store.Flush())
}

// imports reports whether the chain is an import: it has no position.
func (c *Chain) imports() bool { return c.to.Chain == "" }

// take takes in what was added. The intake is locked.
func (c *Chain) take() error {
	if err := c.whole(); err != nil {
		return err
	}
	accounts, err := c.in.o.Accounts()
	if err != nil {
		return err
	}
	b := batch{c: c, accounts: accounts, received: c.in.o.Now(), oldest: c.in.o.Store.Oldest(), events: c.in.events[:0], counted: c.in.counted[:0]}
	err = b.run()
	c.in.events, c.in.counted = b.events, b.counted
	keep := len(b.events) > 0 || !c.imports() && b.received.Sub(c.stored) >= idlePosition
	if err == nil && !c.imports() {
		// Lines may be known that an import has in memory: a position must not
		// stand behind them before they are lasting.
		err = c.in.refused(c.in.o.Store.Flush())
	}
	if err == nil && keep {
		err = c.in.refused(c.in.o.Store.Append(outbound.Batch{Events: b.events, From: c.from, To: c.to, More: c.imports()}))
	}
	if err != nil {
		b.undo()
		return err
	}
	if keep {
		c.from, c.stored = c.to, b.received
	}
	// Not before the batch is stored: were it to be taken in again, the spans
	// of its first lines would be gone.
	c.in.ledger.spans.trim()
	c.seen.spans.trim()
	c.publish(&b)
	c.text, c.runs = c.text[:0], c.runs[:0]
	return nil
}

// whole says if the store may have lost lines of an import from memory.
func (c *Chain) whole() error {
	if !c.imports() || c.failures == c.in.failures {
		return nil
	}
	return &outbound.Error{
		Code: outbound.Unavailable, Message: "the store refused something while the import ran, and may have dropped lines of it",
		Hint: "import the file again: what is stored is not stored twice",
	}
}

// refused counts a refusal of the store.
func (in *Ingest) refused(err error) error {
	if err != nil {
		in.failures++
	}
	return err
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
