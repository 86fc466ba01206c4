// Package kernlog reads one line of a kernel log that netfilter's LOG target
// wrote for one of our rules, and makes an event of it; and it places the
// stamps of such lines in time. It is pure text: it touches no file and asks
// nobody for the time of day.
//
// A line is read against a grammar of the whole line, anchored at both ends,
// with the fields in the order in which the kernel prints them. A line that is
// cut, glued to another, or typed by somebody into another program's message
// gives a fault and never an event. Grammar is not authentication: a line that
// equals the kernel's byte for byte is an event here, whoever wrote it.
package kernlog

import (
	"bytes"
	"errors"
	"fmt"

	"outboundmonitor/backend/outbound"
)

// ErrNotOurs means that a line does not bear [outbound.LogPrefix] anywhere.
var ErrNotOurs = errors.New("kernlog: not a line of ours")

// Kind sorts the lines that bear our prefix and give no event.
type Kind uint8

const (
	// Damaged: cut, glued to another line, overwritten, or with a field that
	// the kernel does not print there or so.
	Damaged Kind = iota
	// Foreign: the prefix stands where the kernel does not put it, as in what
	// a stranger gave sshd for a user name.
	Foreign
	// NotOutgoing: a line of the kernel's about a packet that came in.
	NotOutgoing
	// Future: the stamp lies more than a day after the line was received.
	Future
)

// String gives a word that counters use for a key.
func (k Kind) String() string {
	switch k {
	case Foreign:
		return "foreign"
	case NotOutgoing:
		return "not_outgoing"
	case Future:
		return "future"
	}
	return "damaged"
}

// Fault says why a line that bears our prefix gives no event.
type Fault struct {
	Kind Kind
	// Field is where reading ended: "stamp", "host", "tag", "uptime",
	// "prefix", "label", "end", or the kernel's name of a field, as in "UID".
	Field string
	// Input is what stood there, at most maxQuote bytes of it.
	Input string
}

// Error names the field and quotes the input.
func (f *Fault) Error() string {
	return fmt.Sprintf("kernlog: %s: %q: %s", f.Field, f.Input, f.Kind)
}

// maxQuote bounds what a Fault quotes, in bytes.
const maxQuote = 48

func fault(k Kind, field string, line []byte, at int) *Fault {
	input := line[min(at, len(line)):]
	if i := bytes.IndexByte(input, ' '); i > 0 {
		input = input[:i]
	}
	return &Fault{Kind: k, Field: field, Input: string(input[:min(len(input), maxQuote)])}
}

// Next gives the bounds, without the line end, of the first line in data that
// is ended by '\n' and bears our prefix anywhere; -1, -1 if there is none.
// Lines without it are passed over without being split.
func Next(data []byte) (from, to int) {
	at := bytes.Index(data, []byte(outbound.LogPrefix))
	if at < 0 {
		return -1, -1
	}
	end := bytes.IndexByte(data[at:], '\n')
	if end < 0 {
		return -1, -1
	}
	return bytes.LastIndexByte(data[:at], '\n') + 1, at + end
}

// Parse reads one log line without its line end. It fills UID, GID, Src, Dst,
// SrcPort, DstPort, Proto, Rule and Line of e, leaves the rest alone, and gives
// the line's stamp. Line points into line. On an error e is left as it was.
//
// It returns [ErrNotOurs] if the line does not bear our prefix, and a [*Fault]
// for any other line that is not exactly what the kernel and a syslog daemon
// write for an outgoing packet.
func Parse(line []byte, e *outbound.Event) (Stamp, error) {
	s, at := stamp(line)
	c := cursor{b: line, i: at}
	if at < 0 || !c.header() {
		return Stamp{}, misplaced(line, at)
	}
	var p packet
	label := c.label()
	c.outgoing(&p)
	if c.bad == "" && c.i != len(c.b) {
		c.fail("end", c.i)
	}
	if c.bad != "" {
		return Stamp{}, fault(c.kind, c.bad, line, c.at)
	}
	e.UID, e.GID = p.uid, p.gid
	e.Src, e.Dst, e.SrcPort, e.DstPort = p.src, p.dst, p.sport, p.dport
	e.Proto, e.Line = p.proto, line
	if e.Rule != string(label) {
		e.Rule = rule(label)
	}
	return s, nil
}

// rule gives a label as a string, without making a new one for those that the
// rules of the article and of most settings bear.
func rule(label []byte) string {
	switch string(label) {
	case "22":
		return "22"
	case "21":
		return "21"
	case "80:443":
		return "80:443"
	case "80":
		return "80"
	case "443":
		return "443"
	case "25":
		return "25"
	case "other":
		return "other"
	}
	return string(label)
}
