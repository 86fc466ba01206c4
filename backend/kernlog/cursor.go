package kernlog

import "net/netip"

// cursor reads a line from left to right. The first thing that does not fit is
// kept in bad, and the cursor stands at the end from then on, so that what is
// read after it does not fit either: callers need not look at each step.
type cursor struct {
	b []byte
	i int
	// bad names the first field that did not fit, "" while all do; at is where
	// it begins.
	bad  string
	at   int
	kind Kind
	// inner is true within the packet that an ICMP error quotes: that one may
	// be incomplete.
	inner bool
	// trimmed is true once the line may end without the blank that the kernel
	// prints after each field.
	trimmed bool
}

func (c *cursor) fail(field string, at int) {
	if c.bad == "" {
		c.bad, c.at = field, at
	}
	c.i = len(c.b)
}

// opt steps over lit if it stands here.
func (c *cursor) opt(lit string) bool {
	if len(c.b)-c.i >= len(lit) && string(c.b[c.i:c.i+len(lit)]) == lit {
		c.i += len(lit)
		return true
	}
	return false
}

// must steps over lit, which has to stand here.
func (c *cursor) must(lit, field string) {
	if !c.opt(lit) {
		c.fail(field, c.i)
	}
}

// peek gives the byte here, and 0 at the end; no field can contain a 0.
func (c *cursor) peek() byte {
	if c.i < len(c.b) {
		return c.b[c.i]
	}
	return 0
}

// space steps over the blank that ends the field that begins at.
func (c *cursor) space(field string, at int) {
	switch {
	case c.i < len(c.b) && c.b[c.i] == ' ':
		c.i++
	case c.i < len(c.b) || !c.trimmed:
		c.fail(field, at)
	}
}

// digits reads a number as %u prints it, of at most limit: no sign, no leading
// zero. ok is false, and the cursor has not moved, if none stands here.
func (c *cursor) digits(limit uint64) (n uint64, ok bool) {
	i, b := c.i, c.b
	for i < len(b) {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		if n = n*10 + uint64(d); n > limit {
			return 0, false
		}
		i++
	}
	if i == c.i || b[c.i] == '0' && i > c.i+1 {
		return 0, false
	}
	c.i = i
	return n, true
}

// maxDigits is how many digits a number of 32 bits has at most.
const maxDigits = 10

// num reads a field "NAME=number ", of at most limit.
func (c *cursor) num(t *token, limit uint64) uint64 {
	b, at := c.b, c.i
	i := at + t.size
	if i >= len(b) || !t.begins(b, at) {
		c.fail(t.field, at)
		return 0
	}
	n, from := uint64(0), i
	for _, ch := range b[i:min(len(b), i+maxDigits)] {
		d := ch - '0'
		if d > 9 {
			break
		}
		n = n*10 + uint64(d)
		i++
	}
	if i == from || n > limit || b[from] == '0' && i > from+1 {
		c.fail(t.field, at)
		return 0
	}
	if i < len(b) && b[i] == ' ' {
		i++
	} else if i < len(b) || !c.trimmed {
		c.fail(t.field, at)
		return 0
	}
	c.i = i
	return n
}

// Values of hexValue for bytes that are no digits, and the bit that marks a
// digit of either case by its letter.
const (
	notHex = 0xff
	upper  = 0x20
	lower  = 0x40
)

// hexValue gives the value of a hexadecimal digit in its low four bits, with
// upper or lower set for a letter.
var hexValue = func() (t [256]uint8) {
	for i := range t {
		t[i] = notHex
	}
	for i := range uint8(10) {
		t['0'+i] = i
	}
	for i := range uint8(6) {
		t['A'+i] = upper | (10 + i)
		t['a'+i] = lower | (10 + i)
	}
	return t
}()

// hexByte steps over two hexadecimal digits, none of which may be of the case
// without.
func (c *cursor) hexByte(without uint8) bool {
	if len(c.b)-c.i < 2 {
		return false
	}
	h, l := hexValue[c.b[c.i]], hexValue[c.b[c.i+1]]
	if h == notHex || l == notHex || (h|l)&without != 0 {
		return false
	}
	c.i += 2
	return true
}

// hexField reads a field "NAME=0x.. " of two digits, none of the case without.
func (c *cursor) hexField(t *token, without uint8) {
	b, at := c.b, c.i
	i := at + t.size
	if i+2 >= len(b) || !t.begins(b, at) || b[i+2] != ' ' {
		c.fail(t.field, at)
		return
	}
	h, l := hexValue[b[i]], hexValue[b[i+1]]
	if (h|l)&(notHex&0x80|without) != 0 {
		c.fail(t.field, at)
		return
	}
	c.i = i + 3
}

// hex32 reads a field "NAME=0x" with up to eight digits as %x prints them.
func (c *cursor) hex32(lit, field string) {
	at := c.i
	c.must(lit, field)
	from := c.i
	for c.i < len(c.b) && hexValue[c.b[c.i]]&(0x80|upper) == 0 {
		c.i++
	}
	n := c.i - from
	if n == 0 || n > 8 || n > 1 && c.b[from] == '0' {
		c.fail(field, at)
		return
	}
	c.space(field, at)
}

// hex8 reads eight digits as %08x prints them, and the blank after them.
func (c *cursor) hex8(field string) {
	at := c.i
	for range 4 {
		if !c.hexByte(upper) {
			c.fail(field, at)
			return
		}
	}
	c.space(field, at)
}

// ifnameLen is how long the name of an interface can be: IFNAMSIZ less the NUL.
const ifnameLen = 15

// ifname steps over the name of an interface and the blank after it, and gives
// the name's length.
//
// Source: dev_valid_name in Linux net/core/dev.c: no blank, '/' or ':'.
func (c *cursor) ifname(field string) int {
	at := c.i
	for c.i < len(c.b) {
		ch := c.b[c.i]
		if ch <= ' ' || ch == '/' || ch == ':' || ch == 0x7f {
			break
		}
		c.i++
	}
	n := c.i - at
	if n > ifnameLen || c.peek() != ' ' {
		c.fail(field, at)
		return 0
	}
	c.i++
	return n
}

// addr4 reads an address as %pI4 prints it, and the blank after it.
func (c *cursor) addr4(field string) netip.Addr {
	b, i := c.b, c.i
	var a, octet uint32
	for k := 0; i+3 < len(b); k++ {
		octet = uint32(b[i] - '0')
		if octet > 9 {
			break
		}
		i++
		for n := 0; n < 2 && b[i]-'0' <= 9 && octet != 0; n++ {
			octet = octet*10 + uint32(b[i]-'0')
			i++
		}
		if octet > 255 {
			break
		}
		a = a<<8 | octet
		if k == 3 {
			if b[i] != ' ' {
				break
			}
			c.i = i + 1
			return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
		}
		if b[i] != '.' {
			break
		}
		i++
	}
	c.fail(field, c.i)
	return netip.Addr{}
}

// addr6Len is the length of an address as %pI6 prints it: eight groups of four
// digits.
const addr6Len = 39

// addr6 reads an address as %pI6 prints it, and the blank after it.
func (c *cursor) addr6(field string) netip.Addr {
	at := c.i
	if len(c.b)-at < addr6Len {
		c.fail(field, at)
		return netip.Addr{}
	}
	s := c.b[c.i : c.i+addr6Len]
	var a [16]byte
	var seen uint8
	for k := range 8 {
		g := s[k*5 : k*5+4]
		h1, l1, h2, l2 := hexValue[g[0]], hexValue[g[1]], hexValue[g[2]], hexValue[g[3]]
		seen |= h1 | l1 | h2 | l2
		a[2*k], a[2*k+1] = h1<<4|l1&15, h2<<4|l2&15
		if k < 7 && s[k*5+4] != ':' {
			seen = notHex
		}
	}
	if seen&(0x80|upper) != 0 {
		c.fail(field, at)
		return netip.Addr{}
	}
	c.i += addr6Len
	c.space(field, at)
	return netip.AddrFrom16(a).Unmap()
}
