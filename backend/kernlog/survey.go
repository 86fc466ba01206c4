package kernlog

import (
	"bytes"
	"slices"
	"time"
)

// Survey finds out in which year a log without years begins, from its lines in
// their order (a sample will do) and the file's own time. Its zero value is
// ready.
type Survey struct {
	// years counts from the first stamp without a year.
	years calendar
	// begun is true once a stamp without a year was seen; dated counts those
	// with a year that came before.
	begun bool
	dated int
	// ends are the last stamps without a year, of seen.
	ends [33]placed
	seen int
	// leapDays says which years have a 29 February, modulo 4.
	leapDays [4]bool
	// claims counts, for each year that the first stamp could have, the stamps
	// with a year that speak for it.
	claims map[int]int
}

// See takes the next line. One without a stamp tells nothing.
func (v *Survey) See(line []byte) {
	s, ok := ParseStamp(line)
	if !ok {
		return
	}
	if s.Year != 0 && !v.begun {
		v.years.set(s.inYear(), int(s.Year))
		v.dated++
		return
	}
	year := v.years.step(s.inYear())
	if s.Year != 0 {
		if syslogLine(line) {
			v.claim(int(s.Year)-year, 1)
		}
		return
	}
	if !v.begun && v.dated > 0 {
		v.claim(year, v.dated)
		v.years.shift(-year)
		year = 0
	}
	v.begun = true
	v.ends[v.seen%len(v.ends)] = placed{s, year}
	v.seen++
	if s.leapDay() {
		v.leapDays[(year%4+4)%4] = true
	}
}

func (v *Survey) claim(year, voices int) {
	if v.claims == nil {
		v.claims = map[int]int{}
	}
	v.claims[year] += voices
}

// FirstYear gives the year of the first stamp without one, and 0 if there was
// none. modified is the file's own time and zone the host's: the last line is
// at most a day later than modified, which leaves room for a clock that was
// wrong. Stamps that give their year count for more, each as one voice.
func (v *Survey) FirstYear(modified time.Time, zone *time.Location) int {
	if !v.begun {
		return 0
	}
	best, voices := 0, 0
	for year, n := range v.claims {
		if n > voices || n == voices && year > best {
			best, voices = year, n
		}
	}
	end := v.end()
	limit := modified.Add(day * time.Second)
	if voices >= leastVoices && !end.stamp.in(best+end.year, zone).After(limit) {
		return best
	}
	year := modified.In(zone).Year() + 1
	for end.stamp.in(year, zone).After(limit) {
		year--
	}
	return v.leapYear(year - end.year)
}

// leastVoices is how many lines with a year date those without: one alone may
// be anything that somebody had logged.
const leastVoices = 3

// placed is a stamp and its year, counted from the first.
type placed struct {
	stamp Stamp
	year  int
}

// end is where the log ends: the middle one of the last stamps, for a single
// one may be of a clock that was wrong.
func (v *Survey) end() placed {
	last := slices.Clone(v.ends[:min(v.seen, len(v.ends))])
	slices.SortFunc(last, func(a, b placed) int {
		return (a.year-b.year)*leapYear + a.stamp.inYear() - b.stamp.inYear()
	})
	return last[len(last)/2]
}

// syslogLine reports whether a stamp, a host and a tag begin the line.
func syslogLine(line []byte) bool {
	words := bytes.SplitN(line, []byte(" "), 4)
	return len(words) > 3 && bytes.HasSuffix(words[2], []byte(":"))
}

// leapYear gives the last year not after first in which each 29 February that
// was seen exists, and first itself if there is none: no order of lines makes
// sense then.
func (v *Survey) leapYear(first int) int {
	for year := first; year > first-9; year-- {
		if v.hasLeapDays(year) {
			return year
		}
	}
	return first
}

func (v *Survey) hasLeapDays(first int) bool {
	for k, seen := range v.leapDays {
		if seen && !leap(first+k) {
			return false
		}
	}
	return true
}

// in gives a stamp's time in a year; exact enough to tell years apart.
func (s *Stamp) in(year int, zone *time.Location) time.Time {
	return time.Date(year, time.Month(s.Month), int(s.Day), int(s.Hour), int(s.Minute), int(s.Second), 0, zone)
}
