package match

import (
	"cmp"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
)

// party is one of those that the events speak of: an account instance, a
// system user, or a UID that nobody on record had. An account instance has no
// user here: one that was renamed in between is still one.
type party struct {
	kind outbound.Kind
	outbound.Instance
	user outbound.Username
}

// partyOf gives who stands behind an event. What is not known for sure has
// its UID alone.
func partyOf(e *outbound.Event) party {
	w := e.Who
	switch {
	case w != nil && w.Kind == outbound.CPanelAccount && w.Attribution != outbound.Unknown:
		return party{kind: w.Kind, Instance: w.Instance}
	case w != nil && w.Kind == outbound.SystemUser:
		return party{kind: w.Kind, Instance: outbound.Instance{UID: e.UID}, user: w.User}
	}
	return party{Instance: outbound.Instance{UID: e.UID}}
}

// tally counts one party's events of one sort.
type tally struct {
	key party
	// name, owner and domain of an account are those of the latest event.
	name, owner outbound.Username
	domain      string
	events      int
	first, last time.Time
	// witness and attribution are the weakest of all events: what they say
	// holds for each.
	witness     outbound.Witness
	attribution outbound.Attribution
}

func (t *tally) take(e *outbound.Event) {
	attribution := outbound.Unknown
	if e.Who != nil && t.key.kind != outbound.Unattributed {
		attribution = e.Who.Attribution
	}
	if t.events == 0 {
		t.first, t.last, t.witness, t.attribution = e.Time, e.Time, e.Witness, attribution
	}
	t.events++
	t.witness, t.attribution = min(t.witness, e.Witness), min(t.attribution, attribution)
	if e.Time.Before(t.first) {
		t.first = e.Time
	}
	if !e.Time.Before(t.last) && e.Who != nil && t.key.kind == outbound.CPanelAccount {
		t.name, t.owner, t.domain = e.Who.User, e.Who.Owner, e.Who.Domain
	}
	if e.Time.After(t.last) {
		t.last = e.Time
	}
}

// join adds the events of another tally of the same party.
func (t *tally) join(o *tally) {
	if o.last.After(t.last) {
		t.last, t.name, t.owner, t.domain = o.last, o.name, o.owner, o.domain
	}
	if o.first.Before(t.first) {
		t.first = o.first
	}
	t.events += o.events
	t.witness, t.attribution = min(t.witness, o.witness), min(t.attribution, o.attribution)
}

// follow adds rows without a UID that belong to this party's connections. They
// say nothing of whose UID it was.
func (t *tally) follow(o *tally) {
	t.events += o.events
	t.witness = min(t.witness, o.witness)
	if o.first.Before(t.first) {
		t.first = o.first
	}
	if o.last.After(t.last) {
		t.last = o.last
	}
}

// The sorts of rows. A sort is decided row by row; which sorts count is
// decided at the end.
const (
	better   = iota // kernel or keyed
	plain           // text of a time in which nothing better recorded
	doubtful        // text of a time in which something better recorded
	sorts
)

// bench takes the events in, in memory bounded by the number of parties, the
// limit, and maxFlows.
type bench struct {
	q       Question
	spans   []outbound.Span
	tallies [sorts]map[party]*tally
	flows   flows
	events  []outbound.EventDoc
}

func newBench(q Question, spans []outbound.Span) *bench {
	b := &bench{q: q, spans: spans, flows: newFlows(), events: []outbound.EventDoc{}}
	for i := range b.tallies {
		b.tallies[i] = map[party]*tally{}
	}
	return b
}

func (b *bench) take(e *outbound.Event) {
	if b.q.Limit == 0 || len(b.events) < b.q.Limit {
		b.events = append(b.events, e.Doc(b.q.Mask))
	}
	sort := b.sortOf(e)
	k := flowOf(e, sort)
	if e.UID == outbound.NoUID {
		if t := b.flows.keep(k); t != nil {
			t.take(e)
			return
		}
	}
	t := b.tally(sort, partyOf(e))
	t.take(e)
	if e.UID != outbound.NoUID {
		b.flows.owner(k, t, e.Time)
	}
}

// tally gives the tally of a party's rows of one sort.
func (b *bench) tally(sort int, key party) *tally {
	t := b.tallies[sort][key]
	if t == nil {
		t = &tally{key: key}
		b.tallies[sort][key] = t
	}
	return t
}

// settle decides whose the rows without a UID are.
func (b *bench) settle() {
	b.flows.settle(func(sort int, t *tally) {
		if had := b.tallies[sort][t.key]; had != nil {
			had.join(t)
			return
		}
		b.tallies[sort][t.key] = t
	})
}

func (b *bench) sortOf(e *outbound.Event) int {
	if e.Witness > outbound.Text {
		return better
	}
	if slices.ContainsFunc(b.spans, func(s outbound.Span) bool { return s.Holds(e.Time) }) {
		return doubtful
	}
	return plain
}

// weigh gives the tallies that count and those that do not, each with most
// events first.
func (b *bench) weigh() (counted, rest []*tally) {
	b.settle()
	if len(b.tallies[better]) > 0 {
		return ranked(b.tallies[better]), ranked(b.tallies[plain], b.tallies[doubtful])
	}
	return ranked(b.tallies[plain]), ranked(b.tallies[doubtful])
}

// ranked joins tallies by party and puts the largest first; an order that is
// total makes answers repeatable.
func ranked(maps ...map[party]*tally) []*tally {
	all := map[party]*tally{}
	for _, m := range maps {
		for key, t := range m {
			if had := all[key]; had != nil {
				had.join(t)
				continue
			}
			all[key] = new(*t)
		}
	}
	list := make([]*tally, 0, len(all))
	for _, t := range all {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *tally) int {
		return cmp.Or(
			cmp.Compare(b.events, a.events), a.first.Compare(b.first), cmp.Compare(b.key.kind, a.key.kind),
			cmp.Compare(a.name, b.name), cmp.Compare(a.key.user, b.key.user), cmp.Compare(a.key.UID, b.key.UID), cmp.Compare(a.key.Begin, b.key.Begin),
		)
	})
	return list
}

// accounts gives the accounts, and the UIDs that nobody on record had.
func accounts(list []*tally) []outbound.WhoAccount {
	docs := []outbound.WhoAccount{}
	for _, t := range list {
		if t.key.kind != outbound.SystemUser {
			docs = append(docs, t.doc())
		}
	}
	return docs
}

// unverified gives all, system users too: by UID alone, since they are no
// accounts and a list of accounts has no other place for them.
func unverified(list []*tally) []outbound.WhoAccount {
	docs := []outbound.WhoAccount{}
	for _, t := range list {
		docs = append(docs, t.doc())
	}
	return docs
}

func (t *tally) doc() outbound.WhoAccount {
	d := outbound.WhoAccount{
		Owner: string(t.owner), Domain: t.domain, Events: t.events, First: t.first.UTC(), Last: t.last.UTC(),
		Witness: t.witness.String(), Attribution: t.attribution.String(),
	}
	if t.key.kind == outbound.CPanelAccount {
		d.Account = new(string(t.name))
	}
	if t.key.UID != outbound.NoUID {
		d.UID = new(uint32(t.key.UID))
	}
	return d
}

func systemUsers(list []*tally, about func(outbound.Username) string) []outbound.WhoSystem {
	docs := []outbound.WhoSystem{}
	for _, t := range list {
		if t.key.kind == outbound.SystemUser {
			docs = append(docs, outbound.WhoSystem{
				User: string(t.key.user), UID: uint32(t.key.UID), Events: t.events, First: t.first.UTC(), Last: t.last.UTC(),
				About: about(t.key.user), Witness: t.witness.String(),
			})
		}
	}
	return docs
}
