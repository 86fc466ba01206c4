package store

import (
	"net/netip"
	"slices"

	"outboundmonitor/backend/outbound"
)

// filter finds the rows of one block that a query selects, column by column:
// the cheapest and most selective first.
type filter struct {
	k    *dayQuery
	r    *rows
	keep []uint32
}

func (f *filter) run() ([]uint32, error) {
	f.keep = make([]uint32, f.r.n)
	for i := range f.keep {
		f.keep[i] = uint32(i)
	}
	q := f.k.q
	for _, step := range []func() error{
		func() error { return f.addrs(q.Dst, colDst, dictDst) },
		func() error { return f.equal(colSrcPort, uint32(q.SrcPort), q.SrcPort != 0) },
		func() error { return f.equal(colDstPort, uint32(q.DstPort), q.DstPort != 0) },
		f.who,
		func() error { return f.addrs(q.Src, colSrc, dictSrc) },
		func() error { return f.rule(q.Rule) },
		f.time,
	} {
		if err := step(); err != nil {
			return nil, err
		}
		if len(f.keep) == 0 {
			return nil, nil
		}
	}
	return f.keep, nil
}

func (f *filter) only(t tag, ok func(uint32) bool) error {
	c, err := f.r.col(t)
	if err != nil {
		return err
	}
	kept := f.keep[:0]
	for _, row := range f.keep {
		if ok(c[row]) {
			kept = append(kept, row)
		}
	}
	f.keep = kept
	return nil
}

func (f *filter) equal(t tag, want uint32, set bool) error {
	if !set {
		return nil
	}
	return f.only(t, func(x uint32) bool { return x == want })
}

// addrs keeps the rows whose address lies in p.
func (f *filter) addrs(p netip.Prefix, column, dict tag) error {
	if !p.IsValid() {
		return nil
	}
	if err := f.r.dicts(); err != nil {
		return err
	}
	all := f.r.dst
	if dict == dictSrc {
		all = f.r.src
	}
	wanted, some := make([]bool, len(all)), false
	for i, a := range all {
		if p.Contains(a) {
			wanted[i], some = true, true
		}
	}
	if !some {
		f.keep = nil // the common case in an open block, which has no index
		return nil
	}
	return f.only(column, func(x uint32) bool { return int(x) < len(wanted) && wanted[x] })
}

func (f *filter) rule(rule string) error {
	if rule == "" {
		return nil
	}
	if err := f.r.dicts(); err != nil {
		return err
	}
	at := slices.Index(f.r.rules, rule)
	return f.only(colRule, func(x uint32) bool { return int(x) == at })
}

// who keeps the rows of accounts that are wanted and visible at their time.
func (f *filter) who() error {
	who := f.k.who
	if who == nil {
		return nil
	}
	if err := f.only(colWho, func(x uint32) bool { return int(x) < len(who) && who[x] }); err != nil {
		return err
	}
	return f.kept(func(micros int64, who uint32) bool { return micros >= f.k.grantFrom[who] })
}

// kept keeps the rows of which ok holds for time and account.
func (f *filter) kept(ok func(micros int64, who uint32) bool) error {
	sec, err := f.r.col(colSec)
	if err != nil {
		return err
	}
	micros, err := f.r.col(colMicros)
	if err != nil {
		return err
	}
	who, err := f.r.col(colWho)
	if err != nil {
		return err
	}
	kept := f.keep[:0]
	for _, row := range f.keep {
		if ok(int64(sec[row])*1e6+int64(micros[row]), who[row]) {
			kept = append(kept, row)
		}
	}
	f.keep = kept
	return nil
}

func (f *filter) time() error {
	if f.k.from == 0 && f.k.to == dayMicros {
		return nil
	}
	return f.kept(func(micros int64, _ uint32) bool { return micros >= f.k.from && micros < f.k.to })
}

// eventMatches tells of an event in hand what filter tells of rows.
func eventMatches(e *outbound.Event, scope outbound.Scope, q *outbound.Query) bool {
	w := e.Who
	return scope.Sees(w, e.Time) &&
		(!q.Dst.IsValid() || q.Dst.Masked().Contains(e.Dst)) && (!q.Src.IsValid() || q.Src.Masked().Contains(e.Src)) &&
		(q.SrcPort == 0 || q.SrcPort == e.SrcPort) && (q.DstPort == 0 || q.DstPort == e.DstPort) &&
		(q.Rule == "" || q.Rule == e.Rule) && (q.Account == "" || w != nil && w.User == q.Account) &&
		(q.UID == nil || e.UID == *q.UID) && (q.Instance == nil || w != nil && w.Instance == *q.Instance) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until))
}
