package web

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageOverview answers whether it is bad, who, and since when.
type pageOverview struct {
	Ask     pageAskForm
	Problem *outbound.Error
	Card    *pageCard
	Chart   *pageChart
	// Users says what Accounts lists.
	Users    string
	Accounts []pageBar
	Targets  []pageBar
	// Young is when recording began, where that is less than a day ago.
	Young *pageTime
	Empty *pageEmpty
	Range string
	Rows  string
}

// pageAskForm is the question box.
type pageAskForm struct {
	pageForm
	Text, At string
	Windows  []pageOption
	Zone     string
}

type pageOption struct {
	Value, Label string
	Selected     bool
}

// pageEmpty says what to do where there is nothing to show.
type pageEmpty struct {
	Heading  string
	Text     string
	Commands []string
	Choices  []pageChoice
}

// pageBar is one line of a bar list.
type pageBar struct {
	Label, Sub, Href string
	Width, Count     string
}

// pageWindows are the answers to "give or take how much".
var pageWindows = []string{"1m", "5m", "15m", "1h", "6h"}

func (q *pageRequest) overview() (pageAnswer, error) {
	o := pageOverview{Ask: q.askForm(), Users: "Top accounts and system users"}
	if q.reseller() {
		o.Users = "Top accounts"
	}
	a := pageAnswer{template: "overview", title: "Overview"}
	if text := q.get("q"); text != "" {
		a.title = "Who was it?"
		to, err := q.answer(&o, text)
		if err != nil {
			o.Problem = pageProblem(err)
			a.status = StatusOf(o.Problem.Code)
		}
		a.redirect = to
	} else if err := q.today(&o); err != nil {
		return a, err
	}
	a.body = o
	return a, nil
}

// pageProblem gives the part of an error that a viewer may read.
func pageProblem(err error) *outbound.Error {
	m := pageFault(&pageRequest{}, err).body.(pageMessage)
	p := &outbound.Error{Code: outbound.Internal, Message: m.Text, Hint: m.Hint}
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		p.Code = e.Code
	}
	return p
}

func (q *pageRequest) askForm() pageAskForm {
	f := pageAskForm{pageForm: q.links.form("/", nil), Text: q.params.Get("q"), At: q.get("at"), Zone: q.now.In(q.zone).Format("MST")}
	if t, err := time.Parse(time.RFC3339, f.At); err == nil {
		f.At = q.typed(t)
	}
	chosen := q.get("window")
	if !slices.Contains(pageWindows, chosen) {
		chosen = "5m"
	}
	for _, w := range pageWindows {
		d, _ := time.ParseDuration(w)
		f.Windows = append(f.Windows, pageOption{w, "± " + pageSpan(d), w == chosen})
	}
	return f
}

// typed is a time as a person types it, with its offset.
func (q *pageRequest) typed(t time.Time) string {
	return t.In(q.zone).Format("2006-01-02 15:04:05.999999 -0700")
}

// answer puts the card on the page, or gives the address that answers: a
// question whose time is relative is asked again with an absolute one, so that
// its address keeps its meaning.
func (q *pageRequest) answer(o *pageOverview, text string) (redirect string, err error) {
	asked, err := q.ask(text)
	if err != nil {
		return "", err
	}
	at, moved, err := q.absolute("at")
	if err != nil {
		return "", err
	}
	if !asked.at.IsZero() && at == "" {
		at, moved = pageStamp(asked.at), true
	}
	switch {
	case asked.page == "" && q.p.Who == nil:
		asked.page, asked.params = "/search", url.Values{"dst": {asked.target}}
		fallthrough
	case asked.page != "":
		if t, err := time.Parse(time.RFC3339, at); err == nil && asked.params.Get("since") == "" && asked.page == "/search" {
			asked.params = pageAround(asked.params, t, 5*time.Minute)
		}
		return q.links.to(asked.page, asked.params), nil
	case moved:
		return q.links.to("/", pageWith(q.params, "at", at)), nil
	}
	window := q.get("window")
	if at == "" || !slices.Contains(pageWindows, window) {
		window = "" // without a time there is nothing to reach around
	}
	o.Card, err = q.card(asked.target, at, window)
	return "", err
}

// absolute gives a parameter that is a time as it stands in an address, and
// whether it was typed in another form.
func (q *pageRequest) absolute(name string) (stamp string, moved bool, err error) {
	text := q.get(name)
	if text == "" {
		return "", false, nil
	}
	t, err := q.parse(text)
	if err != nil {
		return "", false, err
	}
	return pageStamp(t), pageStamp(t) != text, nil
}

// today fills in the last 24 hours.
func (q *pageRequest) today(o *pageOverview) error {
	x, err := q.p.Reader.Extent(q.ctx, q.viewer.Scope)
	if err != nil {
		return err
	}
	if x.Events == 0 {
		o.Empty = q.nothing()
		return nil
	}
	since, until := q.day()
	range24 := url.Values{"since": {pageStamp(since)}, "until": {pageStamp(until)}}
	if x.First != nil && x.First.After(since) {
		o.Young = q.time(*x.First)
	}
	if o.Chart, err = q.chart(outbound.Query{}, nil); err != nil {
		return err
	}
	o.Range = fmt.Sprintf("%s to now, %s", q.time(since), q.time(q.now))
	o.Rows = q.links.to("/search", range24)
	query := outbound.Query{Since: since, Until: until}
	if o.Accounts, err = q.bars(query, outbound.ByAccount, range24); err != nil {
		return err
	}
	o.Targets, err = q.bars(query, outbound.ByDst, range24)
	return err
}

// nothing is the overview of an empty store.
func (q *pageRequest) nothing() *pageEmpty {
	if q.reseller() {
		return &pageEmpty{Heading: "No connections of your accounts are on record",
			Text: "They appear here as soon as one of your accounts connects to an address outside this server."}
	}
	return &pageEmpty{Heading: "Nothing is on record yet",
		Text:     "Add log rules to the firewall as README.md says, and read in what earlier logs hold. On the server, as root:",
		Commands: []string{"outboundmonitor doctor", "outboundmonitor import /var/log/messages*"}}
}

// pageTop is how many bars a list has.
const pageTop = 8

// bars ranks by a key; each bar leads to what it counts.
func (q *pageRequest) bars(query outbound.Query, by outbound.GroupBy, state url.Values) ([]pageBar, error) {
	groups, err := q.p.Reader.Groups(q.ctx, q.viewer.Scope, query, by, pageTop)
	return q.barsOf(groups, by, state), err
}

// barsOf draws the largest groups.
func (q *pageRequest) barsOf(groups []outbound.Group, by outbound.GroupBy, state url.Values) []pageBar {
	groups = groups[:min(len(groups), pageTop)]
	most := 1
	for _, g := range groups {
		most = max(most, g.Events)
	}
	var all []pageBar
	for _, g := range groups {
		key := q.key(g, by, state)
		all = append(all, pageBar{key.Label, key.Sub, key.Href, pagePercent(100 * float64(g.Events) / float64(most)), outbound.Thousands(g.Events)})
	}
	return all
}
