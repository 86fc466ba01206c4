package store

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

type groupSum struct {
	events      int
	first, last int64 // Unix microseconds
}

func (g *groupSum) add(x groupSum) {
	if g.events == 0 || x.first < g.first {
		g.first = x.first
	}
	if g.events == 0 || x.last > g.last {
		g.last = x.last
	}
	g.events += x.events
}

// Groups counts events by a key, most events first; by hour, oldest first. A
// limit of 0 gives all groups.
func (s *Store) Groups(ctx context.Context, scope outbound.Scope, q outbound.Query, by outbound.GroupBy, limit int) ([]outbound.Group, error) {
	q.OldestFirst, q.Bare, q.Cursor = true, true, ""
	var groups []outbound.Group
	var err error
	switch {
	case limit > 0 && counted(scope, &q, by):
		return s.top(ctx, q, by, limit)
	case by == outbound.ByAccount:
		last := lives{}
		groups, err = groupsOf(ctx, s, scope, q, colWho, last.key, last.group)
	case by == outbound.ByDst:
		groups, err = groupsOf(ctx, s, scope, q, colDst, keyOfDst, addrGroup)
	case by == outbound.ByPort:
		groups, err = groupsOf(ctx, s, scope, q, colDstPort, func(_ *dayQuery, _ *rows, port uint32) (uint32, error) { return port, nil }, portCount)
	case by == outbound.ByHour:
		groups, err = groupsOf(ctx, s, scope, q, colSec, keyOfHour, hourGroup)
	default:
		return nil, &outbound.Error{Code: outbound.Invalid, Message: "group by " + strconv.Quote(string(by)) + ": no such group", Hint: "account, dst, port or hour"}
	}
	if err != nil {
		return nil, err
	}
	return largest(groups, by, limit), nil
}

// largest puts groups in order and cuts the list.
func largest(groups []outbound.Group, by outbound.GroupBy, limit int) []outbound.Group {
	slices.SortFunc(groups, func(a, b outbound.Group) int {
		if by != outbound.ByHour && a.Events != b.Events {
			return b.Events - a.Events
		}
		return cmp.Or(strings.Compare(a.Key, b.Key), compareLives(a.Who, b.Who))
	})
	if limit > 0 && len(groups) > limit {
		groups = groups[:limit]
	}
	return groups
}

// groupsOf counts the matching rows by what key makes of a column's value.
func groupsOf[K comparable](ctx context.Context, s *Store, scope outbound.Scope, q outbound.Query, column tag,
	key func(*dayQuery, *rows, uint32) (K, error), group func(K) outbound.Group,
) ([]outbound.Group, error) {
	sums := map[K]groupSum{}
	err := s.eachDay(scope, &q, func(k *dayQuery) error {
		return k.tally(ctx, column, nil, func(r *rows, value uint32, g groupSum) error {
			x, err := key(k, r, value)
			if err != nil {
				return err
			}
			sum := sums[x]
			sum.add(g)
			sums[x] = sum
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	groups := make([]outbound.Group, 0, len(sums))
	for x, sum := range sums {
		g := group(x)
		g.Events, g.First, g.Last = sum.events, time.UnixMicro(sum.first).UTC(), time.UnixMicro(sum.last).UTC()
		groups = append(groups, g)
	}
	return groups, nil
}

// compareLives orders accounts that had one name one after the other.
func compareLives(a, b *outbound.Who) int {
	if a == nil || b == nil {
		return 0
	}
	return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Kind, b.Kind))
}

// person is what events of one account have in common, whatever its owner was
// at the time.
type person struct {
	kind     outbound.Kind
	instance outbound.Instance
	user     outbound.Username
}

// lives keeps what was said last of each: its owner may have changed. Days
// come oldest first, and a day's keys rise as they are given out.
type lives map[person]life

type life struct {
	who *outbound.Who
	day int64
	key uint32
}

func (l lives) key(k *dayQuery, _ *rows, key uint32) (person, error) {
	w, err := k.v.whos.who(key)
	if err != nil {
		return person{}, err
	}
	p := person{w.Kind, w.Instance, w.User}
	if before := l[p]; before.who == nil || before.day != k.d.begin || before.key < key {
		l[p] = life{w, k.d.begin, key}
	}
	return p, nil
}

func (l lives) group(p person) outbound.Group {
	return outbound.Group{Key: whoKey(l[p].who), Who: l[p].who}
}

func keyOfDst(_ *dayQuery, r *rows, i uint32) (netip.Addr, error) {
	if int(i) >= len(r.dst) {
		return netip.Addr{}, errShort
	}
	return r.dst[i], nil
}

func keyOfHour(k *dayQuery, _ *rows, hour uint32) (int64, error) {
	return k.d.begin + int64(hour)*3600, nil
}

func addrGroup(a netip.Addr) outbound.Group { return outbound.Group{Key: a.String()} }

func portCount(port uint32) outbound.Group {
	return outbound.Group{Key: strconv.FormatUint(uint64(port), 10)}
}

func hourGroup(at int64) outbound.Group {
	return outbound.Group{Key: time.Unix(at, 0).UTC().Format(time.RFC3339)}
}

func whoKey(w *outbound.Who) string {
	if w.User != "" {
		return string(w.User)
	}
	if w.UID == outbound.NoUID {
		return "no uid"
	}
	return "uid " + strconv.FormatUint(uint64(w.UID), 10)
}

// tally counts the matching rows of each block by a column's value, but for
// blocks that are done already. It gives colSec in hours.
func (k *dayQuery) tally(ctx context.Context, column tag, done map[uint32]bool, f func(*rows, uint32, groupSum) error) error {
	counts := map[uint32]groupSum{}
	for _, c := range k.clusters() {
		for _, number := range c.blocks {
			if done[number] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			clear(counts)
			r, err := k.tallyBlock(number, column, counts)
			if err != nil {
				return err
			}
			for value, sum := range counts {
				if err := f(r, value, sum); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (k *dayQuery) tallyBlock(number uint32, column tag, counts map[uint32]groupSum) (*rows, error) {
	refs, err := k.matches(number, nil)
	if err != nil {
		return nil, err
	}
	r, err := k.rows(number)
	if err != nil {
		return nil, err
	}
	values, err := r.col(column)
	if err != nil {
		return nil, err
	}
	if column == colDst {
		if err := r.dicts(); err != nil {
			return nil, err
		}
	}
	for _, x := range refs {
		v := values[x.row]
		if column == colSec {
			v /= 3600
		}
		at := k.d.begin*1e6 + x.micros
		sum := counts[v]
		sum.add(groupSum{1, at, at})
		counts[v] = sum
	}
	return r, nil
}

// Histogram counts events by port group in steps from q.Since to q.Until.
func (s *Store) Histogram(ctx context.Context, scope outbound.Scope, q outbound.Query, step time.Duration) ([]outbound.Bucket, error) {
	if q.Since.IsZero() || q.Until.IsZero() || step <= 0 || q.Until.Sub(q.Since)/step > maxSteps {
		return nil, &outbound.Error{Code: outbound.Invalid, Message: "a histogram needs a range of at most 100,000 steps"}
	}
	q.OldestFirst = true
	counts := map[int64]map[string]int{}
	err := s.eachDay(scope, &q, func(k *dayQuery) error {
		return k.walk(ctx, func(r *rows, x ref) error {
			ports, err := r.col(colDstPort)
			if err != nil {
				return err
			}
			n := int64(time.UnixMicro(k.d.begin*1e6+x.micros).Sub(q.Since) / step)
			if counts[n] == nil {
				counts[n] = map[string]int{}
			}
			counts[n][portGroup(ports[x.row])]++
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	buckets := make([]outbound.Bucket, 0, len(counts))
	for n, ports := range counts {
		buckets = append(buckets, outbound.Bucket{From: q.Since.Add(time.Duration(n) * step), Ports: ports})
	}
	slices.SortFunc(buckets, func(a, b outbound.Bucket) int { return a.From.Compare(b.From) })
	return buckets, nil
}

const maxSteps = 100_000

func portGroup(port uint32) string {
	switch port {
	case 22:
		return "22"
	case 21:
		return "21"
	case 80:
		return "80"
	case 443:
		return "443"
	}
	return "other"
}

// Extent tells how many events the scope sees and when the first and the last
// of them were.
func (s *Store) Extent(ctx context.Context, scope outbound.Scope) (outbound.Extent, error) {
	var x outbound.Extent
	q := outbound.Query{OldestFirst: true}
	err := s.eachDay(scope, &q, func(k *dayQuery) error {
		if scope.All() {
			k.extent(&x)
			return nil
		}
		return k.tally(ctx, colProto, nil, func(_ *rows, _ uint32, g groupSum) error {
			x.Extend(g.events, time.UnixMicro(g.first).UTC(), time.UnixMicro(g.last).UTC())
			return nil
		})
	})
	return x, err
}

// extent is Extent from the summaries alone, to the second.
func (k *dayQuery) extent(x *outbound.Extent) {
	sums := k.v.sums
	if k.v.open.n > 0 {
		sums = append(slices.Clip(sums), k.v.openSum)
	}
	for _, s := range sums {
		x.Extend(int(s.n), time.Unix(k.d.begin+int64(s.minSec), 0).UTC(), time.Unix(k.d.begin+int64(s.maxSec), 0).UTC())
	}
}

// Lines calls f with the line of each event from since to until, in no order,
// those that wait for a flush too. Who takes in a log uses it to tell which
// lines are stored already.
func (s *Store) Lines(since, until time.Time, f func(t time.Time, line []byte)) error {
	q := outbound.Query{Since: since, Until: until, OldestFirst: true}
	var e outbound.Event
	return s.eachDay(outbound.Everything(), &q, func(k *dayQuery) error {
		whole := *k.v
		whole.open, whole.openSum = whole.all, whole.all.sum()
		k.v = &whole
		return k.walk(context.Background(), func(r *rows, x ref) error {
			if err := r.event(int(x.row), &k.v.whos, &e, false); err != nil {
				return asDamage(err)
			}
			f(e.Time, e.Line)
			return nil
		})
	})
}

// Holds reports whether any event from since to until, in Unix seconds, may be
// stored. It looks into no file but those of the days in question.
func (s *Store) Holds(since, until int64) (bool, error) {
	for _, name := range s.between(time.Unix(since, 0), time.Unix(until, 0)) {
		d, err := s.day(name, false)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, s.reject(name, nil, err)
		}
		holds := d.holds(since, until)
		if err := d.release(); err != nil || holds {
			return holds, err
		}
	}
	return false, nil
}

func (d *day) holds(since, until int64) bool {
	v := d.view.Load()
	for i := len(v.sums) - 1; i >= 0; i-- {
		if d.begin+int64(v.sums[i].maxSec) >= since && d.begin+int64(v.sums[i].minSec) < until {
			return true
		}
	}
	sec := v.all.cols[colSec]
	for i := len(sec) - 1; i >= 0; i-- {
		if at := d.begin + int64(sec[i]); at >= since && at < until {
			return true
		}
	}
	return false
}
