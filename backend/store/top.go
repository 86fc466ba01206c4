package store

import (
	"context"
	"net/netip"

	"outboundmonitor/backend/outbound"
)

// The index keeps how often each account and each remote address occurs in a
// block. A ranking adds these counts and reads only the blocks that lie across
// the ends of its range, and those in which the first and the last event of
// the largest groups stand.

// counted reports whether the index has the counts that a ranking needs.
func counted(scope outbound.Scope, q *outbound.Query, by outbound.GroupBy) bool {
	narrowed := q.Src.IsValid() || q.Account != "" || q.Instance != nil || q.UID != nil || q.DstPort != 0 || q.SrcPort != 0 || q.Rule != ""
	return scope.All() && !narrowed && (by == outbound.ByDst || by == outbound.ByAccount && !q.Dst.IsValid())
}

// top gives the largest groups by the index.
func (s *Store) top(ctx context.Context, q outbound.Query, by outbound.GroupBy, limit int) ([]outbound.Group, error) {
	addrs, people, last := map[netip.Addr]int{}, map[person]int{}, lives{}
	err := s.eachDay(outbound.Everything(), &q, func(k *dayQuery) error {
		if by == outbound.ByDst {
			return k.countAddrs(ctx, addrs)
		}
		return k.countPeople(ctx, people, last)
	})
	if err != nil {
		return nil, err
	}
	groups := make([]outbound.Group, 0, len(addrs)+len(people))
	for a, n := range addrs {
		groups = append(groups, outbound.Group{Key: a.String(), Events: n})
	}
	for p, n := range people {
		g := last.group(p)
		g.Events = n
		groups = append(groups, g)
	}
	groups = largest(groups, by, limit)
	for i := range groups {
		if err := s.ends(ctx, q, &groups[i]); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// inside lists the blocks that lie wholly within the query's range.
func (k *dayQuery) inside() map[uint32]bool {
	all := map[uint32]bool{}
	for i, s := range k.v.sums {
		if int64(s.minSec)*1e6 >= k.from && int64(s.maxSec+1)*1e6 <= k.to {
			all[uint32(i)] = true
		}
	}
	return all
}

func (k *dayQuery) countAddrs(ctx context.Context, counts map[netip.Addr]int) error {
	inside := k.inside()
	err := k.segments(func(s *segment) error {
		return s.eachAddr(k.q.Dst, func(a netip.Addr, p posting) {
			if inside[p.block] {
				counts[a] += int(p.n)
			}
		})
	})
	if err != nil {
		return err
	}
	return k.tally(ctx, colDst, inside, func(r *rows, i uint32, g groupSum) error {
		a, err := keyOfDst(k, r, i)
		if err == nil {
			counts[a] += g.events
		}
		return err
	})
}

func (k *dayQuery) countPeople(ctx context.Context, counts map[person]int, last lives) error {
	inside := k.inside()
	byKey := map[uint32]int{}
	err := k.segments(func(s *segment) error {
		return s.eachWho(func(who uint32, p posting) {
			if inside[p.block] {
				byKey[who] += int(p.n)
			}
		})
	})
	if err != nil {
		return err
	}
	err = k.tally(ctx, colWho, inside, func(_ *rows, who uint32, g groupSum) error {
		byKey[who] += g.events
		return nil
	})
	if err != nil {
		return err
	}
	for who, n := range byKey {
		p, err := last.key(k, nil, who)
		if err != nil {
			return err
		}
		counts[p] += n
	}
	return nil
}

// ends finds when the first and the last event of a group were.
func (s *Store) ends(ctx context.Context, q outbound.Query, g *outbound.Group) error {
	switch {
	case g.Who == nil:
		a, err := netip.ParseAddr(g.Key)
		if err != nil {
			return err
		}
		q.Dst = netip.PrefixFrom(a, a.BitLen())
	case g.Who.User == "":
		// A query cannot ask for nobody: count the UID's groups.
		q.UID = &g.Who.UID
		last := lives{}
		same, err := groupsOf(ctx, s, outbound.Everything(), q, colWho, last.key, last.group)
		for _, x := range same {
			if x.Who.Kind == g.Who.Kind && x.Who.Instance == g.Who.Instance && x.Who.User == "" {
				g.First, g.Last = x.First, x.Last
			}
		}
		return err
	default:
		q.Account, q.Instance = g.Who.User, &g.Who.Instance
	}
	q.Limit = 1
	for _, oldest := range []bool{true, false} {
		q.OldestFirst = oldest
		page, err := s.Events(ctx, outbound.Everything(), q)
		if err != nil {
			return err
		}
		if len(page.Events) == 0 {
			continue // pruned meanwhile
		}
		if oldest {
			g.First = page.Events[0].Time
		} else {
			g.Last = page.Events[0].Time
		}
	}
	return nil
}
