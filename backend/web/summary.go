package web

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// summaryTargets is how many targets a day names for each account.
const summaryTargets = 5

type summaryParams struct {
	Day string `query:"day" validate:"omitempty,len=10"`
	TZ  string `query:"tz" validate:"max=64"`
}

// summary answers what one day held; without a day, today so far.
func (s *Server) summary(c echo.Context) error {
	var p summaryParams
	if err := s.params.decode(c, &p); err != nil {
		return err
	}
	t, err := s.params.times(p.TZ)
	if err != nil {
		return err
	}
	day := t.now.In(t.zone)
	if p.Day != "" {
		if day, err = time.ParseInLocation(time.DateOnly, p.Day, t.zone); err != nil || day.Year() < 1970 || day.Year() > 2199 {
			return wrong("day", p.Day, "not a day; days look like 2026-11-05")
		}
	}
	q := outbound.Query{
		Since: time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, t.zone).UTC(),
		Until: time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, t.zone).UTC(),
	}
	counts := newDayCounts()
	err = s.opts.Reader.Walk(c.Request().Context(), viewerOf(c).Scope, q, func(e *outbound.Event) error {
		counts.take(e)
		return nil
	})
	if err != nil {
		return err
	}
	doc := counts.doc(day.Format(time.DateOnly))
	if doc.Coverage, err = s.coverage(c, q); err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, doc)
}

// pair is one account's target. Without a pointer in it, a day of many
// targets is nothing that the garbage collector must walk.
type pair struct {
	user int32
	port uint16
	v4   bool
	addr [16]byte
}

// dayUser is one account instance, system user or nobody.
type dayUser struct {
	who    outbound.Who
	uid    outbound.UID
	events int
	ports  map[string]int
	pairs  []targetCount
	dsts   int
}

type targetCount struct {
	pair
	events int
}

// dayCounts counts a day in one walk. Its memory is bounded by the distinct
// targets of each user.
type dayCounts struct {
	index map[dayKey]int32
	users []*dayUser
	pairs map[pair]int
	lost  int // unattributed
	all   int
}

type dayKey struct {
	kind outbound.Kind
	outbound.Instance
	user outbound.Username
}

func newDayCounts() *dayCounts {
	return &dayCounts{index: map[dayKey]int32{}, pairs: map[pair]int{}}
}

func (d *dayCounts) take(e *outbound.Event) {
	d.all++
	w := e.Who
	if w == nil || w.Kind == outbound.Unattributed || w.Kind == outbound.CPanelAccount && w.Attribution == outbound.Unknown {
		d.lost++
		return
	}
	key := dayKey{w.Kind, w.Instance, w.User}
	i, ok := d.index[key]
	if !ok {
		i = int32(len(d.users))
		d.index[key] = i
		d.users = append(d.users, &dayUser{who: *w, uid: e.UID, ports: map[string]int{"22": 0, "21": 0, "80": 0, "443": 0}})
	}
	u := d.users[i]
	u.events++
	if w.Kind != outbound.CPanelAccount {
		return
	}
	u.ports[portGroup(e.DstPort)]++
	d.pairs[pair{user: i, port: e.DstPort, v4: e.Dst.Is4(), addr: e.Dst.As16()}]++
}

// portGroup gives the article's groups, and "other".
func portGroup(port uint16) string {
	switch port {
	case 22, 21, 80, 443:
		return strconv.Itoa(int(port))
	}
	return "other"
}

// deal hands each user its targets, ordered by address, so that ports of one
// address stand together.
func (d *dayCounts) deal() {
	for p, n := range d.pairs {
		d.users[p.user].pairs = append(d.users[p.user].pairs, targetCount{p, n})
	}
	for _, u := range d.users {
		slices.SortFunc(u.pairs, func(a, b targetCount) int {
			return cmp.Or(slices.Compare(a.addr[:], b.addr[:]), cmp.Compare(a.port, b.port))
		})
		for i, p := range u.pairs {
			if i == 0 || p.addr != u.pairs[i-1].addr {
				u.dsts++
			}
		}
		slices.SortStableFunc(u.pairs, func(a, b targetCount) int { return cmp.Compare(b.events, a.events) })
	}
}

func (d *dayCounts) doc(day string) outbound.SummaryDoc {
	d.deal()
	doc := outbound.SummaryDoc{
		Schema: outbound.SchemaSummary, Day: day, Events: d.all, Unattributed: d.lost,
		Accounts: []outbound.SummaryAccount{}, SystemUsers: []outbound.SummaryUser{},
	}
	slices.SortFunc(d.users, func(a, b *dayUser) int {
		return cmp.Or(cmp.Compare(b.events, a.events), cmp.Compare(a.who.User, b.who.User), cmp.Compare(a.who.Begin, b.who.Begin))
	})
	for _, u := range d.users {
		if u.who.Kind == outbound.SystemUser {
			doc.SystemUsers = append(doc.SystemUsers, outbound.SummaryUser{User: string(u.who.User), UID: uint32(u.uid), Events: u.events})
			continue
		}
		doc.Accounts = append(doc.Accounts, outbound.SummaryAccount{
			Account: string(u.who.User), UID: uint32(u.uid), Owner: string(u.who.Owner), Events: u.events, Targets: u.dsts,
			Ports: u.ports, TopTargets: topTargets(u.pairs),
		})
	}
	return doc
}

func topTargets(pairs []targetCount) []outbound.SummaryTarget {
	all := []outbound.SummaryTarget{}
	for _, p := range pairs[:min(len(pairs), summaryTargets)] {
		addr := netip.AddrFrom16(p.addr)
		if p.v4 {
			addr = addr.Unmap()
		}
		all = append(all, outbound.SummaryTarget{Dst: addr.String(), DstPort: p.port, Events: p.events})
	}
	return all
}
