package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
	bolt "go.etcd.io/bbolt"

	"outboundmonitor/backend/outbound"
)

// Append stores a batch. When it returns nil, the events and the position are
// on disk.
//
// A batch that spans midnight is one transaction in each day's file. If the
// machine stops between them, [Store.Resume] gives the batch's beginning
// again; whoever appends knows the lines that are stored by their content.
//
// It returns an [outbound.Error] with code Unavailable, which says so, while
// the store is over its budget though the old days went.
func (s *Store) Append(b outbound.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	for i := range b.Events {
		if err := storable(&b.Events[i]); err != nil {
			return fmt.Errorf("store: event %d of %d: %w", i+1, len(b.Events), err)
		}
	}
	if b.To.Chain != "" && s.again.Load() {
		// Its position says that all before it is stored, which is not so now.
		return &outbound.Error{Code: outbound.Unavailable, Message: "the log is to be read again: a day file was set aside", Err: ErrSetAside}
	}
	if err := s.makeRoom(); err != nil {
		return err
	}
	parts := split(b.Events)
	if len(parts) == 0 && b.To.Chain != "" {
		parts = []dayPart{{day: s.now().UTC().Format(dayLayout)}}
	}
	for i, p := range parts {
		last := i == len(parts)-1
		if err := s.appendDay(p, b, last); err != nil {
			if isDamage(err) {
				err = s.setAside(p.day, err)
			}
			return err
		}
	}
	if b.To.Chain != "" {
		s.remember(b)
	}
	return nil
}

// Bounds of what is stored: a reader refuses to expand more than maxPlain.
const (
	maxLine = 1 << 20
	maxRule = 255
)

// storable says why an event would not come back as it is, or nil.
func storable(e *outbound.Event) error {
	switch year := e.Time.UTC().Year(); {
	case e.Who == nil:
		return errors.New("nobody has attributed it")
	case e.Who.UID != e.UID:
		return fmt.Errorf("UID=%d is attributed as UID %d", e.UID, e.Who.UID)
	case !plain(e.Src) || !plain(e.Dst):
		return fmt.Errorf("SRC=%s DST=%s: not two plain addresses", e.Src, e.Dst)
	case len(e.Line) > maxLine || len(e.Rule) > maxRule:
		return fmt.Errorf("line of %d bytes, rule of %d", len(e.Line), len(e.Rule))
	case year < 1 || year > 9999:
		return fmt.Errorf("year %d", year)
	}
	return nil
}

func plain(a netip.Addr) bool { return a.IsValid() && !a.Is4In6() && a.Zone() == "" }

// dayPart is the part of a batch that falls on one day.
type dayPart struct {
	day    string
	events []outbound.Event
}

// split cuts events into runs of one day each and joins the runs of the same
// day, oldest day first.
func split(events []outbound.Event) []dayPart {
	var parts []dayPart
	for from := 0; from < len(events); {
		number := dayNumber(events[from].Time)
		to := from + 1
		for to < len(events) && dayNumber(events[to].Time) == number {
			to++
		}
		name := time.Unix(number*daySeconds, 0).UTC().Format(dayLayout)
		i := slices.IndexFunc(parts, func(p dayPart) bool { return p.day == name })
		if i < 0 {
			parts = append(parts, dayPart{name, events[from:to:to]})
		} else {
			parts[i].events = append(parts[i].events, events[from:to]...)
		}
		from = to
	}
	slices.SortFunc(parts, func(a, b dayPart) int {
		if a.day < b.day {
			return -1
		}
		return 1
	})
	return parts
}

// dayNumber counts days from 1970-01-01, those before it downwards.
func dayNumber(t time.Time) int64 {
	n := t.Unix()
	if n < 0 {
		n -= daySeconds - 1
	}
	return n / daySeconds
}

func (s *Store) appendDay(p dayPart, b outbound.Batch, last bool) (err error) {
	d, err := s.day(p.day, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.release()) }()
	next := *d.view.Load()
	next.sums = slices.Clip(next.sums)
	next.whos.whos = slices.Clip(next.whos.whos)
	if s.apart {
		if err := d.write(func(tx *bolt.Tx) error { return (&dayWriter{d: d, tx: tx}).position(b, last) }); err != nil {
			return err
		}
	}
	err = d.write(func(tx *bolt.Tx) error {
		w := dayWriter{d: d, tx: tx, next: &next, c: s.codec}
		if err := w.events(p.events); err != nil {
			return err
		}
		if b.More {
			return nil
		}
		if err := w.head(); err != nil {
			return err
		}
		return w.position(b, last)
	})
	if err != nil {
		// What is in memory may be ahead of the file: read it again.
		if again := d.load(s.codec); again != nil {
			err = errors.Join(err, again, s.forget(d))
		}
		return fmt.Errorf("store: %s: %w", d.name, err)
	}
	d.publish(&next, !b.More)
	return nil
}

// publish shows the readers a committed state. With whole, all open rows are
// on disk.
func (d *day) publish(next *dayView, whole bool) {
	if whole {
		d.durable = d.open.n
	}
	next.all = d.open.snapshot()
	next.open = next.all.first(d.durable)
	next.openSum = next.open.sum()
	d.view.Store(next)
}

// first gives the first n rows.
func (r *rows) first(n int) *rows {
	if n == r.n {
		return r
	}
	out := *r
	out.n = n
	for t := colSec; t <= lastCol; t++ {
		out.cols[t] = out.cols[t][:n]
	}
	return &out
}

// Flush makes lasting what batches with More left in memory.
func (s *Store) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	for _, d := range s.opened() {
		if d.durable == d.open.n {
			continue
		}
		next := *d.view.Load()
		err := d.write(func(tx *bolt.Tx) error {
			return (&dayWriter{d: d, tx: tx, next: &next, c: s.codec}).head()
		})
		if err != nil {
			if again := d.load(s.codec); again != nil {
				err = errors.Join(err, again)
			}
			if isDamage(err) {
				return s.setAside(d.name, err)
			}
			return fmt.Errorf("store: %s: %w", d.name, err)
		}
		d.publish(&next, true)
	}
	return nil
}

// opened lists the days that are open.
func (s *Store) opened() []*day {
	s.days.RLock()
	defer s.days.RUnlock()
	return slices.Collect(maps.Values(s.days.open))
}

// dayWriter is one transaction in a day's file.
type dayWriter struct {
	d    *day
	tx   *bolt.Tx
	next *dayView
	c    *codec
}

func (w *dayWriter) events(events []outbound.Event) error {
	for i := range events {
		e := &events[i]
		who, err := w.who(e.Who)
		if err != nil {
			return err
		}
		w.d.open.add(e, who, w.d.begin)
		if w.d.open.full() {
			if err := w.seal(); err != nil {
				return err
			}
		}
	}
	return nil
}

// who gives the key of an account in the day's table.
func (w *dayWriter) who(who *outbound.Who) (uint32, error) {
	if key, ok := w.d.recent[who]; ok {
		return key, nil
	}
	key, ok := w.d.table[*who]
	if !ok {
		data, err := json.Marshal(who)
		if err != nil {
			return 0, err
		}
		key = uint32(len(w.next.whos.whos) + 1)
		if err := w.tx.Bucket(bucketWho).Put(be32(key), data); err != nil {
			return 0, err
		}
		kept := *who
		w.next.whos.whos = append(w.next.whos.whos, &kept)
		w.d.table[kept] = key
	}
	w.d.recent[who] = key
	return key, nil
}

// seal turns the open rows into a block.
func (w *dayWriter) seal() error {
	w.d.open.settle()
	number := uint32(len(w.next.sums))
	sum := w.d.open.sum()
	block, terms := w.d.open.seal(&w.c.write)
	terms.at(number)
	sum.hash = xxhash.Sum64(block)
	if err := w.tx.Bucket(bucketBlocks).Put(be32(number), block); err != nil {
		return err
	}
	if err := w.tx.Bucket(bucketSums).Put(be32(number), sum.encode()); err != nil {
		return err
	}
	if err := w.index(number, terms); err != nil {
		return err
	}
	if w.d.durable > 0 {
		if err := w.tx.DeleteBucket(bucketHead); err != nil {
			return err
		}
		if _, err := w.tx.CreateBucket(bucketHead); err != nil {
			return err
		}
	}
	w.next.sums = append(w.next.sums, sum)
	w.next.n += int(sum.n)
	w.d.open, w.d.durable = newOpenRows(w.d.open.cut), 0
	return nil
}

// head keeps the rows of the open block that are not yet on disk.
func (w *dayWriter) head() error {
	w.d.open.settle()
	b := w.tx.Bucket(bucketHead)
	for from := w.d.durable; from < w.d.open.n; {
		data, to, err := w.c.appendHead(w.d.open, from, &w.next.whos)
		if err != nil {
			return err
		}
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		if err := b.Put(be32(uint32(seq)), data); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// index adds the terms of a new block, and merges segments of a size.
func (w *dayWriter) index(number uint32, t terms) error {
	b := w.tx.Bucket(bucketIndex)
	first, size := number, uint32(1)
	for size < maxSegment && (number+1)%(size*fanIn) == 0 {
		parts := []terms{}
		for i := number + 1 - size*fanIn; i < first; i += size {
			key := segmentKey(i, size)
			s, err := readSegment(b.Get(key), i)
			if err != nil {
				return fmt.Errorf("segment %d+%d: %w", i, size, err)
			}
			old, err := s.terms()
			if err != nil {
				return fmt.Errorf("segment %d+%d: %w", i, size, err)
			}
			parts = append(parts, old)
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		t = mergeTerms(append(parts, t))
		size *= fanIn
		first = number + 1 - size
	}
	return b.Put(segmentKey(first, size), t.encode(first))
}

func segmentKey(first, size uint32) []byte {
	return append(be32(first), be32(size)...)
}

// position keeps how far the chain has come. Only the last day's file of a
// batch says that the whole batch is stored.
func (w *dayWriter) position(b outbound.Batch, last bool) error {
	if b.To.Chain == "" {
		return nil
	}
	resume := b.From
	if last {
		resume = b.To
	}
	data, err := json.Marshal(resume)
	if err != nil {
		return err
	}
	if err := w.tx.Bucket(bucketChains).Put([]byte(b.To.Chain), data); err != nil {
		return err
	}
	w.d.chains[b.To.Chain] = resume
	return nil
}
