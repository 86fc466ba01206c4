// Package match weighs the events that bear on a complaint and gives a
// verdict: who it was, and how sure that is. It reads through an interface,
// in one pass, and knows neither the store nor the network.
package match

import (
	"context"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
)

// Reader reads events within a scope.
type Reader interface {
	// Walk calls f with each event that q selects, in its order. The event is
	// valid until f returns.
	Walk(ctx context.Context, s outbound.Scope, q outbound.Query, f func(*outbound.Event) error) error
	// Coverage tells for how much of q's range everything was recorded.
	Coverage(ctx context.Context, s outbound.Scope, q outbound.Query) (outbound.Coverage, error)
}

// Question is what a complaint asks.
type Question = outbound.Question

// Who answers a question from what s sees. about gives a sentence on what a
// system user is. The events of the answer stand oldest first.
//
// Rows that count are those of the best sort at hand: if any kernel or keyed
// row answers the question, text rows do not count, and a text row of a time
// in which a better witness recorded everything never does. What does not
// count stands in Unverified, and can neither make nor spoil a verdict. Of the
// rows that count:
//
//   - one account instance and nothing else: identified
//   - one account instance with more events than system users and
//     unattributed UIDs have together: probable
//   - otherwise, if any account or unattributed UID is among them: candidates
//   - system users alone: system
//   - none at all: none if everything was watched and recorded, else unknown
//
// An account whose attribution is unknown is an unattributed UID here: its
// name is not given. A row without a UID counts for whoever has the other rows
// of its connection, and is an unattributed UID where nobody has.
//
// It returns an [outbound.Error] with code Invalid for a question that names
// neither address nor source port, and what the Reader returns.
func Who(ctx context.Context, r Reader, s outbound.Scope, about func(outbound.Username) string, q Question) (outbound.WhoDoc, error) {
	if err := check(q); err != nil {
		return outbound.WhoDoc{}, err
	}
	// Coverage is read before the events: what is committed in between can
	// only add rows, never make a "complete" out of rows that were not seen.
	all := q.Query()
	coverage, err := r.Coverage(ctx, s, all)
	if err != nil {
		return outbound.WhoDoc{}, err
	}
	b := newBench(q, coverage.Better)
	err = r.Walk(ctx, s, all, func(e *outbound.Event) error {
		b.take(e)
		return nil
	})
	if err != nil {
		return outbound.WhoDoc{}, err
	}
	counted, rest := b.weigh()
	doc := outbound.WhoDoc{
		Schema: outbound.SchemaWho, Verdict: verdict(counted), Query: repeat(q), Coverage: shown(coverage, q.Mask),
		Accounts: accounts(counted), SystemUsers: systemUsers(counted, about), Unverified: unverified(rest), Events: b.events,
	}
	if doc.Verdict == "" {
		doc.Verdict = empty(q, coverage)
	}
	return doc, nil
}

func check(q Question) error {
	switch {
	case !q.Prefix.IsValid() && q.SrcPort == 0:
		return &outbound.Error{Code: outbound.Invalid, Message: "the question names neither an address nor a source port", Hint: "give the address from the complaint, or sport"}
	case q.Window < 0:
		return &outbound.Error{Code: outbound.Invalid, Message: "the window is negative"}
	case q.Limit < 0:
		return &outbound.Error{Code: outbound.Invalid, Message: "the limit is negative"}
	}
	return nil
}

// verdict weighs the tallies that count; "" means that there are none.
func verdict(counted []*tally) outbound.Verdict {
	var accounts, system, unattributed, hers, others int
	for _, t := range counted {
		switch t.key.kind {
		case outbound.CPanelAccount:
			accounts++
			hers += t.events
		case outbound.SystemUser:
			system++
			others += t.events
		default:
			unattributed++
			others += t.events
		}
	}
	switch {
	case accounts == 1 && others == 0:
		return outbound.Identified
	case accounts == 1 && others < hers:
		return outbound.Probable
	case accounts > 0 || unattributed > 0:
		return outbound.Candidates
	case system > 0:
		return outbound.System
	}
	return ""
}

// empty tells "nobody" from "not known". With a time, any gap that meets the
// window is one too many. not_this_server is not given: the server's public
// addresses are not known here.
func empty(q Question, c outbound.Coverage) outbound.Verdict {
	if !watched(q, c.Watched) {
		return outbound.UnknownAnswer
	}
	if q.At.IsZero() {
		if c.Covered < outbound.Enough {
			return outbound.UnknownAnswer
		}
		return outbound.None
	}
	from, to := q.At.Add(-q.Window), q.At.Add(q.Window)
	meets := func(g outbound.Gap) bool { return !g.From.After(to) && !g.To.Before(from) }
	outside := c.To != nil && c.To.Before(from) || c.From != nil && c.From.After(to)
	if !c.Complete || outside || slices.ContainsFunc(c.Gaps, meets) {
		return outbound.UnknownAnswer
	}
	return outbound.None
}

// shown gives the coverage as the viewer may see it, without null for lists.
func shown(c outbound.Coverage, mask bool) outbound.Coverage {
	gaps := make([]outbound.Gap, len(c.Gaps))
	copy(gaps, c.Gaps)
	for i := range gaps {
		if mask {
			gaps[i].Lost = nil
		}
	}
	c.Gaps = gaps
	if c.Watched.UDP == nil {
		c.Watched.UDP = []string{}
	}
	if c.Watched.Families == nil {
		c.Watched.Families = []int{}
	}
	return c
}

// repeat gives the question as it was understood.
func repeat(q Question) outbound.WhoQuery {
	var doc outbound.WhoQuery
	if q.Prefix.IsValid() {
		text := q.Prefix.Masked().String()
		if q.Prefix.IsSingleIP() {
			text = q.Prefix.Addr().String()
		}
		doc.Address = &text
	}
	if q.Host != "" {
		doc.Host = &q.Host
	}
	if !q.At.IsZero() {
		doc.At, doc.WindowS = new(q.At.UTC()), int(q.Window/time.Second)
	}
	if q.Src.IsValid() {
		doc.Src = new(q.Src.String())
	}
	if q.SrcPort != 0 {
		doc.SrcPort = &q.SrcPort
	}
	if q.Port != 0 {
		doc.Port = &q.Port
	}
	return doc
}
