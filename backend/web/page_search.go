package web

import (
	"net/url"
	"slices"
	"strconv"

	"outboundmonitor/backend/outbound"
)

const (
	pageLimit    = 100 // rows of a page where nothing else is asked
	pageLimitMax = 1000
	// pageTrail is how many bytes the way back may take: the cursors of the
	// pages passed stand in the address, which is bounded.
	pageTrail = 2048
)

// pageSearch is the search: filters, and rows or groups.
type pageSearch struct {
	Form     pageForm
	Inputs   []pageInput
	More     []pageInput
	MoreOpen bool
	Reset    string
	Chips    []pageChoice
	Groups   []pageChoice
	Problem  *outbound.Error

	Count    string
	Coverage pageCoverage
	Account  *pageChoice
	Table    pageTable
	Grouped  []pageGroupRow
	GroupBy  string
	// Zone is that of the groups' times; AllGroups leads to those left out.
	Zone, AllGroups string
	ByHour          bool
	Folded          bool
	Older           string
	Newer           string
	Newest          string
	Order           pageChoice
	Download        []pageChoice
	Command         string
	Empty           *pageEmpty
}

func (q *pageRequest) search() (pageAnswer, error) {
	a := pageAnswer{template: "search", title: "Search"}
	query, state, moved, err := q.filters()
	more := pageWith(nil, "group_by", q.get("group_by"), "order", q.get("order"), "limit", q.get("limit"))
	if moved {
		a.redirect = q.links.to("/search", pageMerge(state, more))
		return a, nil
	}
	s := pageSearch{
		Form: q.links.form("/search", more), Inputs: q.inputs(false), More: q.inputs(true), Reset: q.links.to("/search", nil), Chips: q.chips(state, more),
	}
	s.MoreOpen = slices.ContainsFunc(s.More, func(i pageInput) bool { return i.Value != "" })
	if err == nil {
		err = q.found(&s, query, state, more)
	}
	if err != nil {
		s.Problem = pageProblem(err)
		a.status = StatusOf(s.Problem.Code)
	}
	a.body = s
	return a, nil
}

// found fills in what the filters select.
func (q *pageRequest) found(s *pageSearch, query outbound.Query, state, more url.Values) error {
	by := outbound.GroupBy(more.Get("group_by"))
	if by != "" && !slices.Contains(pageGroupings, by) {
		return pageInvalid(string(by), "grouping", "group by account, dst, port or hour")
	}
	var err error
	if query.Limit, err = pageRowLimit(more.Get("limit"), by != ""); err != nil {
		return err
	}
	query.OldestFirst = more.Get("order") == "oldest"
	query.Cursor = q.get("cursor")
	cover, err := q.p.Reader.Coverage(q.ctx, q.viewer.Scope, query)
	if err != nil {
		return err
	}
	s.Coverage = pageCovered(cover, "")
	s.Groups = q.groupings(state, more)
	s.Command = pageCommand(state, string(by))
	s.Download = q.downloads(state)
	if name := state.Get("account"); name != "" {
		s.Account = &pageChoice{Label: name, Href: q.links.to("/account", url.Values{"name": {name}})}
	}
	if by != "" {
		return q.foundGroups(s, query, by, state, more)
	}
	return q.foundRows(s, query, state, more)
}

var pageGroupings = []outbound.GroupBy{outbound.ByAccount, outbound.ByDst, outbound.ByPort, outbound.ByHour}

// pageRowLimit reads how many rows or groups a page holds; 0 stands for all
// groups.
func pageRowLimit(text string, groups bool) (int, error) {
	switch {
	case text == "":
		return pageLimit, nil
	case text == "0" && groups:
		return maxLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > pageLimitMax {
		return 0, pageInvalid(text, "number of rows for a page", "from 1 to 1,000; download them to have all")
	}
	return n, nil
}

func (q *pageRequest) groupings(state, more url.Values) []pageChoice {
	by := more.Get("group_by")
	all := []pageChoice{{"none", q.links.to("/search", pageMerge(state, pageWith(more, "group_by", ""))), by == ""}}
	for i, label := range []string{"account", "target", "port", "hour"} {
		g := string(pageGroupings[i])
		all = append(all, pageChoice{label, q.links.to("/search", pageMerge(state, pageWith(more, "group_by", g))), by == g})
	}
	return all
}

func (q *pageRequest) downloads(state url.Values) []pageChoice {
	return []pageChoice{
		{Label: "CSV", Href: q.links.to("/api/v1/events", pageWith(state, "format", "csv", "limit", "0"))},
		{Label: "JSON Lines", Href: q.links.to("/api/v1/events", pageWith(state, "format", "jsonl", "limit", "0"))},
	}
}

// pageUnits are the words for what connections are counted by; who is named in
// a heading depends on the viewer.
var pageUnits = map[outbound.GroupBy]struct{ one, many, heading string }{
	outbound.ByAccount: {"user", "users", ""}, outbound.ByDst: {"target", "targets", "Target"},
	outbound.ByPort: {"port", "ports", "Port"}, outbound.ByHour: {"hour", "hours", "Hour"},
}

func (q *pageRequest) foundGroups(s *pageSearch, query outbound.Query, by outbound.GroupBy, state, more url.Values) error {
	query.Cursor = ""
	groups, err := q.p.Reader.Groups(q.ctx, q.viewer.Scope, query, by, 0)
	if err != nil {
		return err
	}
	total := 0
	for _, g := range groups {
		total += g.Events
	}
	unit := pageUnits[by]
	s.Count = pageCount(total, "connection", "connections") + ", " + pageCount(len(groups), unit.one, unit.many)
	if n := query.Limit; len(groups) > n {
		from, which := 0, "first"
		if by == outbound.ByHour {
			from, which = len(groups)-n, "last"
		}
		s.Count += ", the " + which + " " + outbound.Thousands(n) + " shown"
		s.AllGroups = q.links.to("/search", pageMerge(state, pageWith(more, "limit", "0")))
		groups = groups[from : from+n]
	}
	s.GroupBy, s.ByHour = unit.heading, by == outbound.ByHour
	if by == outbound.ByAccount {
		s.GroupBy = q.users()
	}
	s.Grouped = q.groupRows(groups, by, state)
	s.Zone = q.groupZone(s.Grouped, by)
	if total == 0 {
		s.Empty = q.noMatch(s.Coverage, state)
	}
	return nil
}

func (q *pageRequest) foundRows(s *pageSearch, query outbound.Query, state, more url.Values) error {
	page, err := q.p.Reader.Events(q.ctx, q.viewer.Scope, query)
	if err != nil {
		return err
	}
	docs := make([]outbound.EventDoc, len(page.Events))
	for i := range page.Events {
		docs[i] = page.Events[i].Doc(q.reseller())
	}
	rows := q.rows(docs, state)
	s.Table = q.table(rows)
	s.Folded = len(rows) < len(docs)
	if s.Count, err = q.count(query, state, len(docs), page.Next != ""); err != nil {
		return err
	}
	if len(docs) == 0 {
		s.Empty = q.noMatch(s.Coverage, state)
	}
	q.paging(s, query, page.Next, pageMerge(state, more))
	return nil
}

// count says how many there are in all. A page that is the whole answer was
// counted already; the total of all that is stored is known without counting.
func (q *pageRequest) count(query outbound.Query, state url.Values, shown int, next bool) (string, error) {
	if query.Cursor == "" && !next {
		return pageCount(shown, "connection", "connections"), nil
	}
	if len(state) == 0 {
		x, err := q.p.Reader.Extent(q.ctx, q.viewer.Scope)
		return pageCount(x.Events, "connection", "connections") + ", " + outbound.Thousands(shown) + " on this page", err
	}
	query.Cursor = ""
	groups, err := q.p.Reader.Groups(q.ctx, q.viewer.Scope, query, outbound.ByAccount, 0)
	total := 0
	for _, g := range groups {
		total += g.Events
	}
	return pageCount(total, "connection", "connections") + " of " + pageCount(len(groups), "user", "users") + ", " + outbound.Thousands(shown) + " on this page", err
}

// paging links the pages by cursors. A cursor leads onwards only, so the way
// back is a trail of those already passed; "start" stands for the first page.
func (q *pageRequest) paging(s *pageSearch, query outbound.Query, next string, all url.Values) {
	trail := pageShort(q.params["back"])
	at := func(cursor string, back []string) string {
		v := pageWith(all, "cursor", cursor)
		v["back"] = back
		return q.links.to("/search", v)
	}
	first := q.links.to("/search", all)
	var on, back string
	if next != "" {
		here := query.Cursor
		if here == "" {
			here = "start"
		}
		on = at(next, append(slices.Clone(trail), here))
	}
	if query.Cursor != "" {
		s.Newest, back = first, first
		if n := len(trail); n > 0 && trail[n-1] != "start" {
			back = at(trail[n-1], trail[:n-1])
		}
	}
	s.Older, s.Newer = on, back
	s.Order = pageChoice{Label: "oldest first", Href: q.links.to("/search", pageWith(all, "order", "oldest"))}
	if query.OldestFirst {
		s.Older, s.Newer = back, on
		s.Order = pageChoice{"newest first", q.links.to("/search", pageWith(all, "order", "")), true}
	}
}

// pageShort leaves off the beginning of a trail that has grown too long.
func pageShort(trail []string) []string {
	size := 0
	for i := len(trail) - 1; i >= 0; i-- {
		if size += len(trail[i]) + len("&back="); size > pageTrail {
			return trail[i+1:]
		}
	}
	return trail
}

// noMatch is an empty answer: what it proves, and what to try.
func (q *pageRequest) noMatch(c pageCoverage, state url.Values) *pageEmpty {
	e := &pageEmpty{Heading: "No connection on record matches, and not everything was recorded",
		Text: "It may have happened all the same. " + pageCapital(c.Words) + "; " + c.Watched + "."}
	if c.Complete {
		e.Heading, e.Text = "No connection matches", "Recording was complete for this time, so there was none."
	}
	if q.reseller() {
		e.Text += " Only your accounts were looked at."
	}
	if state.Get("since")+state.Get("until") != "" {
		e.Choices = append(e.Choices, pageChoice{Label: "any time on record", Href: q.links.to("/search", pageWith(state, "since", "", "until", ""))})
	}
	for _, f := range pageFilters {
		if state.Get(f.Name) != "" && f.Name != "since" && f.Name != "until" && len(state) > 1 {
			e.Choices = append(e.Choices, pageChoice{Label: "any " + pageLower(f.Label), Href: q.links.to("/search", pageWith(state, f.Name, ""))})
		}
	}
	if p := state.Get("dst"); p != "" {
		if pre, _, err := pagePrefix(p); err == nil && pre.Addr().Is4() && pre.Bits() == 32 {
			wide, _ := pre.Addr().Prefix(24)
			e.Choices = append(e.Choices, pageChoice{Label: "the network " + wide.String(), Href: q.links.to("/search", pageWith(state, "dst", wide.String()))})
		}
	}
	return e
}
