package outbound

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxTyped bounds what ParseTime and ParseTarget look at, in bytes.
const maxTyped = 128

// stampForms carry their zone.
var stampForms = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04 -0700",
	"2006-01-02T15:04:05-0700", "02/Jan/2006:15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 -0700",
}

// wallForms are in the zone of who typed them.
var wallForms = []string{
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02", "02/Jan/2006:15:04:05",
}

// yearlessForms are syslog's own, after runs of blanks became one.
var yearlessForms = []string{"Jan 2 15:04:05", "Jan 2 15:04"}

var (
	agoForm   = regexp.MustCompile(`^-(?:[0-9]{1,6}[smhdw])+$`)
	agoPart   = regexp.MustCompile(`[0-9]+[smhdw]`)
	epochForm = regexp.MustCompile(`^([0-9]{9,10})(?:\.([0-9]{1,9}))?$`)
	clockForm = regexp.MustCompile(`^[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?$`)
)

// ParseTime reads a time as people type it and logs print it, in UTC: RFC 3339
// and its relatives, "05/Nov/2026:02:11:03 +0100", syslog's "Nov  5 02:11:03"
// (of the nearest year that is not to come), "02:11" (the nearest that is not
// to come), "-15m", "-2d", "-1h30m", "now", and seconds since 1970.
//
// zone is that of a text that names none. A time of day that is left out when
// clocks change is placed as [time.Date] does; one that occurs twice is an
// error, for who asks about the wrong hour is told the wrong name. An error is
// an [Error] with code Invalid that quotes the text.
func ParseTime(text string, zone *time.Location, now time.Time) (time.Time, error) {
	typed := strings.Join(strings.Fields(text), " ")
	t, ok := time.Time{}, false
	if len(text) <= maxTyped {
		t, ok = parseTime(typed, zone, now.In(zone))
	}
	if ok && !zoned(typed) && twice(t) {
		return time.Time{}, &Error{
			Code: Invalid, Message: quoted(text) + " occurs twice in " + zone.String() + ", for the clocks went back",
			Hint: "add which of the two is meant, as +0200 or +0100",
		}
	}
	// Times outside of these years are slips, and JSON cannot carry all.
	if t = t.UTC(); !ok || t.Year() < 1970 || t.Year() > 2199 {
		return time.Time{}, &Error{
			Code: Invalid, Message: quoted(text) + " is not a time",
			Hint: `times look like "2026-11-05 02:11:03 +0100", "2026-11-05T01:11:03Z", "05/Nov/2026:02:11:03 +0100", "Nov  5 02:11:03", "-15m", "-2d" or "now"`,
		}
	}
	return t, nil
}

// zoned reports whether a text names an instant whatever the zone is.
func zoned(typed string) bool {
	if typed == "now" || agoForm.MatchString(typed) || epochForm.MatchString(typed) {
		return true
	}
	return slices.ContainsFunc(stampForms, func(form string) bool {
		_, err := time.Parse(form, typed)
		return err == nil
	})
}

// twice reports whether the clock in t's zone shows t's time of day at another
// instant as well.
func twice(t time.Time) bool {
	start, end := t.ZoneBounds()
	_, now := t.Zone()
	if !start.IsZero() {
		_, before := start.Add(-1).Zone()
		if back := time.Duration(before-now) * time.Second; back > 0 && t.Sub(start) < back {
			return true
		}
	}
	if end.IsZero() {
		return false
	}
	_, after := end.Zone()
	back := time.Duration(now-after) * time.Second
	return back > 0 && end.Sub(t) <= back
}

func parseTime(typed string, zone *time.Location, now time.Time) (time.Time, bool) {
	switch {
	case typed == "now":
		return now, true
	case agoForm.MatchString(typed):
		return ago(typed, now)
	case epochForm.MatchString(typed):
		return epoch(typed)
	case clockForm.MatchString(typed):
		return clock(typed, now)
	}
	for _, form := range stampForms {
		if t, err := time.Parse(form, typed); err == nil {
			return t, true
		}
	}
	for _, form := range wallForms {
		if t, err := time.ParseInLocation(form, typed, zone); err == nil {
			return t, true
		}
	}
	for _, form := range yearlessForms {
		if t, err := time.Parse(form, typed); err == nil {
			return lastYearOf(t, now)
		}
	}
	return time.Time{}, false
}

// ago reads "-1h30m". Days and weeks are of 24 hours.
func ago(typed string, now time.Time) (time.Time, bool) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	var back time.Duration
	for _, part := range agoPart.FindAllString(typed, -1) {
		n, err := strconv.Atoi(part[:len(part)-1])
		unit := units[part[len(part)-1]]
		const most = 200 * 365 * 24 * time.Hour
		if err != nil || time.Duration(n) > most/unit {
			return time.Time{}, false
		}
		if back += time.Duration(n) * unit; back > most {
			return time.Time{}, false
		}
	}
	return now.Add(-back), true
}

func epoch(typed string) (time.Time, bool) {
	whole, frac, _ := strings.Cut(typed, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	ns, err := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	return time.Unix(s, ns), err == nil
}

// clock places a time of day at its nearest occurrence that is not to come.
func clock(typed string, now time.Time) (time.Time, bool) {
	t, err := time.Parse("15:04:05", typed)
	if err != nil {
		if t, err = time.Parse("15:04", typed); err != nil {
			return time.Time{}, false
		}
	}
	for back := range 3 {
		at := time.Date(now.Year(), now.Month(), now.Day()-back, t.Hour(), t.Minute(), t.Second(), 0, now.Location())
		if !at.After(now) {
			return at, true
		}
	}
	return time.Time{}, false
}

// lastYearOf places a stamp without a year at its nearest occurrence that is
// not to come; that of 29 February can lie eight years back.
func lastYearOf(t, now time.Time) (time.Time, bool) {
	for back := range 9 {
		at := time.Date(now.Year()-back, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location())
		if at.Month() == t.Month() && !at.After(now) {
			return at, true
		}
	}
	return time.Time{}, false
}

// ParseTarget reads an address ("203.0.113.22", "2001:db8::1", "[2001:db8::1]")
// or a network ("203.0.113.0/24") as a prefix whose host bits are zero; an
// address is a prefix of full length. IPv4-mapped IPv6 becomes IPv4.
//
// An error is an [Error] with code Invalid that quotes the text.
func ParseTarget(text string) (netip.Prefix, error) {
	bad := &Error{Code: Invalid, Message: quoted(text) + " is not an address", Hint: "an address looks like 203.0.113.22 or 2001:db8::22, a network like 203.0.113.0/24"}
	typed := strings.TrimSpace(text)
	if len(typed) > maxTyped {
		return netip.Prefix{}, bad
	}
	if inner, ok := strings.CutPrefix(typed, "["); ok {
		if typed, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Prefix{}, bad
		}
	}
	if strings.Contains(typed, "/") {
		p, err := netip.ParsePrefix(typed)
		if err != nil || p.Addr().Is4In6() && p.Bits() < 96 {
			return netip.Prefix{}, bad
		}
		if p.Addr().Is4In6() {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(typed)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, bad
	}
	return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
}

// quoted gives the beginning of a text that was typed, in printable ASCII.
func quoted(text string) string {
	const most = 80
	if len(text) > most {
		return fmt.Sprintf("%+q...", text[:most])
	}
	return fmt.Sprintf("%+q", text)
}
