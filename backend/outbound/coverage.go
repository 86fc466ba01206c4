package outbound

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// unknownCompleteness is the short form of [Coverage.Words] where nothing was
// held against a counter.
const unknownCompleteness = "completeness not known"

// Words says for how much of a range everything was recorded, as one sentence
// without its full stop. where names the range, as " for that time"; it may be
// empty.
func (c Coverage) Words(where string) string {
	switch {
	case c.Complete:
		return "recording complete" + where
	case c.From == nil && len(c.Gaps) == 0:
		return "nothing is recorded yet"
	case c.Uncounted():
		return unknownCompleteness + where + ": nothing counts what the rules leave out"
	case c.Covered <= 0:
		return "nothing proves that recording was complete" + where + gapWords(c.Gaps)
	}
	return fmt.Sprintf("recording complete but for %s%s%s (%s %%)", Length(c.Missing), gapWords(c.Gaps), where, percent(c.Covered))
}

// Short is Words where little room is, as after "last 24 h: ".
func (c Coverage) Short() string {
	if c.Uncounted() {
		return unknownCompleteness
	}
	return c.Words("")
}

// Uncounted reports whether nothing of the range was held against a counter,
// which is no sign that anything is missing.
func (c Coverage) Uncounted() bool {
	return !c.Complete && c.Covered <= 0 && len(c.Gaps) > 0 &&
		!slices.ContainsFunc(c.Gaps, func(g Gap) bool { return g.Reason != NotCounted })
}

// percent never rounds up to the whole: 100 means complete.
func percent(share float64) string {
	s := fmt.Sprintf("%.2f", math.Floor(share*10000)/100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// gapWords gives " in 6 gaps (firewall rebuilt 5 times, clock set)", the most
// frequent first, and what is known to be lost.
func gapWords(gaps []Gap) string {
	if len(gaps) == 0 {
		return ""
	}
	times, lost := map[string]int{}, 0
	var why []string
	for _, g := range gaps {
		words := g.Words()
		if times[words]++; times[words] == 1 {
			why = append(why, words)
		}
		if g.Lost != nil {
			lost += *g.Lost
		}
	}
	slices.SortStableFunc(why, func(a, b string) int { return times[b] - times[a] })
	for i, words := range why {
		if n := times[words]; n > 1 {
			why[i] += " " + Thousands(n) + " times"
		}
	}
	all := " in " + Counted(len(gaps), "gap") + " (" + strings.Join(why, ", ") + ")"
	if lost > 0 {
		all += ", at least " + Counted(lost, "connection") + " lost"
	}
	return all
}

// Words says what is recorded at all: what an empty answer rests on. Without
// ports and families it is not known.
func (w Watched) Words() string {
	if w.TCP == "" && len(w.UDP) == 0 {
		if len(w.Families) == 0 {
			return "not known; nothing reads the firewall's rules"
		}
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
