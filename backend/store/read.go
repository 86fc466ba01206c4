package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"outboundmonitor/backend/outbound"
)

// ref is where a matching event stands in a day.
type ref struct {
	micros int64 // since the day began
	block  uint32
	row    uint32
}

func (a ref) compare(b ref) int {
	switch {
	case a.micros != b.micros:
		return sign(a.micros - b.micros)
	case a.block != b.block:
		return sign(int64(a.block) - int64(b.block))
	}
	return sign(int64(a.row) - int64(b.row))
}

func sign(x int64) int {
	switch {
	case x < 0:
		return -1
	case x > 0:
		return 1
	}
	return 0
}

// dayQuery is a query put to one day.
type dayQuery struct {
	s     *Store
	d     *day
	v     *dayView
	q     *outbound.Query
	scope outbound.Scope

	// from and to are the wanted microseconds of the day, to excluded.
	from, to int64
	// who says for each key of the day's table whether it is wanted; nil: all.
	who []bool
	// grantFrom is the first microsecond that the scope shows of a key.
	grantFrom []int64
	// only are the blocks that can hold a match, nil: all.
	only map[uint32]bool
	// held are the blocks used last; order has them by use.
	held  map[uint32]*rows
	order []uint32
}

const dayMicros = int64(daySeconds) * 1e6

// newDayQuery prepares a query for a day; nil if nothing there can match.
func (s *Store) newDayQuery(d *day, scope outbound.Scope, q *outbound.Query) (*dayQuery, error) {
	k := &dayQuery{s: s, d: d, v: d.view.Load(), q: q, scope: scope, to: dayMicros, held: map[uint32]*rows{}}
	if !q.Since.IsZero() {
		k.from = max(0, q.Since.UnixMicro()-d.begin*1e6)
	}
	if !q.Until.IsZero() {
		k.to = min(dayMicros, q.Until.UnixMicro()-d.begin*1e6)
	}
	if k.from >= k.to || !k.chooseWhos() {
		return nil, nil
	}
	any, err := k.chooseBlocks()
	if err != nil || !any {
		return nil, err
	}
	return k, nil
}

// chooseWhos finds which of the day's accounts are wanted and visible. It
// reports false if none is.
func (k *dayQuery) chooseWhos() bool {
	q := k.q
	if k.scope.All() && q.Account == "" && q.UID == nil && q.Instance == nil {
		return k.v.n+k.v.all.n > 0
	}
	k.who = make([]bool, len(k.v.whos.whos)+1)
	k.grantFrom = make([]int64, len(k.who))
	found := false
	for i, w := range k.v.whos.whos {
		wanted := (q.Account == "" || w.User == q.Account) && (q.UID == nil || w.UID == *q.UID) &&
			(q.Instance == nil || w.Instance == *q.Instance) && k.scope.MaySee(w)
		if !wanted {
			continue
		}
		k.who[i+1], found = true, true
		if !k.scope.All() {
			k.grantFrom[i+1] = k.firstSeen(w)
		}
	}
	return found
}

// firstSeen gives the day's first microsecond at which the scope shows w.
func (k *dayQuery) firstSeen(w *outbound.Who) int64 {
	from := k.scope.From(w)
	if from.IsZero() {
		return 0
	}
	return max(0, wholeMicros(from).UnixMicro()-k.d.begin*1e6)
}

// chooseBlocks asks the index which blocks can hold a match.
func (k *dayQuery) chooseBlocks() (bool, error) {
	dst := k.q.Dst
	if !dst.IsValid() && k.who == nil {
		return true, nil
	}
	byDst, byWho := map[uint32]bool{}, map[uint32]bool{}
	err := k.segments(func(s *segment) error {
		if dst.IsValid() {
			if err := s.eachAddr(dst, func(_ netip.Addr, p posting) { byDst[p.block] = true }); err != nil {
				return err
			}
		}
		if k.who == nil || dst.IsValid() && len(byDst) == 0 {
			return nil
		}
		return s.eachWho(func(who uint32, p posting) {
			if int(who) < len(k.who) && k.who[who] {
				byWho[p.block] = true
			}
		})
	})
	if err != nil {
		return false, err
	}
	switch {
	case !dst.IsValid():
		k.only = byWho
	case k.who == nil:
		k.only = byDst
	default:
		k.only = map[uint32]bool{}
		for b := range byDst {
			if byWho[b] {
				k.only[b] = true
			}
		}
	}
	k.only[uint32(len(k.v.sums))] = true // the open block has no index
	return true, nil
}

// segments calls f with each segment of the day's index.
func (k *dayQuery) segments(f func(*segment) error) error {
	return k.d.read(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketIndex).ForEach(func(key, data []byte) error {
			s, err := readSegment(data, binary.BigEndian.Uint32(key))
			if err == nil {
				err = f(&s)
			}
			if err != nil {
				return asDamage(fmt.Errorf("store: %s: index %x: %w", k.d.name, key, err))
			}
			return nil
		})
	})
}

// heldBlocks is how many decoded blocks a query keeps, at about 300 KiB each:
// more than ever overlap at one moment, unless logs were taken in many times.
const heldBlocks = 24

// rows gives a block of the day as the view has it.
func (k *dayQuery) rows(number uint32) (*rows, error) {
	if int(number) == len(k.v.sums) {
		return k.v.open, nil
	}
	if r := k.held[number]; r != nil {
		k.touch(number)
		return r, nil
	}
	var r *rows
	err := k.d.read(func(tx *bolt.Tx) error {
		data := tx.Bucket(bucketBlocks).Get(be32(number))
		if data == nil {
			return asDamage(errors.New("missing"))
		}
		if sum := k.v.sums[number]; sum.hash != 0 && sum.hash != xxhash.Sum64(data) {
			return asDamage(errors.New("damaged: it is not what was written"))
		}
		var err error
		r, err = readBlock(k.s.codec.read, slices.Clone(data))
		return asDamage(err)
	})
	if err != nil {
		return nil, fmt.Errorf("store: %s: block %d: %w", k.d.name, number, err)
	}
	if len(k.order) == heldBlocks {
		delete(k.held, k.order[0])
		k.order = slices.Delete(k.order, 0, 1)
	}
	k.held[number] = r
	k.order = append(k.order, number)
	return r, nil
}

// touch makes a block the one used last.
func (k *dayQuery) touch(number uint32) {
	last := len(k.order) - 1
	if k.order[last] == number {
		return
	}
	at := slices.Index(k.order, number)
	copy(k.order[at:], k.order[at+1:])
	k.order[last] = number
}

// cluster is a run of blocks whose times overlap.
type cluster struct {
	blocks   []uint32
	min, max uint32
}

// clusters gives the blocks that can match, oldest first, those that overlap
// in time together.
func (k *dayQuery) clusters() []cluster {
	var blocks []uint32
	sums := k.v.sums
	if k.v.open.n > 0 {
		sums = append(slices.Clip(sums), k.v.openSum)
	}
	for i, s := range sums {
		if k.only != nil && !k.only[uint32(i)] {
			continue
		}
		if int64(s.maxSec+1)*1e6 > k.from && int64(s.minSec)*1e6 < k.to {
			blocks = append(blocks, uint32(i))
		}
	}
	slices.SortStableFunc(blocks, func(a, b uint32) int { return sign(int64(sums[a].minSec) - int64(sums[b].minSec)) })
	var all []cluster
	for _, b := range blocks {
		s := sums[b]
		if n := len(all); n > 0 && s.minSec <= all[n-1].max {
			all[n-1].blocks = append(all[n-1].blocks, b)
			all[n-1].max = max(all[n-1].max, s.maxSec)
			continue
		}
		all = append(all, cluster{blocks: []uint32{b}, min: s.minSec, max: s.maxSec})
	}
	return all
}

// matches appends the refs of a block's rows that the query selects.
func (k *dayQuery) matches(number uint32, out []ref) ([]ref, error) {
	r, err := k.rows(number)
	if err != nil {
		return nil, err
	}
	f := filter{k: k, r: r}
	keep, err := f.run()
	if err != nil {
		return nil, asDamage(fmt.Errorf("store: %s: block %d: %w", k.d.name, number, err))
	}
	sec, err := r.col(colSec)
	if err != nil {
		return nil, err
	}
	micros, err := r.col(colMicros)
	if err != nil {
		return nil, err
	}
	for _, row := range keep {
		out = append(out, ref{int64(sec[row])*1e6 + int64(micros[row]), number, row})
	}
	return out, nil
}

// walk calls f with each match of the day in order.
func (k *dayQuery) walk(ctx context.Context, f func(*rows, ref) error) error {
	all := k.clusters()
	if !k.q.OldestFirst {
		slices.Reverse(all)
	}
	var refs []ref
	for _, c := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		refs = refs[:0]
		var err error
		for _, b := range c.blocks {
			if refs, err = k.matches(b, refs); err != nil {
				return err
			}
		}
		k.sort(refs)
		for _, x := range refs {
			r, err := k.rows(x.block)
			if err != nil {
				return err
			}
			if err := f(r, x); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *dayQuery) sort(refs []ref) {
	if !slices.IsSortedFunc(refs, ref.compare) {
		slices.SortFunc(refs, ref.compare)
	}
	if !k.q.OldestFirst {
		slices.Reverse(refs)
	}
}

// normalise brings a query into the form in which it is compared with what is
// stored, whose times are in whole microseconds.
func normalise(q *outbound.Query) {
	q.Dst, q.Src = q.Dst.Masked(), q.Src.Masked()
	q.Since, q.Until = wholeMicros(q.Since), wholeMicros(q.Until)
}

// wholeMicros gives the first whole microsecond that is not before t.
func wholeMicros(t time.Time) time.Time {
	if rest := t.Nanosecond() % 1000; rest != 0 {
		return t.Add(time.Duration(1000 - rest))
	}
	return t
}

// eachDay prepares the query for each day in order and calls f.
func (s *Store) eachDay(scope outbound.Scope, q *outbound.Query, f func(*dayQuery) error) error {
	normalise(q)
	names := s.between(q.Since, q.Until)
	if !q.OldestFirst {
		slices.Reverse(names)
	}
	for _, name := range names {
		d, err := s.day(name, false)
		if errors.Is(err, os.ErrNotExist) {
			continue // pruned meanwhile
		}
		if err != nil {
			return s.reject(name, nil, err)
		}
		k, err := s.newDayQuery(d, scope, q)
		if err == nil && k != nil {
			err = f(k)
		}
		if errors.Is(err, bolterrors.ErrDatabaseNotOpen) && s.isClosed() {
			err = errClosed
		}
		if err != nil {
			err = s.reject(name, d, err)
		}
		if err = errors.Join(err, d.release()); err != nil {
			return err
		}
	}
	return nil
}
