package outbound

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// StartHint is the command that begins to record where no daemon runs.
const StartHint = "outboundmonitor serve, as README.md shows for a server"

// Enough is the share of a time from which on its recording passes for whole:
// below it an empty answer proves nothing.
const Enough = 0.999

// reasons says what each reason of a gap means.
var reasons = map[string]string{
	NotCounted:   "not counted",
	RulesMissing: "rules missing",
	Rebuilt:      "firewall rebuilt",
	DaemonDown:   "daemon not running",
	NFLOGLost:    "kernel records lost",
	LogLimit:     "log rate limit",
	LogLost:      "log lines lost",
	Damaged:      "damaged log or day file",
	RotatedAway:  "log rotated away unread",
	Pruned:       "older than the retention",
	Purged:       "deleted on request",
	ClockStep:    "clock set",
}

// Words says why something may have gone unrecorded; a reason that has no
// words is given as it is.
func (g Gap) Words() string {
	if words, ok := reasons[g.Reason]; ok {
		return words
	}
	return g.Reason
}

// Thousands gives n with separators, as 41,203.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	from := 0
	if n < 0 {
		from = 1
	}
	for i := len(s) - 3; i > from; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// shellPlain is what a POSIX shell takes as it stands.
const shellPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=+@%,"

// ShellQuote gives words as a line for a POSIX shell, each quoted if need be.
func ShellQuote(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = w; w == "" || strings.Trim(w, shellPlain) != "" {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// Counted gives a number with its noun, as "1 event" and "2 events".
func Counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Thousands(n) + " " + noun + "s"
}

// Length gives seconds in words, in at most two units.
func Length(seconds float64) string {
	s := int(math.Ceil(seconds))
	switch {
	case s < 120:
		return Thousands(s) + " s"
	case s < 2*3600:
		return twoUnits(s/60, "min", s%60, "s")
	case s < 2*86400:
		return twoUnits(s/3600, "h", s%3600/60, "min")
	}
	return twoUnits(s/86400, "d", s%86400/3600, "h")
}

func twoUnits(n int, unit string, m int, smaller string) string {
	if m == 0 {
		return Thousands(n) + " " + unit
	}
	return fmt.Sprintf("%s %s %d %s", Thousands(n), unit, m, smaller)
}
