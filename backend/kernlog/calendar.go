package kernlog

// Seconds.
const (
	minute   = 60
	hour     = 60 * minute
	day      = 24 * hour
	month31  = 31 * day
	leapYear = 366 * day
	halfYear = leapYear / 2
)

// yearDays gives the days before each month in a leap year.
var yearDays = [13]int{0, 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335}

// inYear gives how far into its year a stamp is, in seconds, as if each year
// had a 29 February: only the order matters.
func (s *Stamp) inYear() int {
	return (yearDays[s.Month]+int(s.Day)-1)*day + int(s.Hour)*hour + int(s.Minute)*minute + int(s.Second)
}

// calendar counts the years that pass from line to line. Its zero value has
// seen no line.
//
// Going back by more than half a year is a New Year; going back by less is
// disorder. A jump there and back again is disorder too: one line with a date
// of its own does not date the lines after it.
type calendar struct {
	seen bool
	// year is the year of the last line, counted from the first line's.
	year int
	last int
	// jumped is set by a jump of more than half a year that was not undone;
	// from and before are the last line's place and year before it.
	jumped       bool
	from, before int
	back         bool
}

// step takes the next line's place in its year and gives its year.
func (c *calendar) step(at int) int {
	moved := at - c.last
	if c.seen && (moved > halfYear || moved < -halfYear) {
		c.jump(at, moved < 0)
	}
	c.seen, c.last = true, at
	return c.year
}

func (c *calendar) jump(at int, back bool) {
	if c.jumped && c.back != back && at >= c.from-day && at <= c.from+month31 {
		c.year, c.jumped = c.before, false
		return
	}
	c.jumped, c.back, c.from, c.before = true, back, c.last, c.year
	switch {
	case back:
		c.year++
	case c.last+leapYear-at <= day:
		// A line of last year's that came late.
		c.year--
	}
}

// stepFrom is step, for a line that gives its year in case it is the first.
func (c *calendar) stepFrom(at, year int) {
	if !c.seen {
		c.year = year
	}
	c.step(at)
}

// set takes a line whose year is known.
func (c *calendar) set(at, year int) {
	*c = calendar{seen: true, year: year, last: at}
}

// shift makes the years count from another one.
func (c *calendar) shift(by int) {
	c.year += by
	c.before += by
}
