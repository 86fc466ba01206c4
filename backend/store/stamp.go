package store

import (
	"bytes"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// maxApart is how far a stamp may lie from the event's time, in seconds: the
// difference is kept in 32 bits.
const maxApart = 1<<31 - 1

// stamp cuts the stamp at the beginning of a line.
func (c *cutter) stamp(line []byte, e *outbound.Event, p *parts) []byte {
	if civil, ok := traditional(line, e.Time.UTC().Year()); ok {
		p.civil, p.stamped = civil, true
		c.shape = append(c.shape, byte(partStamp))
		return line[15:]
	}
	civil, ok := iso(line)
	if apart := civil - e.Time.Unix(); !ok || apart > maxApart || apart < -maxApart {
		return line
	}
	p.civil, p.stamped = civil, true
	c.shape = append(c.shape, byte(partISO))
	line = line[19:]
	if len(line) > 7 && line[0] == '.' && !digit(line[7]) {
		if n, ok := digits(line[1:7]); ok {
			p.micros = n
			c.shape = append(c.shape, '.', byte(partMicros))
			return line[7:]
		}
	}
	return line
}

// traditional reads "Nov  5 02:11:03 " as civil seconds of the year given.
func traditional(b []byte, year int) (int64, bool) {
	if len(b) < 16 || b[3] != ' ' || b[6] != ' ' || b[9] != ':' || b[12] != ':' || b[15] != ' ' {
		return 0, false
	}
	at := bytes.Index([]byte(months), b[:3])
	if at < 0 || at%3 != 0 {
		return 0, false
	}
	day, ok := uint32(0), true
	if b[4] == ' ' {
		day, ok = digits(b[5:6])
	} else if day, ok = digits(b[4:6]); day < 10 {
		return 0, false
	}
	hour, ok1 := digits(b[7:9])
	minute, ok2 := digits(b[10:12])
	second, ok3 := digits(b[13:15])
	if !ok || !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	return civilSeconds(year, at/3+1, day, hour, minute, second)
}

// iso reads "2026-11-05T02:11:03" as civil seconds.
func iso(b []byte) (int64, bool) {
	if len(b) < 20 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[0] == '0' {
		return 0, false
	}
	year, ok0 := digits(b[0:4])
	month, ok1 := digits(b[5:7])
	day, ok2 := digits(b[8:10])
	hour, ok3 := digits(b[11:13])
	minute, ok4 := digits(b[14:16])
	second, ok5 := digits(b[17:19])
	if !ok0 || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return 0, false
	}
	return civilSeconds(int(year), int(month), day, hour, minute, second)
}

// civilSeconds refuses what would not print as the same text again.
func civilSeconds(year, month int, day, hour, minute, second uint32) (int64, bool) {
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), int(day), int(hour), int(minute), int(second), 0, time.UTC)
	return t.Unix(), t.Day() == int(day)
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

func digits(v []byte) (uint32, bool) {
	var n uint32
	for _, b := range v {
		if !digit(b) {
			return 0, false
		}
		n = n*10 + uint32(b-'0')
	}
	return n, true
}

// uptime cuts the kernel's "[ 1088.668278]", which is "[%5lu.%06lu]".
//
// Source: print_time in Linux kernel/printk/printk.c.
func (c *cutter) uptime(line []byte, p *parts) []byte {
	at := bytes.IndexByte(line, '[')
	if at < 0 || at > 200 {
		return line
	}
	end := bytes.IndexByte(line[at:], ']')
	if end < 0 || end > 20 {
		return line
	}
	s, u, ok := readUptime(line[at+1 : at+end])
	if !ok {
		return line
	}
	p.upSec, p.upMicros = s, u
	c.shape = append(append(c.shape, line[:at+1]...), byte(partUptime))
	return line[at+end:]
}

// readUptime reads what appendUptime prints, and nothing else.
func readUptime(text []byte) (sec, micros uint32, ok bool) {
	dot := len(text) - 7
	if dot < 5 || text[dot] != '.' {
		return 0, 0, false
	}
	sec, ok1 := decimal(bytes.TrimLeft(text[:dot], " "))
	micros, ok2 := digits(text[dot+1:])
	var buf [24]byte
	return sec, micros, ok1 && ok2 && bytes.Equal(appendUptime(buf[:0], sec, micros), text)
}

func appendUptime(dst []byte, sec, micros uint32) []byte {
	for limit := uint32(10000); sec < limit && limit > 1; limit /= 10 {
		dst = append(dst, ' ')
	}
	dst = strconv.AppendUint(dst, uint64(sec), 10)
	return appendPadded(append(dst, '.'), micros, 6)
}

func appendPadded(dst []byte, n uint32, width int) []byte {
	var buf [10]byte
	for i := width - 1; i >= 0; i-- {
		buf[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, buf[:width]...)
}
