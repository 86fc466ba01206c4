package kernlog

import (
	"bytes"

	"outboundmonitor/backend/outbound"
)

// header steps over what stands between the stamp and the label: host, tag,
// uptime and prefix, in these places and no others.
//
// The tag is "kernel:", or "kernel[123]:" as csf takes it too. The number says
// nothing of who wrote the line: either form can be forged, and is text.
//
// Source: the expressions for iptables lines in csf's RegexMain.pm.
func (c *cursor) header() bool {
	if !c.opt(" ") || !c.host() || !c.tag() {
		return false
	}
	return (c.peek() != '[' || c.uptime()) && c.take(tPrefix) && c.take(tPrefix2)
}

// tag steps over "kernel: " or "kernel[123]: ".
func (c *cursor) tag() bool {
	at := c.i
	if !bytes.HasPrefix(c.b[at:], []byte("kernel[")) {
		return c.take(tKernel)
	}
	c.i += len("kernel[")
	if _, ok := c.digits(1<<22 - 1); ok && c.opt("]: ") {
		return true
	}
	c.i = at
	return c.take(tKernel)
}

// host steps over the host's name and the blank after it.
func (c *cursor) host() bool {
	at := c.i
	for c.i < len(c.b) && c.b[c.i] > ' ' && c.b[c.i] < 0x7f {
		c.i++
	}
	// The tag of a line without a host is no host.
	word := c.b[at:c.i]
	if len(word) == 0 || word[len(word)-1] == ':' || bytes.IndexByte(word, '[') > 0 {
		return false
	}
	return c.opt(" ")
}

// uptime steps over "[ 1088.668278] ", the seconds being padded to five places
// as the kernel does it, or "[1088.668278] " where blanks were lost on the way.
//
// Source: print_time in Linux kernel/printk/printk.c.
func (c *cursor) uptime() bool {
	at := c.i
	c.opt("[")
	for c.peek() == ' ' {
		c.i++
	}
	blanks := c.i - at - 1
	from := c.i
	if _, ok := c.digits(1<<40 - 1); !ok || !c.opt(".") {
		return false
	}
	if n := c.i - 1 - from; blanks > 0 && n+blanks != 5 {
		return false
	}
	for range 6 {
		if c.peek()-'0' > 9 {
			return false
		}
		c.i++
	}
	return c.opt("] ")
}

// Lengths of what a log prefix is made of: netfilter cuts it at 29 characters.
const (
	maxLabel = 6
	keyLen   = 6
)

// label reads the group's label, ":=:", and the key if there is one. After it
// may come a blank, which rules written by hand often have.
func (c *cursor) label() []byte {
	from := c.i
	end := min(len(c.b)-len(":=:"), from+maxLabel)
	i := from
	for i <= end && !(c.b[i] == ':' && c.b[i+1] == '=' && c.b[i+2] == ':') {
		if ch := c.b[i]; !alnum(ch) && ch != ':' && ch != '.' && ch != '_' && ch != '-' {
			i = end
		}
		i++
	}
	if i == from || i > end {
		c.fail("label", from)
		return nil
	}
	label := c.b[from:i]
	c.i = i + len(":=:")
	c.key()
	c.opt(" ")
	return label
}

// key steps over the key and its colon if they stand here.
func (c *cursor) key() {
	if len(c.b)-c.i <= keyLen || c.b[c.i+keyLen] != ':' {
		return
	}
	for _, ch := range c.b[c.i : c.i+keyLen] {
		if !alnum(ch) {
			return
		}
	}
	c.i += keyLen + 1
}

func alnum(ch byte) bool {
	return ch-'0' <= 9 || ch|0x20 >= 'a' && ch|0x20 <= 'z'
}

// misplaced says why a line has no header of ours; at is where its stamp ends,
// or negative.
//
// Another program's message that quotes our prefix is Foreign. A line without
// a stamp or a tag, or one in which a second kernel message begins before our
// prefix, is Damaged: something of ours may have been lost there.
func misplaced(line []byte, at int) error {
	prefix := bytes.Index(line, []byte(outbound.LogPrefix))
	if prefix < 0 {
		return ErrNotOurs
	}
	if at < 0 {
		return fault(Damaged, "stamp", line, 0)
	}
	c := cursor{b: line, i: at}
	if !c.opt(" ") || !c.host() {
		return fault(Damaged, "host", line, at)
	}
	tag := c.i
	if !c.opt("kernel: ") {
		end := bytes.IndexByte(line[tag:], ' ')
		if end < 1 || line[tag+end-1] != ':' || tag+end > prefix {
			return fault(Damaged, "tag", line, tag)
		}
		return fault(Foreign, "tag", line, tag)
	}
	if c.i <= prefix && bytes.Contains(line[c.i:prefix], []byte(" kernel:")) {
		return fault(Damaged, "prefix", line, c.i)
	}
	if c.peek() == '[' && !c.uptime() {
		return fault(Damaged, "uptime", line, tag)
	}
	return fault(Foreign, "prefix", line, c.i)
}
