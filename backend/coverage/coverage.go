// Package coverage tells for how much of a range everything was recorded. Now
// nothing counts what the rules missed, so each range is one gap that says so.
// It reads no counter yet and decides no verdict.
package coverage

import (
	"time"

	"outboundmonitor/backend/outbound"
)

// NotCounted gives the coverage of a range of which nobody counted what was
// missed. A zero since begins with the first event, a zero until ends now. What
// was watched is not known either, and left empty: nothing reads the rules.
func NotCounted(since, until, now time.Time, x outbound.Extent) outbound.Coverage {
	c := outbound.Coverage{
		Watched: outbound.Watched{UDP: []string{}, Families: []int{}},
		Gaps:    []outbound.Gap{},
	}
	if since.IsZero() && x.First != nil {
		since = *x.First
	}
	if until.IsZero() || until.After(now) {
		until = now
	}
	if since.IsZero() || !since.Before(until) {
		return c
	}
	since, until = since.UTC(), until.UTC()
	c.From, c.To = &since, &until
	c.Missing = until.Sub(since).Seconds()
	c.Gaps = append(c.Gaps, outbound.Gap{From: since, To: until, Rule: "*", Reason: outbound.NotCounted})
	return c
}
