package kernlog

import (
	"fmt"
	"time"
)

// Stamp is what a log line says of its time, as a civil date: nothing is known
// of the zone unless Zoned.
type Stamp struct {
	// Year is 0 if the line has none, as in "Nov  5 02:11:03".
	Year                             int16
	Month, Day, Hour, Minute, Second uint8
	// Zoned is true if the line gives an offset from UTC; Offset is that, in
	// seconds east.
	Zoned  bool
	Offset int32
	Micro  int32
}

// String gives the stamp in the form that it was read from.
func (s Stamp) String() string {
	clock := fmt.Sprintf("%02d:%02d:%02d", s.Hour, s.Minute, s.Second)
	if s.Year == 0 {
		return fmt.Sprintf("%.3s %2d %s", time.Month(s.Month), s.Day, clock)
	}
	sign, off := '+', s.Offset
	if off < 0 {
		sign, off = '-', -off
	}
	return fmt.Sprintf("%04d-%02d-%02dT%s.%06d%c%02d:%02d", s.Year, s.Month, s.Day, clock, s.Micro, sign, off/3600, off/60%60)
}

// ParseStamp reads the stamp at the beginning of any log line: RFC 3164's, with
// the day padded by a blank, or RFC 3339's with up to nine digits of fraction.
func ParseStamp(line []byte) (Stamp, bool) {
	s, at := stamp(line)
	return s, at > 0 && at < len(line) && line[at] == ' '
}

// traditionalLen is the length of "Nov  5 02:11:03".
const traditionalLen = 15

// stamp gives the stamp and where it ends, negative if there is none.
func stamp(line []byte) (Stamp, int) {
	if len(line) < traditionalLen {
		return Stamp{}, -1
	}
	if line[0] >= 'A' {
		return traditional(line)
	}
	return rfc3339(line)
}

func traditional(line []byte) (s Stamp, end int) {
	s.Month = month(line[0], line[1], line[2])
	tens, units := line[4]-'0', line[5]-'0'
	if line[4] == ' ' {
		tens = 0
	} else if tens == 0 {
		return Stamp{}, -1
	}
	s.Day = tens*10 + units
	if s.Month == 0 || tens > 3 || units > 9 || line[3] != ' ' || line[6] != ' ' || !s.clock(line[7:]) || !s.dated() {
		return Stamp{}, -1
	}
	return s, traditionalLen
}

// month gives the number of a month by its English short name, 0 for none.
func month(a, b, c byte) uint8 {
	switch uint32(a)<<16 | uint32(b)<<8 | uint32(c) {
	case 'J'<<16 | 'a'<<8 | 'n':
		return 1
	case 'F'<<16 | 'e'<<8 | 'b':
		return 2
	case 'M'<<16 | 'a'<<8 | 'r':
		return 3
	case 'A'<<16 | 'p'<<8 | 'r':
		return 4
	case 'M'<<16 | 'a'<<8 | 'y':
		return 5
	case 'J'<<16 | 'u'<<8 | 'n':
		return 6
	case 'J'<<16 | 'u'<<8 | 'l':
		return 7
	case 'A'<<16 | 'u'<<8 | 'g':
		return 8
	case 'S'<<16 | 'e'<<8 | 'p':
		return 9
	case 'O'<<16 | 'c'<<8 | 't':
		return 10
	case 'N'<<16 | 'o'<<8 | 'v':
		return 11
	case 'D'<<16 | 'e'<<8 | 'c':
		return 12
	}
	return 0
}

// clock reads "02:11:03". A leap second is not accepted: the clocks that stamp
// log lines do not show one.
func (s *Stamp) clock(b []byte) bool {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return false
	}
	b = b[:8]
	h1, h, m1, m, s1, sec := b[0]-'0', b[1]-'0', b[3]-'0', b[4]-'0', b[6]-'0', b[7]-'0'
	s.Hour, s.Minute, s.Second = h1*10+h, m1*10+m, s1*10+sec
	return h1 < 3 && h < 10 && m1 < 6 && m < 10 && s1 < 6 && sec < 10 && s.Hour < 24
}

func two(a, b byte) (uint8, bool) {
	a, b = a-'0', b-'0'
	return a*10 + b, a <= 9 && b <= 9
}

// monthDays gives the days of each month in a leap year.
var monthDays = [13]uint8{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// dated reports whether the day exists. Without a year 29 February does.
func (s *Stamp) dated() bool {
	if s.Month < 1 || s.Month > 12 || s.Day < 1 || s.Day > monthDays[s.Month] {
		return false
	}
	return !s.leapDay() || s.Year == 0 || leap(int(s.Year))
}

func (s *Stamp) leapDay() bool { return s.Month == 2 && s.Day == 29 }

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// rfc3339 reads "2026-11-05T02:11:03.204417+01:00".
func rfc3339(line []byte) (s Stamp, end int) {
	if len(line) < len("2026-11-05T02:11:03Z") || line[4] != '-' || line[7] != '-' || line[10] != 'T' {
		return Stamp{}, -1
	}
	century, ok1 := two(line[0], line[1])
	year, ok2 := two(line[2], line[3])
	mon, ok3 := two(line[5], line[6])
	day, ok4 := two(line[8], line[9])
	s.Year, s.Month, s.Day = int16(century)*100+int16(year), mon, day
	if !ok1 || !ok2 || !ok3 || !ok4 || s.Year == 0 || !s.clock(line[11:]) || !s.dated() {
		return Stamp{}, -1
	}
	at := s.fraction(line, len("2026-11-05T02:11:03"))
	if at < 0 {
		return Stamp{}, -1
	}
	return s, s.zone(line, at)
}

// fraction reads ".204417", one to nine digits or nothing, and gives where it
// ends. Event times go to the microsecond; what is finer is cut off.
func (s *Stamp) fraction(line []byte, at int) int {
	if line[at] != '.' {
		return at
	}
	at++
	n := 0
	for at < len(line) && line[at]-'0' <= 9 {
		if n < 6 {
			s.Micro = s.Micro*10 + int32(line[at]-'0')
		}
		n++
		at++
	}
	if n == 0 || n > 9 {
		return -1
	}
	for ; n < 6; n++ {
		s.Micro *= 10
	}
	return at
}

// zone reads "Z" or "+01:00" and gives where it ends, negative if none is here.
func (s *Stamp) zone(line []byte, at int) int {
	if at >= len(line) {
		return -1
	}
	s.Zoned = true
	if line[at] == 'Z' {
		return at + 1
	}
	if len(line)-at < len("+01:00") || line[at+3] != ':' || line[at] != '+' && line[at] != '-' {
		return -1
	}
	h, ok1 := two(line[at+1], line[at+2])
	m, ok2 := two(line[at+4], line[at+5])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return -1
	}
	s.Offset = (int32(h)*60 + int32(m)) * 60
	if line[at] == '-' {
		s.Offset = -s.Offset
	}
	return at + len("+01:00")
}
