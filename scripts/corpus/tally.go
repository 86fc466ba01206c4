package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/scripts/truth"
)

// tally collects the truth, event by event.
type tally struct {
	truth.Summary
	names   map[outbound.UID]login
	uids    map[outbound.UID]int
	watched map[netip.Addr]*watched
	all     map[netip.Addr]struct{}
	step    int64 // resolution of stamps in microseconds
	day     int64
	today   int
}

// watched is what is known of one address.
type watched struct {
	truth.Address
	sum uint64
}

func newTally(p *plan) *tally {
	t := &tally{names: p.logins(), uids: map[outbound.UID]int{}, watched: map[netip.Addr]*watched{}, all: map[netip.Addr]struct{}{}, step: 1e6, day: -1}
	t.Summary = truth.Summary{
		Seed: p.seed, Format: "traditional", From: p.start, End: p.end,
		Accounts: map[string]int{}, Rules: map[string]int{}, Days: map[string]int{},
	}
	if p.format == demo.RFC3339 {
		t.Format, t.step = "rfc3339", 1
	}
	for _, a := range p.watched {
		t.watched[a] = &watched{Address: truth.Address{Address: a.String(), Accounts: map[string]int{}}}
	}
	return t
}

// event notes a whole line of ours.
func (t *tally) event(r *demo.Record) {
	t.Events++
	t.uids[r.UID]++
	t.Rules[demo.Label(r.DstPort)]++
	t.all[r.Dst] = struct{}{}
	if r.Dst.Is6() {
		t.IPv6++
	}
	if day := r.Micros / 86_400e6; day != t.day {
		t.turn()
		t.day = day
	}
	t.today++
	if w := t.watched[r.Dst]; w != nil {
		t.note(w, r)
	}
}

// turn files the count of the day that ended.
func (t *tally) turn() {
	if t.today > 0 {
		t.Days[time.Unix(t.day*86_400, 0).UTC().Format(time.DateOnly)] += t.today
	}
	t.today = 0
}

func (t *tally) note(w *watched, r *demo.Record) {
	e := truth.Event{
		Time: time.UnixMicro(r.Micros - r.Micros%t.step).UTC(),
		Src:  r.Src.String(), SrcPort: r.SrcPort, Dst: r.Dst.String(), DstPort: r.DstPort,
	}
	if who, ok := owner(t.names, r.UID); ok {
		e.UID = new(uint32(r.UID))
		if who.account {
			e.Account = who.name
		}
	}
	w.Events++
	w.sum += e.Sum()
	w.Accounts[e.Account]++
	if w.Events <= truth.ListLimit {
		w.List = append(w.List, e)
	} else {
		w.List = nil
	}
}

// write puts the truth beside the log.
func (t *tally) write(p *plan, bytes int64) (truth.Summary, error) {
	t.turn()
	t.Bytes, t.Ours, t.Addresses = bytes, t.Events+t.Damaged+t.Forged, len(t.all)
	for uid, n := range t.uids {
		who, _ := owner(t.names, uid)
		t.Accounts[who.name] += n
	}
	for name, v := range map[string]any{"summary.json": t.Summary, "addresses.json": t.sample(), "attacks.json": p.attacks} {
		if err := truth.Write(filepath.Join(p.dir, "truth", name), v); err != nil {
			return t.Summary, err
		}
	}
	return t.Summary, nil
}

// sample chooses 50 of the watched addresses.
func (t *tally) sample() []truth.Address {
	var four, six []*watched
	for _, w := range t.watched {
		switch {
		case w.Events == 0:
		case netip.MustParseAddr(w.Address.Address).Is4():
			four = append(four, w)
		default:
			six = append(six, w)
		}
	}
	busiest := func(a, b *watched) int {
		if a.Events != b.Events {
			return b.Events - a.Events
		}
		return netip.MustParseAddr(a.Address.Address).Compare(netip.MustParseAddr(b.Address.Address))
	}
	slices.SortFunc(four, busiest)
	slices.SortFunc(six, busiest)
	frequent, rest := four[:min(10, len(four))], four[min(10, len(four)):]
	split, _ := slices.BinarySearchFunc(rest, 9, func(w *watched, few int) int { return few - w.Events })
	medium, rare := rest[:split], rest[split:]

	var all []truth.Address
	all = classed(all, "frequent", frequent, 10)
	all = classed(all, "medium", t.first(medium, prefixOthers...), 15)
	all = classed(all, "rare", t.first(rare, prefixRare), 15)
	all = classed(all, "ipv6", six, 5)
	for _, a := range absent {
		w := t.watched[a]
		all = classed(all, "absent", []*watched{w}, 1)
	}
	return all
}

// first puts chosen addresses first, if they are in the list at all.
func (t *tally) first(list []*watched, chosen ...netip.Addr) []*watched {
	var head []*watched
	for _, a := range chosen {
		if i := slices.Index(list, t.watched[a]); i >= 0 {
			head = append(head, list[i])
			list = slices.Delete(slices.Clone(list), i, i+1)
		}
	}
	return append(head, list...)
}

// classed adds n of a list: the first fifth of n from its head, and others
// spread over the rest.
func classed(all []truth.Address, class string, list []*watched, n int) []truth.Address {
	n = min(n, len(list))
	if n == 0 {
		return all
	}
	head := max(n/5, 1)
	chosen := slices.Clone(list[:head])
	for i := range n - head {
		chosen = append(chosen, list[head+i*(len(list)-head)/(n-head)])
	}
	for _, w := range chosen {
		w.Class, w.Checksum = class, fmt.Sprintf("%016x", w.sum)
		all = append(all, w.Address)
	}
	return all
}
