package web

import (
	"fmt"
	"math"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageTime is one time as a page shows it: never without its zone, and with
// the same time in the other zone at hand.
type pageTime struct {
	Text, Zone, ISO, Other string
}

// time gives t in the zone that the viewer chose, to the second.
func (q *pageRequest) time(t time.Time) *pageTime { return q.timeAs(t, time.DateTime) }

// timeFine gives t to the millisecond, for rows.
func (q *pageRequest) timeFine(t time.Time) *pageTime { return q.timeAs(t, "2006-01-02 15:04:05.000") }

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
		return pageUnits(s, 60, "min", 1, "s")
	case s < 48*3600:
		return pageUnits(s, 3600, "h", 60, "min")
	}
	return pageUnits(s, 24*3600, "days", 3600, "h")
}

func pageUnits(s, big int64, bigName string, small int64, smallName string) string {
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
