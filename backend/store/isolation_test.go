package store_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// asks are all methods that take a scope; each answer is told as text.
func asks(t *testing.T, s *store.Store, scope outbound.Scope, q outbound.Query) map[string]string {
	t.Helper()
	ctx := t.Context()
	all := map[string]string{}
	say := func(name string, x any, err error) {
		if err != nil {
			x = err
		}
		all[name] = fmt.Sprintf("%+v", x)
	}
	var walked []string
	err := s.Walk(ctx, scope, q, func(e *outbound.Event) error {
		walked = append(walked, fmt.Sprint(e.ID, texts([]outbound.Event{*e})))
		return nil
	})
	say("Walk", walked, err)
	q.Limit = 7
	var pages [][]string
	for {
		p, err := s.Events(ctx, scope, q)
		if err != nil {
			say("Events", nil, err)
			break
		}
		pages = append(pages, texts(p.Events))
		if q.Cursor = p.Next; p.Next == "" {
			say("Events", pages, nil)
			break
		}
	}
	q.Cursor = ""
	for _, by := range []outbound.GroupBy{outbound.ByAccount, outbound.ByDst, outbound.ByPort, outbound.ByHour} {
		for _, limit := range []int{0, 3} {
			groups, err := s.Groups(ctx, scope, q, by, limit)
			var text []string
			for _, g := range groups {
				text = append(text, fmt.Sprint(g.Key, g.Who, g.Events, g.First, g.Last))
			}
			say(fmt.Sprint("Groups by ", by, " to ", limit), text, err)
		}
	}
	chart := q
	chart.Since, chart.Until = day, day.Add(48*time.Hour)
	buckets, err := s.Histogram(ctx, scope, chart, time.Hour)
	say("Histogram", buckets, err)
	x, err := s.Extent(ctx, scope)
	first, last := time.Time{}, time.Time{}
	if x.First != nil {
		first, last = *x.First, *x.Last
	}
	say("Extent", fmt.Sprint(x.Events, first, last), err)
	return all
}

func TestZeroScopeSeesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	m := newModel(t, 21)
	appendOK(t, s, followed(m, 5000, day, 10*time.Second, 1, 0))
	empty := open(t, t.TempDir())
	for name, scope := range map[string]outbound.Scope{
		"the zero scope":                    {},
		"no grants":                         outbound.Only(),
		"a grant of a system user":          outbound.Only(outbound.Grant{Instance: m.whos[5].Instance}),
		"a grant of nobody":                 outbound.Only(outbound.Grant{Instance: outbound.Instance{UID: outbound.NoUID}}),
		"a grant of the UID's other life":   outbound.Only(outbound.Grant{Instance: outbound.Instance{UID: 1002, Begin: 77}}),
		"a grant that begins after the end": outbound.Only(outbound.Grant{Instance: m.whos[4].Instance, From: day.Add(1000 * time.Hour)}),
	} {
		for _, q := range []outbound.Query{{}, {OldestFirst: true}, {Account: "user4"}, {Dst: netip.MustParsePrefix("203.0.113.0/24")}, {UID: &m.whos[4].UID}} {
			t.Run(fmt.Sprintf("%s %+v", name, q), func(t *testing.T) {
				if got, want := asks(t, s, scope, q), asks(t, empty, scope, q); !reflect.DeepEqual(got, want) {
					t.Errorf("answers\n%v, an empty store\n%v", got, want)
				}
				if p := follow(t, s, scope, q, ""); len(p.Events) != 0 {
					t.Errorf("After gives %d events", len(p.Events))
				}
			})
		}
	}
	if len(asks(t, s, outbound.Everything(), outbound.Query{})["Walk"]) < 10_000 {
		t.Error("root sees nothing either: the test tells nothing")
	}
}

func follow(t *testing.T, s *store.Store, scope outbound.Scope, q outbound.Query, cursor string) outbound.Page {
	t.Helper()
	p, err := s.After(t.Context(), scope, q, cursor)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOthersRowsChangeNoAnswer puts the same questions to a store of all rows
// and to one that has the reseller's alone.
func TestOthersRowsChangeNoAnswer(t *testing.T) {
	m := newModel(t, 22)
	grants := []outbound.Grant{
		{Instance: m.whos[4].Instance, From: day.Add(5 * time.Hour)}, {Instance: m.whos[9].Instance}, {Instance: m.whos[11].Instance, From: day.Add(time.Hour + time.Nanosecond)},
	}
	scope := outbound.Only(grants...)
	full, own := openKeyed(t), openKeyed(t)
	fullAt, ownAt := follow(t, full, scope, outbound.Query{}, "").Next, follow(t, own, scope, outbound.Query{}, "").Next
	for i := range 12 {
		events := m.make(2000, day.Add(time.Duration(i)*2*time.Hour), 7*time.Second)
		var hers []outbound.Event
		for _, e := range events {
			if scope.Sees(e.Who, e.Time) {
				hers = append(hers, e)
			}
		}
		appendOK(t, full, outbound.Batch{Events: events, To: position(1, 0)})
		appendOK(t, own, outbound.Batch{Events: hers, To: position(1, 0)})
		a, b := follow(t, full, scope, outbound.Query{}, fullAt), follow(t, own, scope, outbound.Query{}, ownAt)
		if fullAt, ownAt = a.Next, b.Next; !reflect.DeepEqual(texts(a.Events), texts(b.Events)) || len(a.Events) == 0 {
			t.Fatalf("After gives %d events, without the others' rows %d", len(a.Events), len(b.Events))
		}
	}
	for range 40 {
		_, q := m.query()
		got, want := asks(t, full, scope, q), asks(t, own, scope, q)
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%+v: %s answers\n%.500s\nwithout the others' rows\n%.500s", q, name, got[name], want[name])
			}
		}
	}
}

// openKeyed opens a new store with a key that is always the same, so that event
// IDs can be compared.
func openKeyed(t *testing.T) *store.Store {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "store.key"), []byte("key of stores that are compared."), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

// TestLiveCursorTellsNothingOfOthers lets others connect while a reseller
// follows: his cursor does not even move.
func TestLiveCursorTellsNothingOfOthers(t *testing.T) {
	s := open(t, t.TempDir())
	m := newModel(t, 23)
	scope := outbound.Only(outbound.Grant{Instance: m.whos[4].Instance})
	var others, hers []outbound.Event
	for _, e := range m.make(1000, day, time.Second) {
		if scope.Sees(e.Who, e.Time) {
			hers = append(hers, e)
		} else {
			others = append(others, e)
		}
	}
	before := follow(t, s, scope, outbound.Query{}, "").Next
	appendOK(t, s, outbound.Batch{Events: others, To: position(1, 0)})
	if at := follow(t, s, scope, outbound.Query{}, before).Next; at != before {
		t.Error("others' events move the cursor")
	}
	if at := follow(t, s, scope, outbound.Query{}, "").Next; at != before {
		t.Error("others' events move now")
	}
	appendOK(t, s, outbound.Batch{Events: hers, To: position(1, 0)})
	if p := follow(t, s, scope, outbound.Query{}, before); len(p.Events) != len(hers) || p.Next == before {
		t.Errorf("%d events, want %d", len(p.Events), len(hers))
	}
}

// refused reports whether an error says that a cursor is not for this search.
func refused(err error) bool {
	var e *outbound.Error
	return errors.As(err, &e) && e.Code == outbound.Invalid
}

func TestCursorServesItsScopeAndSearchAlone(t *testing.T) {
	s := open(t, t.TempDir())
	m := newModel(t, 24)
	mine := outbound.Only(outbound.Grant{Instance: m.whos[4].Instance})
	q := outbound.Query{Limit: 3, Since: day}
	live := follow(t, s, mine, q, "").Next
	appendOK(t, s, followed(m, 5000, day, time.Second, 1, 0))
	page, err := s.Events(t.Context(), mine, q)
	if err != nil || page.Next == "" {
		t.Fatal(page.Next, err)
	}
	changed := func(f func(*outbound.Query)) outbound.Query {
		other := q
		f(&other)
		return other
	}
	uid := outbound.UID(1002)
	for name, c := range map[string]struct {
		scope outbound.Scope
		q     outbound.Query
	}{
		"root":                      {outbound.Everything(), q},
		"another reseller":          {outbound.Only(outbound.Grant{Instance: m.whos[9].Instance}), q},
		"the same with more":        {outbound.Only(outbound.Grant{Instance: m.whos[4].Instance}, outbound.Grant{Instance: m.whos[9].Instance}), q},
		"the same from a time on":   {outbound.Only(outbound.Grant{Instance: m.whos[4].Instance, From: day}), q},
		"nobody":                    {outbound.Scope{}, q},
		"another account":           {mine, changed(func(q *outbound.Query) { q.Account = "user4" })},
		"another UID":               {mine, changed(func(q *outbound.Query) { q.UID = &uid })},
		"another instance":          {mine, changed(func(q *outbound.Query) { q.Instance = &m.whos[4].Instance })},
		"another remote address":    {mine, changed(func(q *outbound.Query) { q.Dst = netip.MustParsePrefix("203.0.113.0/24") })},
		"another address of ours":   {mine, changed(func(q *outbound.Query) { q.Src = netip.MustParsePrefix("192.0.2.0/24") })},
		"another port":              {mine, changed(func(q *outbound.Query) { q.DstPort = 22 })},
		"another source port":       {mine, changed(func(q *outbound.Query) { q.SrcPort = 22 })},
		"another rule":              {mine, changed(func(q *outbound.Query) { q.Rule = "22" })},
		"another beginning":         {mine, changed(func(q *outbound.Query) { q.Since = day.Add(1) })},
		"another beginning by 1 us": {mine, changed(func(q *outbound.Query) { q.Since = day.Add(time.Microsecond) })},
		"another end":               {mine, changed(func(q *outbound.Query) { q.Until = day.Add(time.Hour) })},
	} {
		t.Run(name, func(t *testing.T) {
			paged := c.q
			paged.Cursor = page.Next
			if _, err := s.Events(t.Context(), c.scope, paged); !refused(err) {
				t.Errorf("a page's cursor: %v", err)
			}
			if _, err := s.After(t.Context(), c.scope, c.q, live); !refused(err) {
				t.Errorf("a live cursor: %v", err)
			}
		})
	}
	turned := q
	turned.OldestFirst, turned.Cursor = true, page.Next
	if _, err := s.Events(t.Context(), mine, turned); !refused(err) {
		t.Errorf("the other order: %v", err)
	}
	if _, err := s.After(t.Context(), mine, q, page.Next); !refused(err) {
		t.Errorf("a page's cursor as a live one: %v", err)
	}
	elsewhere := open(t, t.TempDir())
	q.Cursor = page.Next
	if _, err := elsewhere.Events(t.Context(), mine, q); !refused(err) {
		t.Errorf("another server's cursor: %v", err)
	}
	if _, err := s.Events(t.Context(), mine, q); err != nil {
		t.Errorf("its own: %v", err)
	}
}

// TestMutatedCursorsGiveNothingForeign changes cursors 10,000 times.
func TestMutatedCursorsGiveNothingForeign(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	s := open(t, t.TempDir())
	m := newModel(t, 25)
	scope := outbound.Only(outbound.Grant{Instance: m.whos[4].Instance, From: day.Add(time.Hour)})
	live := follow(t, s, scope, outbound.Query{}, "").Next
	appendOK(t, s, followed(m, 6000, day, 2*time.Second, 1, 0))
	q := outbound.Query{Limit: 5}
	page, err := s.Events(t.Context(), scope, q)
	if err != nil || page.Next == "" {
		t.Fatal(page.Next, err)
	}
	accepted := 0
	for range 5000 {
		q.Cursor = mutate(rng, page.Next)
		for _, ask := range []func() (outbound.Page, error){
			func() (outbound.Page, error) { return s.Events(t.Context(), scope, q) },
			func() (outbound.Page, error) { return s.After(t.Context(), scope, outbound.Query{}, mutate(rng, live)) },
		} {
			p, err := ask()
			if err != nil && !refused(err) {
				t.Fatalf("cursor %q: %v", q.Cursor, err)
			}
			if err == nil {
				accepted++
			}
			for _, e := range p.Events {
				if !scope.Sees(e.Who, e.Time) {
					t.Fatalf("cursor %q shows %+v", q.Cursor, e)
				}
			}
		}
	}
	// A mutation can take itself back, or empty the live cursor.
	if accepted > 50 {
		t.Errorf("%d of 10,000 mutated cursors were accepted", accepted)
	}
}

func mutate(rng *rand.Rand, cursor string) string {
	b := []byte(cursor)
	if raw, err := base64.RawURLEncoding.DecodeString(cursor); err == nil && rng.IntN(2) == 0 {
		raw[rng.IntN(len(raw))] ^= 1 << rng.IntN(8)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	for range 1 + rng.IntN(3) {
		switch i := rng.IntN(len(b)); rng.IntN(4) {
		case 0:
			b[i] ^= 1 << rng.IntN(8)
		case 1:
			b = append(b[:i:i], b[i+1:]...)
		case 2:
			b = append(b[:i:i], append([]byte{"AZaz09-_=\x00 "[rng.IntN(11)]}, b[i:]...)...)
		default:
			b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
		}
		if len(b) == 0 {
			return "x"
		}
	}
	return string(b)
}
