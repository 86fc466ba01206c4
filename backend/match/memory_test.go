package match_test

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
)

// memory is a Reader over a slice. It is written from the words of Query, not
// from any store.
type memory struct {
	events   []outbound.Event
	coverage outbound.Coverage
	walks    int
}

func (m *memory) Walk(ctx context.Context, s outbound.Scope, q outbound.Query, f func(*outbound.Event) error) error {
	m.walks++
	all := slices.Clone(m.events)
	slices.SortStableFunc(all, func(a, b outbound.Event) int { return a.Time.Compare(b.Time) })
	if !q.OldestFirst {
		slices.Reverse(all)
	}
	for i := range all {
		if e := all[i]; s.Sees(e.Who, e.Time) && selects(q, &e) {
			if err := f(&e); err != nil {
				return err
			}
			e.Line[0] = '!' // valid until f returns, and no longer
		}
	}
	return ctx.Err()
}

func (m *memory) Coverage(context.Context, outbound.Scope, outbound.Query) (outbound.Coverage, error) {
	return m.coverage, nil
}

func selects(q outbound.Query, e *outbound.Event) bool {
	within := func(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || p.Contains(a) }
	return within(q.Dst, e.Dst) && within(q.Src, e.Src) &&
		(q.DstPort == 0 || q.DstPort == e.DstPort) && (q.SrcPort == 0 || q.SrcPort == e.SrcPort) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until))
}

var (
	asked  = time.Date(2026, 11, 5, 1, 11, 3, 0, time.UTC)
	target = netip.MustParseAddr("203.0.113.22")

	alice    = account("alice", 1043, 1700000000, outbound.Known)
	bob      = account("bob", 1044, 1700000001, outbound.Known)
	carol    = account("carol", 1045, 0, outbound.Assumed)
	alice2   = account("alice", 1043, 1790000000, outbound.Known) // the same UID, another life
	doubtful = account("dave", 1046, 1790000000, outbound.Unknown)
	nobody   = system("nobody", 65534)
	root     = system("root", 0)
)

func account(name outbound.Username, uid outbound.UID, begin int64, a outbound.Attribution) *outbound.Who {
	return &outbound.Who{
		Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: uid, Begin: begin},
		User: name, Owner: "reseller7", Domain: string(name) + ".example.com", Attribution: a,
	}
}

func system(name outbound.Username, uid outbound.UID) *outbound.Who {
	return &outbound.Who{Kind: outbound.SystemUser, Instance: outbound.Instance{UID: uid}, User: name, Attribution: outbound.Assumed}
}

// rows gives n events of who, seconds apart, the first at asked.
func rows(n int, who *outbound.Who, w outbound.Witness) []outbound.Event {
	all := make([]outbound.Event, n)
	for i := range all {
		all[i] = outbound.Event{
			Time: asked.Add(time.Duration(i) * time.Second), Who: who, UID: outbound.NoUID, GID: outbound.NoGID, Witness: w,
			Src: netip.MustParseAddr("192.0.2.10"), Dst: target, SrcPort: 51514, DstPort: 22, Proto: outbound.TCP, Rule: "22",
			Line: []byte("Nov  5 02:11:03 web01 kernel: CSF-OUTBOUND:22:=:Ab3dEf:IN= OUT=eth0 SRC=192.0.2.10"),
		}
		if who != nil {
			all[i].UID = who.UID
		}
	}
	return all
}

// stray gives n events of a UID that nobody on record had.
func stray(n int, uid outbound.UID, w outbound.Witness) []outbound.Event {
	all := rows(n, nil, w)
	for i := range all {
		all[i].UID = uid
	}
	return all
}

// whole is the coverage of a range in which everything was recorded.
func whole() outbound.Coverage {
	return outbound.Coverage{
		Complete: true, Covered: 1, From: new(asked.Add(-time.Hour)), To: new(asked.Add(time.Hour)),
		Watched: outbound.Watched{TCP: "all", Families: []int{4, 6}},
	}
}
