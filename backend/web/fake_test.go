package web_test

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// model is a Reader over a slice. It is written from the words of the Reader
// interface and of Query, filters event by event, and shares nothing with any
// store: what it answers is what a store should.
type model struct {
	// events stand in the order in which they were stored.
	events   []outbound.Event
	coverage outbound.Coverage
}

// picked gives the events that s and q select, in q's order.
func (m *model) picked(s outbound.Scope, q outbound.Query) []outbound.Event {
	var all []outbound.Event
	for _, e := range m.events {
		if s.Sees(e.Who, e.Time) && selects(q, e) {
			e.Line = slices.Clone(e.Line)
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b outbound.Event) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	if !q.OldestFirst {
		slices.Reverse(all)
	}
	return all
}

func selects(q outbound.Query, e outbound.Event) bool {
	within := func(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || p.Contains(a) }
	named := e.Who != nil && e.Who.Kind != outbound.Unattributed && e.Who.Attribution != outbound.Unknown
	return within(q.Dst, e.Dst) && within(q.Src, e.Src) &&
		(q.Account == "" || named && e.Who.User == q.Account) &&
		(q.Instance == nil || named && e.Who.Instance == *q.Instance) &&
		(q.UID == nil || *q.UID == e.UID) &&
		(q.DstPort == 0 || q.DstPort == e.DstPort) && (q.SrcPort == 0 || q.SrcPort == e.SrcPort) &&
		(q.Rule == "" || q.Rule == e.Rule) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until))
}

// mark binds a cursor to its scope and query.
func mark(s outbound.Scope, q outbound.Query) string {
	h := fnv.New64a()
	q.Limit, q.Cursor = 0, ""
	uid, instance := "", ""
	if q.UID != nil {
		uid = fmt.Sprint(*q.UID)
	}
	if q.Instance != nil {
		instance = fmt.Sprint(*q.Instance)
	}
	q.UID, q.Instance = nil, nil
	fmt.Fprint(h, s, q, uid, instance)
	return fmt.Sprintf("%016x", h.Sum64())
}

// position reads a cursor that mark bound.
func position(s outbound.Scope, q outbound.Query, cursor string) (int, error) {
	at, ok := strings.CutPrefix(cursor, mark(s, q)+"-")
	n, err := strconv.Atoi(at)
	if !ok || err != nil || n < 0 {
		return 0, &outbound.Error{Code: outbound.Invalid, Message: "the cursor is not of this question"}
	}
	return n, nil
}

func (m *model) Events(ctx context.Context, s outbound.Scope, q outbound.Query) (outbound.Page, error) {
	all, from := m.picked(s, q), 0
	if q.Cursor != "" {
		n, err := position(s, q, q.Cursor)
		if err != nil {
			return outbound.Page{}, err
		}
		from = min(n, len(all))
	}
	to := min(from+q.Limit, len(all))
	page := outbound.Page{Events: all[from:to]}
	if to < len(all) {
		page.Next = mark(s, q) + "-" + strconv.Itoa(to)
	}
	return page, ctx.Err()
}

func (m *model) Walk(ctx context.Context, s outbound.Scope, q outbound.Query, f func(*outbound.Event) error) error {
	for _, e := range m.picked(s, q) {
		if err := f(&e); err != nil {
			return err
		}
		clear(e.Line) // valid until f returns, and no longer
	}
	return ctx.Err()
}

func (m *model) Groups(ctx context.Context, s outbound.Scope, q outbound.Query, by outbound.GroupBy, limit int) ([]outbound.Group, error) {
	q.OldestFirst = true
	index, all := map[string]int{}, []outbound.Group{}
	for _, e := range m.picked(s, q) {
		key, unique := groupKey(&e, by)
		i, ok := index[unique]
		if !ok {
			i = len(all)
			index[unique] = i
			g := outbound.Group{Key: key, First: e.Time}
			if by == outbound.ByAccount {
				g.Who = e.Who
			}
			all = append(all, g)
		}
		all[i].Events++
		all[i].Last = e.Time
	}
	slices.SortStableFunc(all, func(a, b outbound.Group) int {
		if by == outbound.ByHour {
			return cmp.Compare(a.Key, b.Key)
		}
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Key, b.Key))
	})
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return all, ctx.Err()
}

// groupKey gives a group's key, and what makes it one group: two lives of a
// login name are two.
func groupKey(e *outbound.Event, by outbound.GroupBy) (key, unique string) {
	switch by {
	case outbound.ByAccount:
		if w := e.Who; w != nil && w.Kind != outbound.Unattributed && w.Attribution != outbound.Unknown {
			return string(w.User), fmt.Sprint(w.Kind, w.Instance, w.User)
		}
		key = "uid " + strconv.FormatUint(uint64(e.UID), 10)
	case outbound.ByDst:
		key = e.Dst.String()
	case outbound.ByPort:
		key = strconv.Itoa(int(e.DstPort))
	default:
		key = e.Time.UTC().Truncate(time.Hour).Format(time.RFC3339)
	}
	return key, key
}

func (m *model) Histogram(ctx context.Context, s outbound.Scope, q outbound.Query, step time.Duration) ([]outbound.Bucket, error) {
	q.OldestFirst = true
	var all []outbound.Bucket
	for _, e := range m.picked(s, q) {
		from := q.Since.Add(e.Time.Sub(q.Since).Truncate(step))
		if len(all) == 0 || !all[len(all)-1].From.Equal(from) {
			all = append(all, outbound.Bucket{From: from, Ports: map[string]int{}})
		}
		group := strconv.Itoa(int(e.DstPort))
		if !slices.Contains([]string{"22", "21", "80", "443"}, group) {
			group = "other"
		}
		all[len(all)-1].Ports[group]++
	}
	return all, ctx.Err()
}

// After counts positions within the scope, so that a cursor tells nothing of
// others' events.
func (m *model) After(ctx context.Context, s outbound.Scope, q outbound.Query, cursor string) (outbound.Page, error) {
	var all []outbound.Event
	for _, e := range m.events {
		if s.Sees(e.Who, e.Time) && selects(q, e) {
			all = append(all, e)
		}
	}
	from := len(all)
	if cursor != "" {
		n, err := position(s, q, cursor)
		if err != nil {
			return outbound.Page{}, err
		}
		from = min(n, len(all))
	}
	to := min(from+q.Limit, len(all))
	return outbound.Page{Events: all[from:to], Next: mark(s, q) + "-" + strconv.Itoa(to)}, ctx.Err()
}

func (m *model) Extent(ctx context.Context, s outbound.Scope) (outbound.Extent, error) {
	all := m.picked(s, outbound.Query{OldestFirst: true})
	x := outbound.Extent{Events: len(all)}
	if len(all) > 0 {
		x.First, x.Last = &all[0].Time, &all[len(all)-1].Time
	}
	return x, ctx.Err()
}

func (m *model) Coverage(context.Context, outbound.Scope, outbound.Query) (outbound.Coverage, error) {
	return m.coverage, nil
}

// Who stands for match.Who, which this room does not know: it lists and
// counts the events, and its verdict is a rough one.
func (m *model) Who(ctx context.Context, s outbound.Scope, q outbound.Question) (outbound.WhoDoc, error) {
	doc := outbound.WhoDoc{
		Schema: outbound.SchemaWho, Verdict: outbound.None, Coverage: m.coverage, Accounts: []outbound.WhoAccount{},
		SystemUsers: []outbound.WhoSystem{}, Unverified: []outbound.WhoAccount{}, Events: []outbound.EventDoc{},
	}
	if q.Prefix.IsValid() {
		doc.Query.Address = new(q.Prefix.String())
	}
	if q.Host != "" {
		doc.Query.Host = &q.Host
	}
	if !q.At.IsZero() {
		doc.Query.At, doc.Query.WindowS = &q.At, int(q.Window/time.Second)
	}
	index := map[string]int{}
	for _, e := range m.picked(s, q.Query()) {
		d := e.Doc(q.Mask)
		if q.Limit == 0 || len(doc.Events) < q.Limit {
			doc.Events = append(doc.Events, d)
		}
		key := fmt.Sprint(e.UID)
		if e.Who != nil {
			key += fmt.Sprint(*e.Who)
		}
		i, ok := index[key]
		if !ok {
			i = len(doc.Accounts)
			index[key] = i
			a := outbound.WhoAccount{Account: d.Account, UID: d.UID, First: d.Time, Witness: d.Witness, Attribution: d.Attribution}
			if d.Owner != nil {
				a.Owner, a.Domain = *d.Owner, e.Who.Domain
			}
			doc.Accounts = append(doc.Accounts, a)
		}
		doc.Accounts[i].Events++
		doc.Accounts[i].Last = d.Time
		doc.Verdict = []outbound.Verdict{outbound.Identified, outbound.Candidates}[min(1, len(doc.Accounts)-1)]
	}
	return doc, ctx.Err()
}

// people is a Directory.
type people struct {
	scopes map[outbound.Username]outbound.Scope
	lives  map[outbound.Username][]outbound.Life
	err    error
}

func (p *people) Scope(viewer outbound.Username) (outbound.Scope, error) {
	if p.err != nil {
		return outbound.Scope{}, p.err
	}
	s, ok := p.scopes[viewer]
	if !ok {
		return outbound.Scope{}, &outbound.Error{Code: outbound.NotPermitted, Message: string(viewer) + " has no ACL of ours"}
	}
	return s, nil
}

func (p *people) Lives(name outbound.Username) []outbound.Life { return p.lives[name] }

func (p *people) About(user outbound.Username) string { return string(user) + " is a system user" }

// inbox is an Importer that remembers what came.
type inbox struct {
	spec outbound.ImportSpec
	text string
}

func (i *inbox) Import(_ context.Context, r io.Reader, spec outbound.ImportSpec) (outbound.ImportDoc, error) {
	body, err := io.ReadAll(r)
	i.spec, i.text = spec, string(body)
	return outbound.ImportDoc{Lines: outbound.Counts{Read: strings.Count(i.text, "\n")}}, err
}

// gauge is a Monitor.
type gauge struct{ doc outbound.StatusDoc }

func (g gauge) Status(context.Context) (outbound.StatusDoc, error) { return g.doc, nil }
