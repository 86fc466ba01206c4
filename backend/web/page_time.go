package web

import (
	"fmt"
	"math"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageTime is one time as a page shows it, with the same time in the other
// zone at hand. Zone is empty where a heading names it.
type pageTime struct {
	Text, Zone, ISO, Other string
}

// time gives t in the zone that the viewer chose, to the second.
func (q *pageRequest) time(t time.Time) *pageTime { return q.timeAs(t, time.DateTime) }

// timeFine gives t with the fraction of a second that it has, for rows: many
// logs have none.
func (q *pageRequest) timeFine(t time.Time) *pageTime {
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return q.time(t)
	case ns%int(time.Millisecond) == 0:
		return q.timeAs(t, time.DateTime+".000")
	}
	return q.timeAs(t, time.DateTime+".000000")
}

// headZone names the zone of the times of one table for its heading. Where all
// have the same, it is taken from each of them; else each keeps its own: an
// hour occurs twice in autumn.
func (q *pageRequest) headZone(times ...*pageTime) string {
	for _, t := range times {
		if t.Zone != times[0].Zone {
			if name := q.zone.String(); name != "Local" {
				return name
			}
			return "server time"
		}
	}
	if len(times) == 0 {
		return q.now.In(q.zone).Format("MST")
	}
	zone := times[0].Zone
	for _, t := range times {
		t.Zone = ""
	}
	return zone
}

func (q *pageRequest) timeAs(t time.Time, layout string) *pageTime {
	here := t.In(q.zone)
	other := t.UTC()
	if q.zone == time.UTC {
		other = t.In(q.p.Zone)
	}
	return &pageTime{here.Format(layout), here.Format("MST"), t.UTC().Format(time.RFC3339Nano), other.Format(layout + " MST")}
}

// timeOr gives nil for nil.
func (q *pageRequest) timeOr(t *time.Time) *pageTime {
	if t == nil {
		return nil
	}
	return q.time(*t)
}

// String gives the time with its zone, for a sentence.
func (t *pageTime) String() string {
	if t == nil {
		return ""
	}
	return t.Text + " " + t.Zone
}

// pageStamp is a time as it stands in an address: absolute and in UTC.
func pageStamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// pageSpan gives a duration in words, in at most two units.
func pageSpan(d time.Duration) string {
	s := int64(math.Round(d.Seconds()))
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", max(s, 0))
	case s < 3600:
		return pageTwoUnits(s, 60, "min", 1, "s")
	case s < 48*3600:
		return pageTwoUnits(s, 3600, "h", 60, "min")
	}
	return pageTwoUnits(s, 24*3600, "days", 3600, "h")
}

func pageTwoUnits(s, big int64, bigName string, small int64, smallName string) string {
	if rest := s % big / small; rest > 0 {
		return fmt.Sprintf("%d %s %d %s", s/big, bigName, rest, smallName)
	}
	return fmt.Sprintf("%d %s", s/big, bigName)
}

// parse reads a time that a person typed, in the zone that he chose. One that
// counts from now is taken to the second: nobody means the fraction.
func (q *pageRequest) parse(text string) (time.Time, error) {
	return outbound.ParseTime(text, q.zone, q.now.Truncate(time.Second))
}
