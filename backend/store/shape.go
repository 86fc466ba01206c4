package store

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// A line is kept as its shape (the line with its changing parts cut out) and
// the parts. Most lines of a server have one of a few shapes. What the shape
// does not recognise stays in it, so every line comes back byte for byte,
// whatever it says.

// part is a mark in a shape that stands for a changing part of the line. The
// values are those of FORMAT.md.
type part byte

const (
	partStamp   part = 1 + iota // "Nov  5 02:11:03", civil time
	partMicros                  // the six digits after a stamp's seconds
	partUptime                  // "1088.668278" padded to 12, as the kernel prints it
	partSrc                     // SRC=
	partDst                     // DST=
	partLen                     // the first LEN=
	partID                      // ID=
	partSrcPort                 // SPT=
	partDstPort                 // DPT=
	partWindow                  // WINDOW=
	partUID                     // UID=
	partGID                     // GID=
	partSeq                     // SEQ=
	partAck                     // ACK=
	partFlow                    // FLOWLBL=
	partLen2                    // the second LEN=, of UDP
	partISO                     // "2026-11-05T02:11:03", civil time
	lastPart    = partISO
)

// parts are the numbers that were cut out of one line. Addresses, ports, UID
// and GID are the event's own and not repeated here.
type parts struct {
	// civil is the stamp as written, in seconds, as if it were in UTC and, for
	// a stamp without a year, in the event's year. stamped says that there is
	// one.
	civil      int64
	stamped    bool
	micros     uint32
	upSec      uint32
	upMicros   uint32
	length     uint32
	id         uint32
	window     uint32
	seq, ack   uint32
	flow, len2 uint32
}

// cutter cuts lines. It is not safe for concurrent use.
type cutter struct {
	shape []byte
	seen  uint32 // the parts already cut out of this line, as bits
	// forms are the shapes met last, the last one first: most lines have one
	// of a handful, and comparing is four times as fast as cutting.
	forms []*form
}

// cut gives the form of e's line and its parts.
func (c *cutter) cut(e *outbound.Event) (*form, parts) {
	for i, f := range c.forms {
		if p, ok := f.match(e); ok {
			if i > 0 {
				copy(c.forms[1:i+1], c.forms[:i])
				c.forms[0] = f
			}
			return f, p
		}
	}
	shape, p := c.parse(e)
	f := newForm(string(shape))
	if len(c.forms) < maxForms {
		c.forms = append(c.forms, nil)
	}
	copy(c.forms[1:], c.forms)
	c.forms[0] = f
	return f, p
}

// parse cuts a line of a shape that is not known.
func (c *cutter) parse(e *outbound.Event) ([]byte, parts) {
	var p parts
	c.seen = 0
	c.shape = c.shape[:0]
	line := e.Line
	if hasControl(line) {
		return c.raw(line), p
	}
	line = c.stamp(line, e, &p)
	line = c.uptime(line, &p)
	for len(line) > 0 {
		at := bytes.IndexByte(line, '=')
		if at < 0 {
			break
		}
		key := line[:at]
		if sp := bytes.LastIndexByte(key, ' '); sp >= 0 {
			key = key[sp+1:]
		}
		c.shape = append(c.shape, line[:at+1]...)
		line = line[at+1:]
		end := bytes.IndexByte(line, ' ')
		if end < 0 {
			end = len(line)
		}
		if m := c.value(key, line[:end], e, &p); m != 0 {
			c.shape = append(c.shape, byte(m))
			c.seen |= 1 << m
			line = line[end:]
		}
	}
	c.shape = append(c.shape, line...)
	return c.shape, p
}

// escapePart begins the shape of a line that holds bytes which a shape gives a
// meaning: the rest of the shape is the line itself.
const escapePart = 0x1f

// hasControl reports whether a line holds a byte below 0x20, eight at a time.
func hasControl(line []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(line) >= 8; line = line[8:] {
		w := binary.LittleEndian.Uint64(line)
		if (w-0x20*ones)&^w&high != 0 {
			return true
		}
	}
	for _, b := range line {
		if b < 0x20 {
			return true
		}
	}
	return false
}

func (c *cutter) raw(line []byte) []byte {
	c.shape = append(append(c.shape, escapePart), line...)
	return c.shape
}

// value tells which part a value is, if it is one that can be printed again
// from the number to the same bytes; else 0.
func (c *cutter) value(key, v []byte, e *outbound.Event, p *parts) part {
	switch string(key) {
	case "SRC":
		return c.address(v, e.Src, partSrc)
	case "DST":
		return c.address(v, e.Dst, partDst)
	case "LEN":
		if c.seen&(1<<partLen) == 0 {
			return c.number(v, partLen, &p.length)
		}
		return c.number(v, partLen2, &p.len2)
	case "ID":
		return c.number(v, partID, &p.id)
	case "SPT":
		return c.own(v, uint32(e.SrcPort), partSrcPort)
	case "DPT":
		return c.own(v, uint32(e.DstPort), partDstPort)
	case "WINDOW":
		return c.number(v, partWindow, &p.window)
	case "UID":
		return c.own(v, uint32(e.UID), partUID)
	case "GID":
		return c.own(v, uint32(e.GID), partGID)
	case "SEQ":
		return c.number(v, partSeq, &p.seq)
	case "ACK":
		return c.number(v, partAck, &p.ack)
	case "FLOWLBL":
		return c.number(v, partFlow, &p.flow)
	}
	return 0
}

// number reads a number in the form in which the kernel prints it.
func (c *cutter) number(v []byte, m part, into *uint32) part {
	if c.seen&(1<<m) != 0 {
		return 0
	}
	n, ok := decimal(v)
	if !ok {
		return 0
	}
	*into = n
	return m
}

// own is for a number that the event holds already.
func (c *cutter) own(v []byte, want uint32, m part) part {
	if n, ok := decimal(v); !ok || n != want || c.seen&(1<<m) != 0 {
		return 0
	}
	return m
}

func (c *cutter) address(v []byte, want netip.Addr, m part) part {
	var buf [48]byte
	if c.seen&(1<<m) != 0 || !want.IsValid() || !bytes.Equal(appendAddr(buf[:0], want), v) {
		return 0
	}
	return m
}

// decimal reads digits without a leading zero that fit 32 bits.
func decimal(v []byte) (uint32, bool) {
	if len(v) == 0 || len(v) > 10 || v[0] == '0' && len(v) > 1 {
		return 0, false
	}
	var n uint64
	for _, b := range v {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + uint64(b-'0')
	}
	return uint32(n), n < 1<<32
}

// appendAddr prints an address as the kernel's log does: IPv6 in eight full
// groups.
//
// Source: %pI6 in Linux Documentation/core-api/printk-formats.rst.
func appendAddr(dst []byte, a netip.Addr) []byte {
	const hex = "0123456789abcdef"
	if a.Is4() {
		b := a.As4()
		for i, x := range b {
			if i > 0 {
				dst = append(dst, '.')
			}
			dst = strconv.AppendUint(dst, uint64(x), 10)
		}
		return dst
	}
	for i, x := range a.As16() {
		if i > 0 && i%2 == 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hex[x>>4], hex[x&15])
	}
	return dst
}

// render appends the line that has this shape and these parts.
func render(dst []byte, shape string, e *outbound.Event, p *parts) []byte {
	if shape != "" && shape[0] == escapePart {
		return append(dst, shape[1:]...)
	}
	from := 0
	for i := range len(shape) {
		if b := shape[i]; b <= byte(lastPart) {
			dst = append(dst, shape[from:i]...)
			dst = renderPart(dst, part(b), e, p)
			from = i + 1
		}
	}
	return append(dst, shape[from:]...)
}

func renderPart(dst []byte, m part, e *outbound.Event, p *parts) []byte {
	switch m {
	case partStamp:
		return time.Unix(p.civil, 0).UTC().AppendFormat(dst, time.Stamp)
	case partISO:
		return time.Unix(p.civil, 0).UTC().AppendFormat(dst, "2006-01-02T15:04:05")
	case partMicros:
		return appendPadded(dst, p.micros, 6)
	case partUptime:
		return appendUptime(dst, p.upSec, p.upMicros)
	case partSrc:
		return appendAddr(dst, e.Src)
	case partDst:
		return appendAddr(dst, e.Dst)
	}
	return strconv.AppendUint(dst, uint64(numberOf(m, e, p)), 10)
}

func numberOf(m part, e *outbound.Event, p *parts) uint32 {
	switch m {
	case partLen:
		return p.length
	case partLen2:
		return p.len2
	case partID:
		return p.id
	case partWindow:
		return p.window
	case partSeq:
		return p.seq
	case partAck:
		return p.ack
	case partFlow:
		return p.flow
	case partSrcPort:
		return uint32(e.SrcPort)
	case partDstPort:
		return uint32(e.DstPort)
	case partUID:
		return uint32(e.UID)
	case partGID:
		return uint32(e.GID)
	}
	return 0
}
