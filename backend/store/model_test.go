package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// model is the oracle: the events in a slice, in the order in which they were
// stored.
type model struct {
	rng    *rand.Rand
	events []outbound.Event
	whos   []*outbound.Who
	addrs  []netip.Addr
}

func newModel(t *testing.T, seed uint64) *model {
	t.Helper()
	t.Logf("seed %d", seed)
	m := &model{rng: rand.New(rand.NewPCG(seed, 1))}
	for i := range 20 {
		w := &outbound.Who{Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: outbound.UID(1000 + i/2), Begin: int64(i % 2)}, User: outbound.Username(fmt.Sprintf("user%d", i)), Owner: "root", Attribution: outbound.Known}
		if i%5 == 0 {
			*w = outbound.Who{Kind: outbound.SystemUser, Instance: outbound.Instance{UID: outbound.UID(i)}, User: outbound.Username(fmt.Sprintf("system%d", i)), Attribution: outbound.Assumed}
		}
		m.whos = append(m.whos, w)
	}
	m.whos = append(m.whos, &outbound.Who{Instance: outbound.Instance{UID: outbound.NoUID}})
	for i := range 300 {
		a := netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
		if i >= 250 {
			a = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i))
		} else if i >= 100 {
			a = netip.AddrFrom4([4]byte{198, 51, byte(i), byte(m.rng.IntN(256))})
		}
		m.addrs = append(m.addrs, a)
	}
	return m
}

// make gives n events from a time on, mostly in order.
func (m *model) make(n int, from time.Time, step time.Duration) []outbound.Event {
	var out []outbound.Event
	at := from
	for range n {
		at = at.Add(time.Duration(m.rng.Int64N(int64(step) + 1)))
		when := at.Truncate(time.Second)
		if m.rng.IntN(50) == 0 {
			when = when.Add(-time.Duration(m.rng.IntN(100)) * time.Second)
		}
		e := outbound.Event{
			Time: when.UTC(), Who: m.whos[m.rng.IntN(len(m.whos))], GID: 100,
			Src: netip.MustParseAddr("192.0.2.10"), Dst: m.addrs[min(m.rng.IntN(300), m.rng.IntN(300))],
			SrcPort: uint16(32768 + m.rng.IntN(2000)), DstPort: []uint16{22, 21, 80, 443, 8080}[m.rng.IntN(5)],
			Proto: outbound.TCP, Rule: []string{"22", "21", "80:443", "other"}[m.rng.IntN(4)], Witness: outbound.Witness(m.rng.IntN(3)),
		}
		e.UID = e.Who.UID
		e.Line = line(&e, when, m.rng.Uint32N(65536), m.rng.Uint32N(1e6))
		out = append(out, e)
	}
	m.events = append(m.events, out...)
	return out
}

func line(e *outbound.Event, when time.Time, id, micros uint32) []byte {
	user := fmt.Sprintf("UID=%d GID=%d ", e.UID, e.GID)
	if e.UID == outbound.NoUID {
		user = ""
	}
	return fmt.Appendf(nil, "%s web01 kernel: [%5d.%06d] CSF-OUTBOUND:%s:=:IN= OUT=eth0 SRC=%s DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=%d DF PROTO=TCP SPT=%d DPT=%d WINDOW=64240 RES=0x00 SYN URGP=0 %s",
		when.Format(time.Stamp), when.Unix()%100000, micros, e.Rule, e.Src, kernelAddr(e.Dst), id, e.SrcPort, e.DstPort, user)
}

func kernelAddr(a netip.Addr) string {
	if a.Is4() {
		return a.String()
	}
	return a.StringExpanded()
}

// find answers a query as the store should.
func (m *model) find(scope outbound.Scope, q outbound.Query) []outbound.Event {
	var out []outbound.Event
	for _, e := range m.events {
		if matches(e, scope, q) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b outbound.Event) int { return a.Time.Compare(b.Time) })
	if !q.OldestFirst {
		slices.Reverse(out)
	}
	return out
}

func matches(e outbound.Event, scope outbound.Scope, q outbound.Query) bool {
	ok := scope.Sees(e.Who, e.Time)
	ok = ok && (!q.Dst.IsValid() || q.Dst.Contains(e.Dst))
	ok = ok && (q.Account == "" || q.Account == e.Who.User)
	ok = ok && (q.UID == nil || *q.UID == e.UID)
	ok = ok && (q.Instance == nil || *q.Instance == e.Who.Instance)
	ok = ok && (q.SrcPort == 0 || q.SrcPort == e.SrcPort) && (q.DstPort == 0 || q.DstPort == e.DstPort)
	ok = ok && (q.Rule == "" || q.Rule == e.Rule)
	return ok && (q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until))
}

// query makes a question at random, mostly about what is there.
func (m *model) query() (outbound.Scope, outbound.Query) {
	q := outbound.Query{OldestFirst: m.rng.IntN(2) == 0}
	some := m.events[m.rng.IntN(len(m.events))]
	if m.rng.IntN(3) == 0 {
		bits := some.Dst.BitLen() - m.rng.IntN(2)*m.rng.IntN(10)
		q.Dst = netip.PrefixFrom(some.Dst, bits).Masked()
	}
	if m.rng.IntN(4) == 0 {
		q.Account = some.Who.User
	}
	if m.rng.IntN(8) == 0 {
		q.UID = &some.UID
	}
	if m.rng.IntN(8) == 0 {
		q.Instance = &some.Who.Instance
	}
	if m.rng.IntN(6) == 0 {
		q.SrcPort = some.SrcPort
	}
	if m.rng.IntN(6) == 0 {
		q.DstPort = some.DstPort
	}
	if m.rng.IntN(8) == 0 {
		q.Rule = some.Rule
	}
	if m.rng.IntN(2) == 0 {
		q.Since = some.Time.Add(-time.Duration(m.rng.IntN(7200)) * time.Second)
	}
	if m.rng.IntN(2) == 0 {
		q.Until = some.Time.Add(time.Duration(m.rng.IntN(7200)) * time.Second)
	}
	scope := outbound.Everything()
	if m.rng.IntN(3) == 0 {
		var grants []outbound.Grant
		for range m.rng.IntN(6) {
			w := m.whos[m.rng.IntN(len(m.whos))]
			grants = append(grants, outbound.Grant{Instance: w.Instance, From: some.Time.Add(time.Duration(m.rng.IntN(7200)-3600) * time.Second)})
		}
		scope = outbound.Only(grants...)
	}
	return scope, q
}

// same compares as much of the events as the store keeps. Events of one second
// may stand in any order among themselves where batches overlap.
func same(t *testing.T, got, want []outbound.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
	for i := range got {
		if !got[i].Time.Equal(want[i].Time) {
			t.Fatalf("event %d is of %v, want %v", i, got[i].Time, want[i].Time)
		}
	}
	have, should := texts(got), texts(want)
	for i := range have {
		if have[i] != should[i] {
			t.Fatalf("event %d is\n%s, want\n%s", i, have[i], should[i])
		}
	}
}

// texts gives all that the store keeps of each event, sorted.
func texts(events []outbound.Event) []string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = fmt.Sprint(e.Time.UnixMicro(), *e.Who, e.UID, e.GID, e.Src, e.Dst, e.SrcPort, e.DstPort, e.Proto, e.Rule, e.Witness, e.Basis) + string(e.Line)
	}
	slices.Sort(all)
	return all
}

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{Dir: dir, Now: func() time.Time { return time.Date(2026, 11, 8, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func collect(t *testing.T, s *store.Store, scope outbound.Scope, q outbound.Query) []outbound.Event {
	t.Helper()
	var out []outbound.Event
	err := s.Walk(context.Background(), scope, q, func(e *outbound.Event) error {
		kept := *e
		kept.Line = slices.Clone(e.Line)
		out = append(out, kept)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnswersEqualTheModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	m := newModel(t, seed)
	dir := t.TempDir()
	s := open(t, dir)
	start := time.Date(2026, 11, 3, 20, 0, 0, 0, time.UTC)
	for i := range 14 {
		// Every third batch goes back in time, as an import of old logs does.
		from := start.Add(time.Duration(i) * 4 * time.Hour)
		if i%3 == 2 {
			from = start.Add(time.Duration(m.rng.IntN(30)) * time.Hour)
		}
		for _, n := range []int{1, 7, m.rng.IntN(1000), m.rng.IntN(5000)} {
			if err := s.Append(outbound.Batch{Events: m.make(n, from, 3*time.Second)}); err != nil {
				t.Fatal(err)
			}
		}
		if i%4 == 3 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
		}
	}
	for i := range 80 {
		scope, q := m.query()
		if i%4 == 0 { // what a ranking asks, which the index answers
			scope, q = outbound.Everything(), outbound.Query{Since: q.Since, Until: q.Until}
		}
		want := m.find(scope, q)
		same(t, collect(t, s, scope, q), want)
		pages(t, s, scope, q, want, 1+m.rng.IntN(1+len(want)))
		groups(t, s, scope, q, want)
		if t.Failed() {
			t.Fatalf("query %+v, scope %+v", q, scope)
		}
	}
	extent(t, s, m)
}

// pages reads the answer page by page.
func pages(t *testing.T, s *store.Store, scope outbound.Scope, q outbound.Query, want []outbound.Event, limit int) {
	t.Helper()
	q.Limit = max(limit, len(want)/20+1)
	var got []outbound.Event
	for {
		p, err := s.Events(context.Background(), scope, q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.Events...)
		if p.Next == "" {
			break
		}
		if len(p.Events) != q.Limit {
			t.Fatalf("a page of %d, want %d", len(p.Events), q.Limit)
		}
		q.Cursor = p.Next
	}
	same(t, got, want)
}

func groups(t *testing.T, s *store.Store, scope outbound.Scope, q outbound.Query, want []outbound.Event) {
	t.Helper()
	got, err := s.Groups(context.Background(), scope, q, outbound.ByDst, 0)
	if err != nil {
		t.Fatal(err)
	}
	type sum struct {
		n           int
		first, last time.Time
	}
	top, err := s.Groups(context.Background(), scope, q, outbound.ByDst, 7)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(top, got[:min(7, len(got))]) {
		t.Errorf("the first 7 groups are\n%+v, want\n%+v", top, got[:min(7, len(got))])
	}
	people(t, s, scope, q)
	counts := map[string]sum{}
	for _, e := range want {
		c := counts[e.Dst.String()]
		if c.n == 0 || e.Time.Before(c.first) {
			c.first = e.Time
		}
		if c.n == 0 || e.Time.After(c.last) {
			c.last = e.Time
		}
		c.n++
		counts[e.Dst.String()] = c
	}
	if len(got) != len(counts) {
		t.Errorf("%d groups, want %d", len(got), len(counts))
	}
	for i, g := range got {
		c := counts[g.Key]
		if g.Events != c.n || !g.First.Equal(c.first) || !g.Last.Equal(c.last) {
			t.Errorf("group %+v, want %+v", g, c)
		}
		if i > 0 && g.Events > got[i-1].Events {
			t.Errorf("group %d is larger than the one before", i)
		}
	}
}

// people compares the ranking of accounts by the index with the one by rows.
func people(t *testing.T, s *store.Store, scope outbound.Scope, q outbound.Query) {
	t.Helper()
	all, err := s.Groups(context.Background(), scope, q, outbound.ByAccount, 0)
	if err != nil {
		t.Fatal(err)
	}
	top, err := s.Groups(context.Background(), scope, q, outbound.ByAccount, 50)
	if err != nil || !reflect.DeepEqual(top, all) {
		t.Errorf("accounts are\n%+v, %v, want\n%+v", top, err, all)
	}
}

func extent(t *testing.T, s *store.Store, m *model) {
	t.Helper()
	x, err := s.Extent(context.Background(), outbound.Everything())
	if err != nil {
		t.Fatal(err)
	}
	all := m.find(outbound.Everything(), outbound.Query{OldestFirst: true})
	if x.Events != len(all) || !x.First.Equal(all[0].Time) || !x.Last.Equal(all[len(all)-1].Time) {
		t.Errorf("extent %+v of %d events from %v to %v", x, len(all), all[0].Time, all[len(all)-1].Time)
	}
}
