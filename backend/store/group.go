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

// groupKey is what events of a group have in common.
type groupKey struct {
	who  outbound.Who
	addr netip.Addr
	n    int64 // port or hour
}

type groupSum struct {
	events      int
	first, last int64 // Unix microseconds
}

func (g *groupSum) add(events int, first, last int64) {
	if g.events == 0 || first < g.first {
		g.first = first
	}
	if g.events == 0 || last > g.last {
		g.last = last
	}
	g.events += events
}

// Groups counts events by a key, most events first; by hour, oldest first. A
// limit of 0 gives all groups.
func (s *Store) Groups(ctx context.Context, scope outbound.Scope, q outbound.Query, by outbound.GroupBy, limit int) ([]outbound.Group, error) {
	column, ok := groupColumns[by]
	if !ok {
		return nil, &outbound.Error{Code: outbound.Invalid, Message: "group by " + strconv.Quote(string(by)) + ": no such group", Hint: "account, dst, port or hour"}
	}
	q.OldestFirst = true
	sums := map[groupKey]*groupSum{}
	err := s.eachDay(scope, &q, func(k *dayQuery) error {
		return k.tally(ctx, column, func(r *rows, value uint32, g groupSum) error {
			key, err := k.groupKey(r, by, value)
			if err != nil {
				return err
			}
			sum := sums[key]
			if sum == nil {
				sum = &groupSum{}
				sums[key] = sum
			}
			sum.add(g.events, g.first, g.last)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	groups := make([]outbound.Group, 0, len(sums))
	for key, sum := range sums {
		groups = append(groups, group(by, key, sum))
	}
	slices.SortFunc(groups, func(a, b outbound.Group) int {
		if by != outbound.ByHour && a.Events != b.Events {
			return b.Events - a.Events
		}
		return cmp.Or(strings.Compare(a.Key, b.Key), compareLives(a.Who, b.Who))
	})
	if limit > 0 && len(groups) > limit {
		groups = groups[:limit]
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

var groupColumns = map[outbound.GroupBy]tag{
	outbound.ByAccount: colWho, outbound.ByDst: colDst, outbound.ByPort: colDstPort, outbound.ByHour: colSec,
}

func (k *dayQuery) groupKey(r *rows, by outbound.GroupBy, value uint32) (groupKey, error) {
	switch by {
	case outbound.ByAccount:
		w, err := k.v.whos.who(value)
		if err != nil {
			return groupKey{}, err
		}
		// One account is one group, whatever its owner was at the time.
		return groupKey{who: outbound.Who{Kind: w.Kind, Instance: w.Instance, User: w.User}}, nil
	case outbound.ByDst:
		if int(value) >= len(r.dst) {
			return groupKey{}, errShort
		}
		return groupKey{addr: r.dst[value]}, nil
	case outbound.ByHour:
		return groupKey{n: k.d.begin + int64(value)*3600}, nil
	}
	return groupKey{n: int64(value)}, nil
}

func group(by outbound.GroupBy, key groupKey, sum *groupSum) outbound.Group {
	g := outbound.Group{Events: sum.events, First: time.UnixMicro(sum.first).UTC(), Last: time.UnixMicro(sum.last).UTC()}
	switch by {
	case outbound.ByAccount:
		g.Who = &key.who
		g.Key = whoKey(&key.who)
	case outbound.ByDst:
		g.Key = key.addr.String()
	case outbound.ByHour:
		g.Key = time.Unix(key.n, 0).UTC().Format(time.RFC3339)
	default:
		g.Key = strconv.FormatInt(key.n, 10)
	}
	return g
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

// tally counts the matching rows of each block by a column's value. It gives
// colSec in hours.
func (k *dayQuery) tally(ctx context.Context, column tag, f func(*rows, uint32, groupSum) error) error {
	counts := map[uint32]*groupSum{}
	for _, c := range k.clusters() {
		for _, number := range c.blocks {
			if err := ctx.Err(); err != nil {
				return err
			}
			clear(counts)
			r, err := k.tallyBlock(number, column, counts)
			if err != nil {
				return err
			}
			for value, sum := range counts {
				if err := f(r, value, *sum); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (k *dayQuery) tallyBlock(number uint32, column tag, counts map[uint32]*groupSum) (*rows, error) {
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
		sum := counts[v]
		if sum == nil {
			sum = &groupSum{}
			counts[v] = sum
		}
		at := k.d.begin*1e6 + x.micros
		sum.add(1, at, at)
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
		return k.tally(ctx, colProto, func(_ *rows, _ uint32, g groupSum) error {
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

// Lines calls f with the line of each event from since to until, in no order.
// Who takes in a log uses it to tell which lines are stored already.
func (s *Store) Lines(since, until time.Time, f func(t time.Time, line []byte)) error {
	q := outbound.Query{Since: since, Until: until, OldestFirst: true}
	var e outbound.Event
	return s.eachDay(outbound.Everything(), &q, func(k *dayQuery) error {
		return k.walk(context.Background(), func(r *rows, x ref) error {
			if err := r.event(int(x.row), &k.v.whos, &e, false); err != nil {
				return err
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
			return false, err
		}
		v := d.view.Load()
		for i := len(v.sums) - 1; i >= 0; i-- {
			if d.begin+int64(v.sums[i].maxSec) >= since && d.begin+int64(v.sums[i].minSec) < until {
				return true, nil
			}
		}
		sec := v.open.cols[colSec][:v.open.n]
		for i := len(sec) - 1; i >= 0; i-- {
			if at := d.begin + int64(sec[i]); at >= since && at < until {
				return true, nil
			}
		}
	}
	return false, nil
}
