package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageReasons says in words why something may have gone unrecorded.
var pageReasons = map[string]string{
	outbound.NotCounted:   "not counted",
	outbound.RulesMissing: "rules missing",
	outbound.Rebuilt:      "firewall rebuilt",
	outbound.DaemonDown:   "daemon down",
	outbound.NFLOGLost:    "kernel records lost",
	outbound.LogLimit:     "log limit reached",
	outbound.LogLost:      "log lines lost",
	outbound.Damaged:      "damaged lines",
	outbound.RotatedAway:  "log rotated away",
	outbound.Pruned:       "older than what is kept",
	outbound.Purged:       "deleted on request",
	outbound.ClockStep:    "clock changed",
}

// pageCoverage is what an answer says of itself: how much was recorded.
type pageCoverage struct {
	Complete bool
	Words    string
	// Watched says what was looked at, where that is not every TCP port.
	Watched string
}

func pageCovered(c outbound.Coverage) pageCoverage {
	return pageCoverage{c.Complete, pageCoverWords(c), pageWatched(c.Watched)}
}

func pageCoverWords(c outbound.Coverage) string {
	switch {
	case c.Complete:
		return "recording complete"
	case pageUncounted(c):
		return "not counted yet: an empty answer means unknown"
	case len(c.Gaps) == 0 && c.Missing == 0:
		return "recording incomplete: an empty answer means unknown"
	case len(c.Gaps) == 0:
		return "recording complete but for " + pageSeconds(c.Missing)
	}
	return "recording complete but for " + pageSeconds(c.Missing) + " in " + pageCount(len(c.Gaps), "gap", "gaps") + " (" + pageGapWords(c.Gaps) + ")"
}

// pageUncounted reports whether nothing of the range was held against a
// counter, as for a log that was imported.
func pageUncounted(c outbound.Coverage) bool {
	return c.Covered == 0 && len(c.Gaps) > 0 &&
		!slices.ContainsFunc(c.Gaps, func(g outbound.Gap) bool { return g.Reason != outbound.NotCounted })
}

func pageSeconds(s float64) string { return pageSpan(time.Duration(s * float64(time.Second))) }

// pageGapWords counts gaps by reason, the most frequent first.
func pageGapWords(gaps []outbound.Gap) string {
	count := map[string]int{}
	var order []string
	for _, g := range gaps {
		if count[g.Reason]++; count[g.Reason] == 1 {
			order = append(order, g.Reason)
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return count[b] - count[a] })
	for i, reason := range order {
		words, ok := pageReasons[reason]
		if !ok {
			words = reason
		}
		if n := count[reason]; n > 1 {
			words += " " + pageNumber(n) + " times"
		}
		order[i] = words
	}
	return strings.Join(order, ", ")
}

func pageWatched(w outbound.Watched) string {
	var parts []string
	if w.TCP != "all" && w.TCP != "" {
		parts = append(parts, "of TCP only the ports "+strings.ReplaceAll(w.TCP, ",", ", "))
	}
	if len(w.Families) > 0 && !slices.Contains(w.Families, 6) {
		parts = append(parts, "no IPv6")
	}
	if len(w.UDP) > 0 {
		parts = append(parts, "UDP ports "+strings.Join(w.UDP, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return "watched: " + strings.Join(parts, ", ")
}

// pageWitness is how an event was recorded, in words and as a class.
type pageWitness struct {
	Words, Class string
	// Forgeable: somebody with a shell could have written it.
	Forgeable bool
}

func pageWitnessed(word string) pageWitness {
	for _, w := range []outbound.Witness{outbound.Kernel, outbound.Keyed} {
		if w.String() == word {
			return pageWitness{w.Words(), word, false}
		}
	}
	return pageWitness{outbound.Text.Words(), outbound.Text.String(), true}
}

// pagePortNames are the services that people call by name.
var pagePortNames = map[string]string{
	"21": "FTP", "22": "SSH", "23": "Telnet", "25": "SMTP", "53": "DNS", "80": "HTTP", "110": "POP3", "143": "IMAP", "443": "HTTPS", "465": "SMTPS",
	"587": "submission", "993": "IMAPS", "995": "POP3S", "1433": "SQL Server", "3306": "MySQL", "3389": "RDP", "5432": "PostgreSQL", "6379": "Redis", "6667": "IRC",
}

// pagePort gives "port 22", with the service where it has a well-known name.
func pagePort(port string) (label, service string) {
	if port == "other" {
		return "other ports", ""
	}
	return "port " + port, pagePortNames[port]
}

func pageUID(uid *uint32) string {
	if uid == nil {
		return "no UID"
	}
	return "uid " + strconv.FormatUint(uint64(*uid), 10)
}
