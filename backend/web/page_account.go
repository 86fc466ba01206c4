package web

import (
	"fmt"
	"net/url"

	"outboundmonitor/backend/outbound"
)

// pageAccount is one account's story; a name can have had several lives.
type pageAccount struct {
	// Kind is what the name is of.
	Kind, Name string
	About      string
	Lives      []pageLife
	Story      string
	Coverage   pageCoverage
	Chart      *pageChart
	// Quiet stands in place of a chart in which there would be nothing.
	Quiet   string
	Ports   []pageBar
	Targets []pageBar
	Rows    string
	Empty   *pageEmpty
}

// pageLife is one account instance under the name.
type pageLife struct {
	UID, Owner, Domain string
	Begin, End         *pageTime
	// Before is the name that it had until Named, After the one that it took.
	Before, After *pageChoice
	Named         *pageTime
}

// account answers for a name that the viewer may see. What is not his is told
// apart in nothing from what does not exist.
func (q *pageRequest) account() (pageAnswer, error) {
	name := outbound.Username(q.get("name"))
	missing := &outbound.Error{Code: outbound.NotFound, Message: fmt.Sprintf("there is no account %q on record", string(name)),
		Hint: "look at the spelling; removed accounts are found as long as their connections are kept"}
	if !name.Valid() {
		return pageAnswer{}, missing
	}
	query := outbound.Query{Account: name}
	ports, err := q.p.Reader.Groups(q.ctx, q.viewer.Scope, query, outbound.ByPort, 0)
	if err != nil {
		return pageAnswer{}, err
	}
	lives := q.lives(name)
	if len(lives) == 0 && len(ports) == 0 {
		return pageAnswer{}, missing
	}
	a := pageAccount{Kind: "Account", Name: string(name), Rows: q.links.to("/search", url.Values{"account": {string(name)}})}
	for _, l := range lives {
		a.Lives = append(a.Lives, q.life(l))
	}
	if len(lives) == 0 {
		system, err := q.systemUser(name)
		if err != nil {
			return pageAnswer{}, err
		}
		if system {
			a.Kind, a.About = "System user", q.p.Directory.About(name)
		}
	}
	if err := q.story(&a, query, ports); err != nil {
		return pageAnswer{}, err
	}
	return pageAnswer{template: "account", title: a.Kind + " " + string(name), body: a}, nil
}

func (q *pageRequest) life(l outbound.AccountLife) pageLife {
	called := func(name string) *pageChoice {
		if name == "" {
			return nil
		}
		return &pageChoice{Label: name, Href: q.links.to("/account", url.Values{"name": {name}})}
	}
	return pageLife{UID: pageUIDNumber(l.UID), Owner: l.Owner, Domain: l.Domain, Begin: q.timeOr(l.Begin), End: q.timeOr(l.End),
		Before: called(l.RenamedFrom), Named: q.timeOr(l.RenamedAt), After: called(l.RenamedTo)}
}

// story counts what the account did.
func (q *pageRequest) story(a *pageAccount, query outbound.Query, ports []outbound.Group) error {
	cover, err := q.p.Reader.Coverage(q.ctx, q.viewer.Scope, query)
	if err != nil {
		return err
	}
	a.Coverage = pageCovered(cover, "")
	if len(ports) == 0 {
		a.Empty = &pageEmpty{Heading: "No connection of this account is on record", Text: pageCapital(a.Coverage.Words) + "; " + a.Coverage.Watched + "."}
		return nil
	}
	total, first, last := 0, ports[0].First, ports[0].Last
	for _, g := range ports {
		total += g.Events
		if g.First.Before(first) {
			first = g.First
		}
		if g.Last.After(last) {
			last = g.Last
		}
	}
	targets, err := q.p.Reader.Groups(q.ctx, q.viewer.Scope, query, outbound.ByDst, 0)
	if err != nil {
		return err
	}
	a.Story = fmt.Sprintf("%s to %s on %s, from %s to %s.", pageCount(total, "connection", "connections"), pageCount(len(targets), "address", "addresses"),
		pageCount(len(ports), "port", "ports"), q.time(first), q.time(last))
	state := url.Values{"account": {string(query.Account)}}
	a.Ports = q.barsOf(ports, outbound.ByPort, state)
	a.Targets = q.barsOf(targets, outbound.ByDst, state)
	if a.Chart, err = q.chart(query, state); err == nil && a.Chart.Total == 0 {
		a.Chart, a.Quiet = nil, fmt.Sprintf("No connection in the last 24 hours; the last was at %s.", q.time(last))
	}
	return err
}
