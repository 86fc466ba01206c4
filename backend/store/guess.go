package store

import (
	"bytes"
	"strings"

	"outboundmonitor/backend/outbound"
)

// A line mostly has the shape of one before it. To see whether it has is less
// work than to cut it, and its shape need not be looked up: see BenchmarkAppend.

// form is a shape made ready to be compared with lines: in turns, text that
// must be there and a part. The last step has no part.
type form []step

type step struct {
	text string
	part part
}

func newForm(shape string) form {
	var f form
	from := 0
	for i := range len(shape) {
		if b := shape[i]; b <= byte(lastPart) {
			f = append(f, step{shape[from:i], part(b)})
			from = i + 1
		}
	}
	return append(f, step{text: shape[from:]})
}

// fits reports whether e's line has this form, and fills p if so. Each part
// that it takes prints as the very bytes that it was read from.
func (f form) fits(c *cutter, e *outbound.Event, p *parts) bool {
	line := e.Line
	for _, s := range f {
		if len(line) < len(s.text) || string(line[:len(s.text)]) != s.text {
			return false
		}
		line = line[len(s.text):]
		if s.part == 0 {
			break
		}
		n := c.take(s.part, line, e, p)
		if n < 0 {
			return false
		}
		line = line[n:]
	}
	return len(line) == 0
}

// take reads a part at the beginning of line, and tells how many bytes it takes;
// -1 if it is not there.
func (c *cutter) take(m part, line []byte, e *outbound.Event, p *parts) int {
	var buf [48]byte
	var printed []byte
	switch m {
	case partStamp:
		return c.takeStamp(line, e, p)
	case partISO:
		civil, ok := iso(line)
		if apart := civil - e.Time.Unix(); !ok || apart > maxApart || apart < -maxApart {
			return -1
		}
		p.civil, p.stamped = civil, true
		return len("2026-11-05T02:11:03")
	case partMicros:
		if len(line) < 6 {
			return -1
		}
		n, ok := digits(line[:6])
		p.micros = n
		return choose(ok, 6)
	case partUptime:
		end := bytes.IndexByte(line[:min(len(line), 20)], ']')
		if end < 0 {
			return -1
		}
		var ok bool
		p.upSec, p.upMicros, ok = readUptime(line[:end])
		return choose(ok, end)
	case partSrc:
		printed = appendAddr(buf[:0], e.Src)
	case partDst:
		printed = appendAddr(buf[:0], e.Dst)
	default:
		return takeNumber(m, line, e, p)
	}
	return choose(bytes.HasPrefix(line, printed), len(printed))
}

func choose(ok bool, n int) int {
	if ok {
		return n
	}
	return -1
}

// takeStamp is traditional, with what it found last: many lines come within one
// second.
func (c *cutter) takeStamp(line []byte, e *outbound.Event, p *parts) int {
	day := dayNumber(e.Time)
	if len(line) < 16 || line[15] != ' ' {
		return -1
	}
	if day != c.last.day || string(line[:15]) != string(c.last.text[:]) {
		civil, ok := traditional(line, e.Time.UTC().Year())
		if !ok {
			return -1
		}
		c.last.day, c.last.civil = day, civil
		copy(c.last.text[:], line)
	}
	p.civil, p.stamped = c.last.civil, true
	return 15
}

func takeNumber(m part, line []byte, e *outbound.Event, p *parts) int {
	end := 0
	for end < len(line) && digit(line[end]) {
		end++
	}
	n, ok := decimal(line[:end])
	if !ok {
		return -1
	}
	if into := p.number(m); into != nil {
		*into = n
		return end
	}
	return choose(n == numberOf(m, e, p), end)
}

// number gives where a number that is not the event's own belongs, or nil.
func (p *parts) number(m part) *uint32 {
	switch m {
	case partLen:
		return &p.length
	case partLen2:
		return &p.len2
	case partID:
		return &p.id
	case partWindow:
		return &p.window
	case partSeq:
		return &p.seq
	case partAck:
		return &p.ack
	case partFlow:
		return &p.flow
	}
	return nil
}

// guesses are the shapes seen last, by what tells lines of different shapes
// apart.
type guesses [64]struct {
	form form
	at   uint32
}

func guessFor(e *outbound.Event) int {
	n := 0
	if e.Rule != "" {
		n = int(e.Rule[len(e.Rule)-1]) & 15 << 2
	}
	return n | int(b2i(e.Dst.Is4()))<<1 | int(b2i(e.Proto == outbound.TCP))
}

// shape gives the place of the shape of e's line, and the line's parts.
func (o *openRows) shape(e *outbound.Event) (uint32, parts) {
	var p parts
	g := &o.guess[guessFor(e)]
	if g.form != nil && g.form.fits(&o.cut, e, &p) {
		return g.at, p
	}
	text, p := o.cut.cut(e)
	at, ok := o.shapeAt[string(text)]
	if !ok {
		at = uint32(len(o.shapes))
		kept := string(text)
		o.shapes = append(o.shapes, kept)
		o.shapeAt[kept] = at
		o.text += len(kept)
	} else if strings.IndexByte(o.shapes[at], escapePart) != 0 {
		// It came before and may come again.
		g.form, g.at = newForm(o.shapes[at]), at
	}
	return at, p
}
