package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// reasonWords says what each reason of a gap means.
var reasonWords = map[string]string{
	outbound.NotCounted:   "log read without counters",
	outbound.RulesMissing: "rules missing",
	outbound.Rebuilt:      "firewall rebuilt",
	outbound.DaemonDown:   "daemon not running",
	outbound.NFLOGLost:    "netlink buffer overrun",
	outbound.LogLimit:     "log rate limit",
	outbound.LogLost:      "log lines lost",
	outbound.Damaged:      "damaged log lines",
	outbound.RotatedAway:  "log rotated away unread",
	outbound.Pruned:       "older than the retention",
	outbound.Purged:       "deleted on request",
	outbound.ClockStep:    "clock set",
}

// coverageWords says for how much of a range everything was recorded.
func coverageWords(c outbound.Coverage, zone *time.Location) string {
	where := ""
	if c.From != nil && c.To != nil {
		where = " for " + between(*c.From, *c.To, zone)
	}
	switch {
	case c.Complete:
		return "recording complete" + where
	case c.From == nil && len(c.Gaps) == 0:
		return "nothing is recorded yet"
	case c.Covered <= 0 && onlyReason(c.Gaps, outbound.NotCounted):
		return "completeness not known" + where + ": a log was read, and nothing counted what it left out"
	case c.Covered <= 0:
		return "nothing proves that recording was complete" + where + gapWords(c.Gaps)
	}
	return fmt.Sprintf("recording complete but for %s%s%s (%s %%)", span(c.Missing), gapWords(c.Gaps), where, percent(c.Covered))
}

// percent never rounds up to the whole: 100 means complete.
func percent(share float64) string {
	s := fmt.Sprintf("%.2f", math.Floor(share*10000)/100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func onlyReason(gaps []outbound.Gap, reason string) bool {
	return len(gaps) > 0 && !slices.ContainsFunc(gaps, func(g outbound.Gap) bool { return g.Reason != reason })
}

// gapWords gives " in 6 gaps (firewall rebuilt 5 times, clock set)", the most
// frequent first, and what is known to be lost.
func gapWords(gaps []outbound.Gap) string {
	if len(gaps) == 0 {
		return ""
	}
	times, lost := map[string]int{}, 0
	var reasons []string
	for _, g := range gaps {
		if times[g.Reason]++; times[g.Reason] == 1 {
			reasons = append(reasons, g.Reason)
		}
		if g.Lost != nil {
			lost += *g.Lost
		}
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return times[b] - times[a] })
	var words []string
	for _, r := range reasons {
		w, ok := reasonWords[r]
		if !ok {
			w = r
		}
		if n := times[r]; n > 1 {
			w += fmt.Sprintf(" %s times", thousands(n))
		}
		words = append(words, w)
	}
	all := " in " + counted(len(gaps), "gap") + " (" + strings.Join(words, ", ") + ")"
	if lost > 0 {
		all += ", at least " + counted(lost, "event") + " lost"
	}
	return all
}

// watchedWords says what is recorded at all: what an empty answer rests on.
func watchedWords(w outbound.Watched) string {
	if w.TCP == "" && len(w.UDP) == 0 {
		return "no port"
	}
	var parts []string
	switch w.TCP {
	case "":
	case "all":
		parts = append(parts, "every TCP port")
	default:
		parts = append(parts, "TCP ports "+strings.ReplaceAll(w.TCP, ",", ", "))
	}
	if len(w.UDP) > 0 {
		parts = append(parts, "UDP ports "+strings.Join(w.UDP, ", "))
	} else {
		parts = append(parts, "no UDP")
	}
	var families []string
	for _, f := range w.Families {
		families = append(families, fmt.Sprintf("IPv%d", f))
	}
	all := strings.Join(parts, ", ")
	if len(families) > 0 {
		all += ", over " + strings.Join(families, " and ")
	}
	if !w.Forwarded {
		all += "; not what this server forwards for others"
	}
	return all
}
