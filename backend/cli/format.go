package cli

import (
	"strconv"
	"strings"
	"time"
)

// size gives bytes in the largest unit that leaves a whole number.
func size(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for ; f >= 1024 && i < len(units)-1; i++ {
		f /= 1024
	}
	if i == 0 {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[i]
}

const (
	dayTime = "2006-01-02 15:04:05"
	utcTime = dayTime + " UTC"
)

// stamp gives a time with its offset, so that it cannot be misread.
func stamp(t time.Time, zone *time.Location) string {
	if zone == time.UTC {
		return t.In(zone).Format(utcTime)
	}
	return t.In(zone).Format(dayTime + " -0700")
}

// between gives a span of time; what both ends share is said once.
func between(from, to time.Time, zone *time.Location) string {
	from, to = from.In(zone), to.In(zone)
	if from.Format(dayTime) == to.Format(dayTime) {
		return stamp(to, zone)
	}
	first := stamp(from, zone)
	if offset(from) == offset(to) {
		first = from.Format(dayTime)
	}
	last := stamp(to, zone)
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		last = strings.TrimPrefix(last, to.Format(time.DateOnly)+" ")
	}
	return first + " to " + last
}

func offset(t time.Time) int { _, o := t.Zone(); return o }

// clock writes the times of one table. If all have the same offset the heading
// names it, else each cell does: an hour occurs twice in autumn.
type clock struct {
	zone  *time.Location
	mixed bool
	shown string
}

func newClock(zone *time.Location, times []time.Time) clock {
	c := clock{zone: zone}
	for _, t := range times {
		shown := t.In(zone).Format("-0700")
		if c.shown != "" && c.shown != shown {
			c.mixed = true
		}
		c.shown = shown
	}
	return c
}

// heading gives a column's name with the zone.
func (c clock) heading(name string) string {
	switch {
	case c.zone == time.UTC:
		return name + " (UTC)"
	case c.mixed || c.shown == "":
		return name + " (" + zoneName(c.zone) + ")"
	}
	if n := zoneName(c.zone); n != c.shown {
		return name + " (" + n + ", " + c.shown + ")"
	}
	return name + " (" + c.shown + ")"
}

func (c clock) cell(t time.Time) string {
	if c.mixed {
		return t.In(c.zone).Format(dayTime + " -0700")
	}
	return t.In(c.zone).Format(dayTime)
}

// zoneName gives a zone's name; one that was read from the host's own file has
// none.
func zoneName(zone *time.Location) string {
	if n := zone.String(); n != "Local" {
		return n
	}
	return "host's zone"
}

// text gives what s points to, or other.
func text(s *string, other string) string {
	if s == nil || *s == "" {
		return other
	}
	return *s
}
