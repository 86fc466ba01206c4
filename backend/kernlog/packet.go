package kernlog

import (
	"math"
	"net/netip"

	"outboundmonitor/backend/outbound"
)

// packet is what a line says of the packet.
type packet struct {
	src, dst     netip.Addr
	sport, dport uint16
	proto        outbound.Protocol
	uid          outbound.UID
	gid          outbound.GID
}

// outgoing reads the kernel's message after the prefix, to its end.
//
// Source, here and below: Linux net/netfilter/nf_log_syslog.c, whose order of
// fields has been the same since 2.6 but for AE before the TCP flags (6.15).
func (c *cursor) outgoing(p *packet) {
	at := c.i
	if !c.take(tIN) {
		c.fail("IN", at)
	}
	if c.ifname("IN") > 0 {
		if c.take(tOUT) {
			c.kind = NotOutgoing
		}
		c.fail("IN", at)
		return
	}
	at = c.i
	if !c.take(tOUT) || c.ifname("OUT") == 0 {
		c.fail("OUT", at)
		return
	}
	c.foreignLink()
	c.ip(p)
	c.owner(p)
	if c.opt("MARK=") {
		c.i -= len("MARK=")
		c.hex32("MARK=0x", "MARK")
	}
}

// foreignLink reads the fields between OUT= and SRC=. PHYSIN= and MAC= are
// printed for a packet that came in through a bridge or an interface.
func (c *cursor) foreignLink() {
	if c.peek() == 'S' {
		return
	}
	if c.opt("PHYSOUT=") && c.ifname("PHYSOUT") == 0 {
		c.fail("PHYSOUT", c.i)
		return
	}
	at := c.i
	if c.opt("PHYSIN=") || c.opt("MAC=") || c.opt("MACSRC=") {
		c.kind = NotOutgoing
		c.fail("MAC", at)
	}
}

// owner reads UID= and GID=, which come together or not at all. After them the
// last blank may be missing, as some programs trim lines. Without them it may
// not: such a line would look the same as one that was cut before its UID.
func (c *cursor) owner(p *packet) {
	p.uid, p.gid = outbound.NoUID, outbound.NoGID
	if c.peek() != 'U' {
		return
	}
	p.uid = outbound.UID(c.num(tUID, math.MaxUint32-1))
	c.trimmed = c.bad == ""
	p.gid = outbound.GID(c.num(tGID, math.MaxUint32-1))
}

// ip reads a packet from SRC= to before UID=.
func (c *cursor) ip(p *packet) {
	at := c.i
	if c.inner && c.opt("TRUNCATED") {
		return
	}
	if !c.take(tSRC) {
		c.fail("SRC", at)
		return
	}
	if len(c.b)-c.i > 4 && c.b[c.i+4] == ':' {
		p.src = c.addr6("SRC")
		if !c.take(tDST) {
			c.fail("DST", c.i)
		}
		p.dst = c.addr6("DST")
		c.ipv6(p)
		return
	}
	p.src = c.addr4("SRC")
	if !c.take(tDST) {
		c.fail("DST", c.i)
	}
	p.dst = c.addr4("DST")
	c.ipv4(p)
}

func (c *cursor) ipv4(p *packet) {
	// A packet not yet cut into segments can be longer than 65535.
	c.num(tLEN, math.MaxUint32)
	c.hexField(tTOS, lower)
	c.hexField(tPREC, lower)
	c.num(tTTL, 255)
	c.num(tID, math.MaxUint16)
	fragment := c.fragments()
	if !c.take(tPROTO) {
		c.fail("PROTO", c.i)
		return
	}
	switch {
	case c.opt("TCP "):
		p.proto = outbound.TCP
		c.tcp(p, fragment)
	case c.udpName(p):
		c.udp(p, fragment)
	case c.opt("ICMP "):
		p.proto = outbound.ICMP
		c.icmp(fragment)
	case c.opt("AH "):
		p.proto = 51
		c.spi()
	case c.opt("ESP "):
		p.proto = 50
		c.spi()
	default:
		p.proto = c.number("\x01\x06\x11\x32\x33\x88")
	}
}

// fragments reads the flags of fragmentation and the options, and reports a
// later fragment.
func (c *cursor) fragments() (later bool) {
	if c.peek() == 'C' {
		c.opt("CE ")
	}
	c.take(tDF)
	if c.peek() == 'P' {
		return false
	}
	c.opt("MF ")
	if c.peek() == 'F' {
		c.num(tFRAG, 8191)
		later = true
	}
	c.options()
	return later
}

func (c *cursor) ipv6(p *packet) {
	c.num(tLEN, math.MaxUint32)
	c.num(tTC, 255)
	c.must("HOP", "HOPLIMIT")
	c.num(tHOPLIMIT, 255)
	c.num(tFLOWLBL, 1<<20-1)
	fragment := c.extensions()
	if c.inner && c.peek() == ']' {
		return
	}
	if !c.take(tPROTO) {
		c.fail("PROTO", c.i)
		return
	}
	switch {
	case c.opt("TCP "):
		p.proto = outbound.TCP
		c.tcp(p, fragment)
	case c.udpName(p):
		c.udp(p, fragment)
	case c.opt("ICMPv6 "):
		p.proto = outbound.ICMPv6
		c.icmpv6(fragment)
	default:
		p.proto = c.number("\x06\x11\x3a\x88")
	}
}

// extensions reads what the kernel prints of IPv6 extension headers, within
// "OPT ( ) " if the rule asks for options, and reports a later fragment.
func (c *cursor) extensions() (fragment bool) {
	for {
		wrapped := c.opt("OPT ( ")
		switch {
		case c.peek() == 'F':
			fragment = c.num(tFRAG, 0xfff8) != 0 || fragment
			c.opt("INCOMPLETE ")
			c.must("ID:", "FRAG")
			c.hex8("FRAG")
		case wrapped && c.opt("AH "):
			c.spi()
		case !wrapped:
			return fragment
		}
		if wrapped {
			c.must(") ", "OPT")
		}
	}
}

// number reads "PROTO=47 ". The protocols in named are those for which the
// kernel prints a name.
func (c *cursor) number(named string) outbound.Protocol {
	at := c.i
	n, ok := c.digits(255)
	if !ok || c.peek() != ' ' {
		c.fail("PROTO", at)
		return 0
	}
	for i := range len(named) {
		if named[i] == byte(n) {
			c.fail("PROTO", at)
			return 0
		}
	}
	c.i++
	return outbound.Protocol(n)
}

// incomplete reads "INCOMPLETE [8 bytes] ", which stands for what a packet was
// too short for. An event needs it all; only a quoted packet may lack it.
func (c *cursor) incomplete() bool {
	if c.peek() != 'I' {
		return false
	}
	at := c.i
	if !c.opt("INCOMPLETE [") {
		return false
	}
	_, ok := c.digits(math.MaxUint32)
	if !ok || !c.opt(" bytes] ") || !c.inner {
		c.fail("INCOMPLETE", at)
	}
	return true
}

// ports reads SPT= and DPT=, and reports whether more of that header follows.
// A fragment other than the first has no ports.
func (c *cursor) ports(p *packet, fragment bool) bool {
	if c.inner && (fragment || c.incomplete()) {
		return false
	}
	p.sport = uint16(c.num(tSPT, math.MaxUint16))
	p.dport = uint16(c.num(tDPT, math.MaxUint16))
	return true
}

func (c *cursor) tcp(p *packet, fragment bool) {
	if !c.ports(p, fragment) {
		return
	}
	if c.peek() == 'S' {
		c.num(tSEQ, math.MaxUint32)
		c.num(tACK, math.MaxUint32)
	}
	c.num(tWINDOW, math.MaxUint16)
	c.hexField(tRES, upper)
	c.flags()
	c.num(tURGP, math.MaxUint16)
	c.options()
}

func (c *cursor) flags() {
	// Nearly every line that is recorded is a plain SYN.
	if c.opt("SYN ") {
		c.opt("FIN ")
		return
	}
	c.opt("AE ")
	c.opt("CWR ")
	c.opt("ECE ")
	c.opt("URG ")
	c.opt("ACK ")
	c.opt("PSH ")
	c.opt("RST ")
	c.opt("SYN ")
	c.opt("FIN ")
}

// maxOptions is how many bytes of options an IPv4 or TCP header can have.
const maxOptions = 40

// options reads "OPT (020405B4) ".
func (c *cursor) options() {
	if c.peek() != 'O' {
		return
	}
	at := c.i
	c.must("OPT (", "OPT")
	n := 0
	for c.hexByte(lower) {
		n++
	}
	if n == 0 || n > maxOptions || !c.opt(")") {
		c.fail("OPT", at)
		return
	}
	c.space("OPT", at)
}

// udpName steps over the name of UDP or UDP-Lite.
func (c *cursor) udpName(p *packet) bool {
	switch {
	case c.opt("UDP "):
		p.proto = outbound.UDP
	case c.opt("UDPLITE "):
		p.proto = 136
	default:
		return false
	}
	return true
}

func (c *cursor) udp(p *packet, fragment bool) {
	if c.ports(p, fragment) {
		c.num(tLEN, math.MaxUint16)
	}
}

// spi reads "SPI=0xf1234567 " of an AH or ESP header.
func (c *cursor) spi() {
	if c.inner && c.incomplete() {
		return
	}
	c.hex32("SPI=0x", "SPI")
}
