package store

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"outboundmonitor/backend/outbound"
)

// maxForms is how many shapes a cutter remembers.
const maxForms = 8

// form is a shape made ready for comparing lines with it.
type form struct {
	text   string
	pieces []piece
	tail   string // what follows the last part
	// rows is where the shape has the index at in its dictionary.
	rows *openRows
	at   uint32
}

// piece is the text before a part, and the part.
type piece struct {
	before string
	part   part
}

func newForm(shape string) *form {
	f := &form{text: shape, tail: shape}
	if shape != "" && shape[0] == escapePart {
		return f
	}
	from := 0
	for i := range len(shape) {
		if b := shape[i]; b <= byte(lastPart) {
			f.pieces = append(f.pieces, piece{shape[from:i], part(b)})
			from = i + 1
		}
	}
	f.tail = shape[from:]
	return f
}

// match gives the parts of e's line if the line has this shape: if rendering
// the shape with them gives the very same bytes.
func (f *form) match(e *outbound.Event) (p parts, ok bool) {
	if len(f.pieces) == 0 {
		return p, false
	}
	line := e.Line
	for _, x := range f.pieces {
		if len(line) < len(x.before) || string(line[:len(x.before)]) != x.before {
			return p, false
		}
		n := p.read(line[len(x.before):], x.part, e)
		if n == 0 {
			return p, false
		}
		line = line[len(x.before)+n:]
	}
	return p, string(line) == f.tail
}

// read takes a part from the beginning of line and gives its length; 0 if it
// is not there in the form in which it would be printed.
func (p *parts) read(line []byte, m part, e *outbound.Event) int {
	switch m {
	case partStamp:
		var ok bool
		p.civil, ok = traditional(line, e.Time.Year())
		p.stamped = ok
		return 15 * int(b2i(ok))
	case partISO:
		var ok bool
		p.civil, ok = iso(line)
		apart := p.civil - e.Time.Unix()
		p.stamped = ok && apart <= maxApart && apart >= -maxApart
		return 19 * int(b2i(p.stamped))
	case partMicros:
		if len(line) < 6 || len(line) > 6 && digit(line[6]) {
			return 0
		}
		var ok bool
		p.micros, ok = digits(line[:6])
		return 6 * int(b2i(ok))
	case partUptime:
		return p.readUptime(line)
	case partSrc:
		return readAddr(line, e.Src)
	case partDst:
		return readAddr(line, e.Dst)
	}
	n, size := leading(line)
	if size > 0 && !p.put(m, n, e) {
		return 0
	}
	return size
}

// put keeps a number, or compares it where the event holds it already.
func (p *parts) put(m part, n uint32, e *outbound.Event) bool {
	switch m {
	case partLen:
		p.length = n
	case partLen2:
		p.len2 = n
	case partID:
		p.id = n
	case partWindow:
		p.window = n
	case partSeq:
		p.seq = n
	case partAck:
		p.ack = n
	case partFlow:
		p.flow = n
	default:
		return n == numberOf(m, e, p)
	}
	return true
}

// leading reads the number at the beginning of b: digits without a leading
// zero that fit 32 bits.
func leading(b []byte) (n uint32, size int) {
	var x uint64
	for size < len(b) && size < 11 && digit(b[size]) {
		x = x*10 + uint64(b[size]-'0')
		size++
	}
	if size == 0 || size > 10 || x >= 1<<32 || b[0] == '0' && size > 1 {
		return 0, 0
	}
	return uint32(x), size
}

// readUptime reads "%5lu.%06lu".
func (p *parts) readUptime(b []byte) int {
	blanks := 0
	for blanks < len(b) && blanks < 4 && b[blanks] == ' ' {
		blanks++
	}
	sec, size := leading(b[blanks:])
	at := blanks + size
	if size == 0 || at < 5 || blanks > 0 && at != 5 || len(b) < at+8 || b[at] != '.' || digit(b[at+7]) {
		return 0
	}
	micros, ok := digits(b[at+1 : at+7])
	if !ok {
		return 0
	}
	p.upSec, p.upMicros = sec, micros
	return at + 7
}

// readAddr compares the text of an address.
func readAddr(b []byte, want netip.Addr) int {
	if !want.Is4() {
		var buf [40]byte
		text := appendAddr(buf[:0], want)
		if !bytes.HasPrefix(b, text) || len(b) > len(text) && b[len(text)] != ' ' {
			return 0
		}
		return len(text)
	}
	b4 := want.As4()
	have, at := uint32(0), 0
	for i := range 4 {
		n, size := leading(b[at:])
		if size == 0 || n > 255 {
			return 0
		}
		have = have<<8 | n
		at += size
		if i < 3 {
			if at >= len(b) || b[at] != '.' {
				return 0
			}
			at++
		}
	}
	if have != binary.BigEndian.Uint32(b4[:]) {
		return 0
	}
	return at
}
