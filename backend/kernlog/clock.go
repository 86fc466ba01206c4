package kernlog

import (
	"time"

	"outboundmonitor/backend/outbound"
)

// Clock places the stamps of one log, given in the order of its lines, in time.
// It is not for use by several goroutines at once.
type Clock struct {
	zone      *time.Location
	following bool
	// firstYear is the year of the first stamp without one, 0 if not known;
	// begun is true once that stamp was placed.
	firstYear int
	begun     bool
	years     calendar
	// last is the last line's time in Unix seconds.
	last int64
	// stable is where the zone has the offset and no change of it is near: the
	// civil times from stable to stableEnd, read as if they were UTC.
	stable, stableEnd, offset int64
	// cached is true if stamp, less its fraction, was placed at second.
	cached bool
	stamp  Stamp
	second int64
	basis  outbound.TimeBasis
}

// How near the clock takes things to be.
const (
	// live is how long after it was written a followed line is read at most.
	live = 10 * minute
	// disorder is how far lines go back without it meaning anything.
	disorder = minute
)

// Importing gives a clock for a log that was written before. zone is that of
// stamps without an offset, and firstYear what [Survey.FirstYear] gave.
//
// firstYear belongs to the log's first stamp without a year, which a line of
// another program may bear: the first stamp given to [Clock.Time] has to be
// that one, or a New Year between it and our first line goes unseen.
func Importing(zone *time.Location, firstYear int) *Clock {
	return &Clock{zone: zone, firstYear: firstYear}
}

// Following gives a clock for a log that is read while it is written. zone is
// that of stamps without an offset.
func Following(zone *time.Location) *Clock {
	return &Clock{zone: zone, following: true}
}

// Time gives when a line was written, in UTC, and how that was found. received
// is when the line was read.
//
// It returns a [*Fault] of kind Future if that is more than a day after
// received, and of kind Damaged for a 29 February in a year that has none.
func (c *Clock) Time(s Stamp, received time.Time) (time.Time, outbound.TimeBasis, error) {
	now, micro := received.Unix(), s.Micro
	s.Micro = 0
	if !c.cached || s != c.stamp || !c.holds(now) {
		c.cached = false
		second, basis, ok := c.place(s, now)
		if !ok {
			return time.Time{}, 0, &Fault{Kind: Damaged, Field: "stamp", Input: s.String()}
		}
		c.stamp, c.second, c.basis, c.cached = s, second, basis, true
	}
	if c.second > now+day {
		c.cached = false
		return time.Time{}, 0, &Fault{Kind: Future, Field: "stamp", Input: s.String()}
	}
	c.last = c.second
	return time.Unix(c.second, int64(micro)*1000).UTC(), c.basis, nil
}

// holds reports whether what is cached would be found again at now.
func (c *Clock) holds(now int64) bool {
	return !c.following || c.stamp.Zoned || c.basis == outbound.Stamp && now-c.second <= day && c.second-now <= day
}

// place gives the second of a stamp. ok is false for a day that does not exist.
func (c *Clock) place(s Stamp, now int64) (second int64, basis outbound.TimeBasis, ok bool) {
	if s.Zoned {
		// Its year is not taken over: one line with a false year would date
		// all that follow.
		c.years.stepFrom(s.inYear(), int(s.Year))
		return s.civil(int(s.Year)) - int64(s.Offset), outbound.Stamp, true
	}
	if c.following {
		second, sure, ok := c.near(s, now)
		return second, basisOf(sure, now-second <= day && second-now <= day), ok
	}
	year := c.year(s, now)
	if s.leapDay() && !leap(year) {
		return 0, 0, false
	}
	second, sure := c.local(s.civil(year), now)
	return second, basisOf(sure, false), true
}

func basisOf(sure, year bool) outbound.TimeBasis {
	switch {
	case !sure:
		return outbound.AmbiguousDST
	case !year:
		return outbound.InferredYear
	}
	return outbound.Stamp
}

// year gives the year of an imported stamp that has none.
func (c *Clock) year(s Stamp, now int64) int {
	if !c.begun && c.firstYear != 0 {
		c.years.set(s.inYear(), c.firstYear)
	} else if !c.years.seen {
		second, _, _ := c.near(s, now)
		c.years.set(s.inYear(), time.Unix(second, 0).In(c.zone).Year())
	}
	c.begun = true
	return c.years.step(s.inYear())
}

// near places a stamp without a year in the last year in which it does not lie
// in the future. One that is less than a month ahead is left there: a clock
// that was wrong is likelier than a line that is eleven months old.
func (c *Clock) near(s Stamp, now int64) (second int64, sure, ok bool) {
	next := time.Unix(now, 0).In(c.zone).Year() + 1
	for year := next; year > next-10; year-- {
		if s.leapDay() && !leap(year) {
			continue
		}
		second, sure = c.local(s.civil(year), now)
		if second <= now+month31 {
			return second, sure, true
		}
	}
	return 0, false, false
}

// civil gives the stamp in Unix seconds, as if it were UTC.
func (s *Stamp) civil(year int) int64 { return s.in(year, time.UTC).Unix() }

// local gives the time at which the zone's clocks showed a civil time, in Unix
// seconds. sure is false if they showed it twice or, in spring, not at all.
func (c *Clock) local(civil, now int64) (second int64, sure bool) {
	if civil >= c.stable && civil < c.stableEnd {
		return civil - c.offset, true
	}
	// No zone is more than a day off UTC, nor changes twice in four days.
	before, after := c.offsetAt(civil-2*day), c.offsetAt(civil+2*day)
	if before == after {
		c.stable, c.stableEnd, c.offset = civil-day, civil+day, before
		return civil - before, true
	}
	old, young := civil-before, civil-after
	wasOld, wasYoung := c.offsetAt(old) == before, c.offsetAt(young) == after
	switch {
	case wasOld && wasYoung:
		return c.pass(old, young, now), false
	case wasOld:
		return old, true
	case wasYoung:
		return young, true
	}
	// The hour that spring leaves out: as if the clocks had not been put on.
	return old, false
}

func (c *Clock) offsetAt(second int64) int64 {
	_, offset := time.Unix(second, 0).In(c.zone).Zone()
	return int64(offset)
}

// pass tells which of the two times at which the clocks showed the same it was.
// It was the first one if the second is yet to come, the second one if that is
// just now, and otherwise the first for as long as the lines do not go back.
// After a line of the second pass all are of that one: that a quiet hour goes by
// is likelier than that lines change places across the change.
func (c *Clock) pass(first, second, now int64) int64 {
	switch {
	case second > now+disorder:
		return first
	case c.following && now-second <= live:
		return second
	case c.last < first-day || c.last > second+day:
		return first
	case first >= c.last-disorder && c.offsetAt(c.last) == c.offsetAt(first):
		return first
	}
	return second
}
