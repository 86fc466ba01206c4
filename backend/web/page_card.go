package web

import (
	"net/netip"
	"net/url"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageRowsOnCard is how many rows a card shows; the search has all of them.
const pageRowsOnCard = 20

// pageCard answers who it was.
type pageCard struct {
	Class, Verdict, Name string
	Sentence             string
	// Forgeable: nothing but text that any local user can write.
	Forgeable bool
	Asked     string
	Accounts  []pageSuspect
	Systems   []pageSuspect
	// Unverified is what text alone said while a better witness recorded.
	Unverified []pageSuspect
	Coverage   pageCoverage
	Rows       pageTable
	All        string
	Count      string
	// Shown says how many of them the rows hold; Empty that nobody is named.
	Shown string
	Empty bool
	Wider []pageChoice
}

// pageSuspect is one account or system user on a card.
type pageSuspect struct {
	Name, Account, Rows string
	UID, Owner, Domain  string
	Count, About, Note  string
	First, Last         *pageTime
	Witness             pageWitness
}

// pageTable is what the template for rows takes.
type pageTable struct {
	// Users and Zone are said in the headings.
	Users, Zone string
	Rows        []pageRow
}

// pageVerdicts is a word and a class for each verdict.
var pageVerdicts = map[outbound.Verdict][2]string{
	outbound.Identified:    {"Identified", "sure"},
	outbound.Probable:      {"Probable", "likely"},
	outbound.Candidates:    {"Candidates", "likely"},
	outbound.System:        {"System user", "likely"},
	outbound.None:          {"None", "none"},
	outbound.UnknownAnswer: {"Unknown", "open"},
	outbound.NotThisServer: {"Not this server", "none"},
}

// card asks and draws the answer.
func (q *pageRequest) card(target, at, window string) (*pageCard, error) {
	d, err := q.p.Who(q.ctx, q.viewer.Scope, target, at, window, q.zone)
	if err != nil {
		return nil, err
	}
	word, ok := pageVerdicts[d.Verdict]
	if !ok {
		word = [2]string{string(d.Verdict), "open"}
	}
	state := pageCardState(d)
	c := &pageCard{Verdict: word[0], Class: word[1], Asked: q.asked(d), Coverage: pageCovered(d.Coverage, pageThatTime(d)), All: q.links.to("/search", state)}
	total := 0
	for _, a := range d.Accounts {
		c.Accounts = append(c.Accounts, q.suspect(a, state))
		total += a.Events
	}
	for _, s := range d.SystemUsers {
		c.Systems = append(c.Systems, q.system(s, state))
		total += s.Events
	}
	for _, a := range d.Unverified {
		c.Unverified = append(c.Unverified, q.suspect(a, state))
	}
	c.Count = pageCount(total, "connection", "connections")
	c.Name, c.Empty = pageCardName(c), len(c.Accounts)+len(c.Systems) == 0
	c.Sentence = q.sentence(d, c)
	c.Forgeable = pageTextOnly(d)
	rows := q.rows(d.Events, state)
	rows = rows[:min(len(rows), pageRowsOnCard)]
	c.Rows = q.table(rows)
	c.Shown = pageShown(rows, total, c.Count)
	c.Wider = q.wider(d)
	return c, nil
}

// pageThatTime names the range of an answer, if it is about a time.
func pageThatTime(d outbound.WhoDoc) string {
	if d.Query.At == nil {
		return ""
	}
	return " for that time"
}

// pageShown says how many of the connections rows stand for.
func pageShown(rows []pageRow, total int, all string) string {
	n := 0
	for _, r := range rows {
		n += r.Times
	}
	if n >= total {
		return all
	}
	return "the first " + outbound.Thousands(n) + " of " + all
}

// pageCardState is the search that holds the card's rows.
func pageCardState(d outbound.WhoDoc) url.Values {
	v := url.Values{}
	if d.Query.Address != nil {
		v.Set("dst", *d.Query.Address)
	}
	if at := d.Query.At; at != nil {
		by := time.Duration(d.Query.WindowS) * time.Second
		// A card's window holds both its ends; until does not.
		return pageWith(v, "since", pageStamp(at.Add(-by)), "until", pageStamp(at.Add(by+time.Microsecond)))
	}
	return v
}

// asked repeats the question as it was understood.
func (q *pageRequest) asked(d outbound.WhoDoc) string {
	s := "Who connected"
	if a := d.Query.Address; a != nil {
		s += " to " + *a
	}
	if h := d.Query.Host; h != nil {
		s += " (" + *h + ", looked up just now)"
	}
	if at := d.Query.At; at != nil {
		return s + " around " + q.time(*at).String() + ", ± " + pageSpan(time.Duration(d.Query.WindowS)*time.Second) + "?"
	}
	return s + ", at any time on record?"
}

func (q *pageRequest) suspect(a outbound.WhoAccount, state url.Values) pageSuspect {
	s := pageSuspect{Name: pageUID(a.UID), Owner: a.Owner, Domain: a.Domain, Count: outbound.Thousands(a.Events),
		First: q.time(a.First), Last: q.time(a.Last), Witness: pageWitnessed(a.Witness)}
	if a.Account != nil {
		s.Name = *a.Account
		if a.UID != nil {
			s.UID = pageUIDNumber(*a.UID)
		}
		s.Account = q.links.to("/account", url.Values{"name": {*a.Account}})
		s.Rows = q.links.to("/search", pageWith(state, "account", *a.Account))
	}
	switch a.Attribution {
	case outbound.Assumed.String():
		s.Note = "The account's beginning is not on record; there is no sign that its UID was ever somebody else's."
	case outbound.Unknown.String():
		s.Note = "Nobody on record had this UID at that time."
	}
	return s
}

func (q *pageRequest) system(u outbound.WhoSystem, state url.Values) pageSuspect {
	return pageSuspect{Name: u.User, UID: pageUIDNumber(u.UID), Count: outbound.Thousands(u.Events), About: u.About,
		First: q.time(u.First), Last: q.time(u.Last), Witness: pageWitnessed(u.Witness),
		Rows: q.links.to("/search", pageWith(state, "account", u.User))}
}

func pageCardName(c *pageCard) string {
	switch all := len(c.Accounts) + len(c.Systems); {
	case len(c.Accounts) > 0 && (c.Class == "sure" || c.Verdict == "Probable"):
		return c.Accounts[0].Name
	case len(c.Accounts) == 0 && all == 1:
		return c.Systems[0].Name
	case all > 1:
		return pageCount(all, "user", "users")
	}
	return ""
}

// sentence says the verdict in words; to a reseller only of his own accounts.
func (q *pageRequest) sentence(d outbound.WhoDoc, c *pageCard) string {
	whose := "account of this server"
	if q.reseller() {
		whose = "account of yours"
	}
	switch d.Verdict {
	case outbound.Identified:
		return "One " + whose + " made all " + c.Count + " on record."
	case outbound.Probable:
		return "One " + whose + " made most of these connections; system users or unnamed UIDs made the others."
	case outbound.Candidates:
		return "Several did. The exact time, or the port on our side, tells them apart."
	case outbound.System:
		return "No customer's account, but users of the system itself."
	case outbound.None:
		return "No " + whose + " connected there, and recording was complete for that time."
	case outbound.NotThisServer:
		return "The address that is complained about is none that this server has or had on record."
	}
	return "Nothing was found, but not everything was recorded: this does not prove that nothing happened."
}

// pageTextOnly reports whether a verdict names somebody and rests on lines
// that any local user could have written.
func pageTextOnly(d outbound.WhoDoc) bool {
	for _, a := range d.Accounts {
		if !pageWitnessed(a.Witness).Forgeable {
			return false
		}
	}
	for _, s := range d.SystemUsers {
		if !pageWitnessed(s.Witness).Forgeable {
			return false
		}
	}
	return len(d.Accounts)+len(d.SystemUsers) > 0
}

// wider offers the same question in a longer time where nothing was found.
func (q *pageRequest) wider(d outbound.WhoDoc) []pageChoice {
	if len(d.Accounts)+len(d.SystemUsers)+len(d.Unverified) > 0 || d.Query.Address == nil {
		return nil
	}
	ask := func(label, address, at, window string) pageChoice {
		return pageChoice{label, q.links.to("/", pageWith(nil, "q", address, "at", at, "window", window)), false}
	}
	var all []pageChoice
	if at := d.Query.At; at != nil {
		all = append(all, ask("± 1 hour", *d.Query.Address, pageStamp(*at), "1h"), ask("any time on record", *d.Query.Address, "", ""))
	}
	if a, err := netip.ParseAddr(*d.Query.Address); err == nil && a.Is4() {
		p, _ := a.Prefix(24)
		all = append(all, ask("the network "+p.String(), p.String(), q.get("at"), q.get("window")))
	}
	return all
}
