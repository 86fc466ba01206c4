package daemon

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"outboundmonitor/backend/ingest"
	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
	"outboundmonitor/backend/tail"
)

const (
	// commitEvery is how long a followed line waits for others to be stored
	// with it.
	commitEvery = 200 * time.Millisecond
	// retryEvery is how long the intake waits after a store that refused.
	retryEvery = time.Second
	pruneEvery = 10 * time.Minute
)

// parser reads lines with a clock of their chain.
func parser(clock *kernlog.Clock) ingest.Parser {
	return func(line []byte, received time.Time, e *outbound.Event) error {
		stamp, err := kernlog.Parse(line, e)
		if err != nil {
			return kindOf(err)
		}
		if e.Time, e.Basis, err = clock.Time(stamp, received); err != nil {
			return kindOf(err)
		}
		return nil
	}
}

// rejected is a line that gave no event, as it is counted.
type rejected struct {
	error
	kind string
}

// KindOf gives the counter's name.
func (r rejected) KindOf() string { return r.kind }

func kindOf(err error) error {
	if f, ok := errors.AsType[*kernlog.Fault](err); ok {
		return rejected{err, f.Kind.String()}
	}
	return rejected{err, "damaged"}
}

// Import takes in decompressed log text to its end.
func (h *House) Import(ctx context.Context, r io.Reader, spec outbound.ImportSpec) (outbound.ImportDoc, error) {
	clock := kernlog.Importing(h.zone, spec.FirstYear)
	chain := h.ingest.Chain(parser(clock))
	skipped, begun := 0, spec.FirstYear == 0
	err := tail.Read(ctx, r, func(c tail.Chunk) error {
		skipped += c.Skipped
		begun = begun || begin(clock, c.Data, h.o.Now())
		return chain.Add(c.Data, outbound.Position{}, outbound.Position{}, false)
	})
	// What came before a fault of the reader is good and stays.
	if closed := chain.Close(); err == nil {
		err = closed
	}
	counts, extent := chain.Counts()
	h.monitor.count(counts)
	h.squeeze()
	h.o.Logger.Info("imported", "file", spec.Name, "stored", counts.Stored, "known", counts.Known, "expired", counts.Expired, "skipped_bytes", skipped)
	return outbound.ImportDoc{Schema: outbound.SchemaImport, Lines: counts, First: extent.First, Last: extent.Last}, err
}

// begin shows the clock the first stamp without a year: FirstYear is that of
// whatever line has it, which may be none of ours.
func begin(clock *kernlog.Clock, data []byte, now time.Time) bool {
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if stamp, ok := kernlog.ParseStamp(line); ok && stamp.Year == 0 {
			_, _, _ = clock.Time(stamp, now) // what it is does not matter
			return true
		}
		data = rest
	}
	return false
}

// follow follows the log until ctx ends.
func (h *House) follow(ctx context.Context, path string) error {
	from, err := h.store.Resume(path)
	if err != nil {
		return err
	}
	ctx, again := context.WithCancelCause(ctx)
	defer again(nil)
	f := &following{
		h: h, again: again, log: h.o.Logger.With("log", path),
		chain: h.ingest.Chain(parser(kernlog.Following(h.zone))),
	}
	f.log.Info("following", "gen", from.Gen, "offset", from.Offset)
	h.monitor.follows(path)
	stopped := make(chan struct{})
	timer, cancel := context.WithCancel(ctx)
	go func() {
		defer close(stopped)
		f.commit(timer)
	}()
	err = tail.NewFollower(tail.Options{Root: h.o.Root, Path: path, Logger: f.log, Now: h.o.Now, Stored: h.store.Written()}).Run(ctx, from, func(c tail.Chunk) error {
		return f.take(ctx, path, c)
	})
	cancel()
	<-stopped
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(context.Cause(ctx), store.ErrSetAside) {
		return store.ErrSetAside // what the chain holds is read again
	}
	return errors.Join(err, f.chain.Close())
}

// following is the intake of the log that is followed.
type following struct {
	h     *House
	log   *slog.Logger
	mu    sync.Mutex // guards chain
	chain *ingest.Chain
	// again ends following, so that it begins anew from what is stored.
	again context.CancelCauseFunc
	// failing is set while the store refuses, so that it is said once.
	failing bool
	// atEnd is set once the end of the log was reached. It counts when all up
	// to there is stored.
	atEnd  bool
	before outbound.Counts
}

// take takes one chunk, however long the store refuses.
func (f *following) take(ctx context.Context, path string, c tail.Chunk) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.Gap != "" {
		f.log.Warn("content of the log could not be found again", "reason", c.Gap)
	}
	if c.Skipped > 0 {
		f.log.Warn("unreadable text was skipped", "bytes", c.Skipped, "gen", c.To.Gen, "offset", c.To.Offset)
	}
	c.From.Chain, c.To.Chain = path, path
	for {
		err := f.chain.Add(c.Data, c.From, c.To, c.Seen)
		if err == nil {
			break // which says nothing of the store: it may not have been asked
		}
		f.said(err)
		if f.lost(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryEvery):
		}
	}
	if c.CaughtUp {
		f.atEnd = true
		f.flush()
	}
	return nil
}

// flush stores what was taken.
func (f *following) flush() {
	err := f.chain.Flush()
	if f.lost(err) {
		return
	}
	f.said(err)
	if err == nil && f.atEnd {
		f.h.monitor.caughtUp()
	}
}

// lost reports whether a day file was set aside, and has the log read again
// then: what is read on now would be stored with a position behind what is
// missing.
func (f *following) lost(err error) bool {
	lost := errors.Is(err, store.ErrSetAside) || f.h.store.Again()
	if lost {
		f.again(store.ErrSetAside)
	}
	return lost
}

// commit stores what was taken, again and again until ctx ends.
func (f *following) commit(ctx context.Context) {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.mu.Lock()
		f.flush()
		f.mu.Unlock()
	}
}

// said tells of a store that refuses and of its end, once each, and counts.
func (f *following) said(err error) {
	switch {
	case err != nil && !f.failing:
		f.log.Error("nothing can be stored; lines wait in the log", "err", err)
	case err == nil && f.failing:
		f.log.Info("storing goes on")
	}
	f.failing = err != nil
	f.h.monitor.storing(err)
	counts, _ := f.chain.Counts()
	f.h.monitor.add(counts.Minus(f.before))
	f.before = counts
}

// squeeze copies days that are over without their free pages.
func (h *House) squeeze() {
	days, err := h.store.Squeeze()
	if err != nil && !errors.Is(err, store.ErrSetAside) { // which the store says
		h.o.Logger.Error("a day's file cannot be copied", "err", err)
	}
	if len(days) > 0 {
		h.o.Logger.Info("free pages returned", "days", days)
	}
}

// prune removes old days until ctx ends.
func (h *House) prune(ctx context.Context) {
	for {
		// Not at once: after a boot the clock may be wrong until it is set, and
		// a day that is deleted does not come back.
		select {
		case <-ctx.Done():
			return
		case <-time.After(pruneEvery):
		}
		gone, err := h.store.Prune()
		if err != nil {
			h.o.Logger.Error("old days cannot be removed", "err", err)
		}
		if len(gone) > 0 {
			h.o.Logger.Info("old days removed", "days", gone)
		}
		h.squeeze()
	}
}
