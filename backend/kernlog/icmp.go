package kernlog

import "math"

// ICMP types whose fields the kernel prints.
const (
	echoReply    = 0
	unreachable  = 3
	sourceQuench = 4
	redirect     = 5
	echoRequest  = 8
	timeExceeded = 11
	paramProblem = 12

	// fragNeeded is a code of unreachable.
	fragNeeded = 4

	unreachable6  = 1
	tooBig6       = 2
	timeExceeded6 = 3
	paramProblem6 = 4
	echoRequest6  = 128
	echoReply6    = 129
)

func (c *cursor) icmp(fragment bool) {
	if fragment && c.inner || c.incomplete() {
		return
	}
	kind := c.num(tTYPE, 255)
	code := c.num(tCODE, 255)
	if c.incomplete() {
		return
	}
	switch kind {
	case echoReply, echoRequest:
		c.echo()
	case paramProblem:
		c.must("PARAM", "PARAMETER")
		c.num(tPARAMETER, 255)
	case redirect:
		c.must("GATEWAY=", "GATEWAY")
		c.addr4("GATEWAY")
		c.quoted()
	case unreachable, sourceQuench, timeExceeded:
		c.quoted()
		if kind == unreachable && code == fragNeeded {
			c.num(tMTU, math.MaxUint16)
		}
	}
}

func (c *cursor) icmpv6(fragment bool) {
	if fragment && c.inner || c.incomplete() {
		return
	}
	kind := c.num(tTYPE, 255)
	c.num(tCODE, 255)
	switch kind {
	case echoRequest6, echoReply6:
		c.echo()
	case paramProblem6:
		c.must("POINTER=", "POINTER")
		c.hex8("POINTER")
		c.quoted()
	case unreachable6, timeExceeded6:
		c.quoted()
	case tooBig6:
		c.quoted()
		c.num(tMTU, math.MaxUint32)
	}
}

func (c *cursor) echo() {
	c.num(tID, math.MaxUint16)
	c.num(tSEQ, math.MaxUint16)
}

// quoted reads the packet that an error quotes, "[SRC=... ] ". The kernel does
// not print what that packet quotes in turn.
func (c *cursor) quoted() {
	if c.inner || c.bad != "" {
		return
	}
	at := c.i
	c.must("[", "quoted packet")
	c.inner = true
	var p packet
	c.ip(&p)
	c.inner = false
	c.must("]", "quoted packet")
	c.space("quoted packet", at)
}
