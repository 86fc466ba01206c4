package demo

import (
	"net/netip"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// Conn is one outgoing packet as the kernel logs it.
type Conn struct {
	// UID and GID are [outbound.NoUID] and [outbound.NoGID] for a packet whose
	// socket had no owner any more; it is then no SYN.
	UID outbound.UID
	GID outbound.GID
	// Src and Dst are of one family.
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	// IPID is the IPv4 ID field, Flow the IPv6 flow label.
	IPID   uint16
	Flow   uint32
	Window uint16
}

// Record is one line of the log to be: a connection, or what some other
// daemon wrote.
type Record struct {
	// Micros is the time in microseconds since 1970.
	Micros int64
	Noise  Noise
	Conn
	// Salt varies the words of noise.
	Salt uint32
}

// Label gives the label of the article's rule that logs a port.
func Label(port uint16) string {
	switch port {
	case 22:
		return "22"
	case 21:
		return "21"
	}
	return "80:443"
}

// Format is how syslog writes its stamps.
type Format uint8

// The two formats that are met.
const (
	// Traditional is "Nov  5 02:11:03", in the host's zone.
	Traditional Format = iota
	// RFC3339 is "2026-11-05T02:11:03.204417+01:00".
	RFC3339
)

// Printer writes records as lines. Stamps never run backwards, and no two of
// its lines share a microsecond.
type Printer struct {
	format Format
	zone   *time.Location
	boot   int64 // in microseconds since 1970
	last   int64
	second int64
	head   []byte // the stamp of second
	offset []byte // the zone's offset at second, RFC3339 only
}

// NewPrinter gives a printer for a host in zone that was booted at boot.
func NewPrinter(format Format, zone *time.Location, boot time.Time) *Printer {
	return &Printer{format: format, zone: zone, boot: boot.UnixMicro(), second: -1}
}

// Append appends the line of r with its line end, and moves r.Micros on if it
// is not later than that of the line before.
func (p *Printer) Append(b []byte, r *Record) []byte {
	r.Micros = max(r.Micros, p.last+1)
	p.last = r.Micros
	b = p.stamp(b, r.Micros)
	b = append(b, ' ')
	b = append(b, Hostname...)
	b = append(b, ' ')
	if r.Noise != NoNoise {
		return append(p.noise(b, r), '\n')
	}
	b = p.kernel(b, r.Micros)
	b = append(b, outbound.LogPrefix...)
	b = append(b, Label(r.DstPort)...)
	b = append(b, ":=:"...)
	b = appendPacket(b, &r.Conn)
	return append(b, '\n')
}

func (p *Printer) stamp(b []byte, micros int64) []byte {
	if s := micros / 1e6; s != p.second {
		p.second = s
		t := time.Unix(s, 0).In(p.zone)
		if p.format == Traditional {
			p.head = t.AppendFormat(p.head[:0], time.Stamp)
		} else {
			p.head = t.AppendFormat(p.head[:0], "2006-01-02T15:04:05")
			p.offset = t.AppendFormat(p.offset[:0], "-07:00")
		}
	}
	b = append(b, p.head...)
	if p.format == Traditional {
		return b
	}
	b = append(b, '.')
	b = appendPadded(b, micros%1e6, 6, '0')
	return append(b, p.offset...)
}

// kernel appends the tag and the time since boot.
func (p *Printer) kernel(b []byte, micros int64) []byte {
	up := micros - p.boot
	b = append(b, "kernel: ["...)
	b = appendPadded(b, up/1e6, 5, ' ')
	b = append(b, '.')
	b = appendPadded(b, up%1e6, 6, '0')
	return append(b, "] "...)
}

// appendPacket appends what the kernel says of an outgoing TCP packet, with
// the blank at its end.
//
// Source: nf_log_ip_packet and nf_log_ip6_packet in Linux
// net/netfilter/nf_log_syslog.c.
func appendPacket(b []byte, c *Conn) []byte {
	owned := c.UID != outbound.NoUID
	b = append(b, "IN= OUT=eth0 SRC="...)
	b = appendAddr(b, c.Src)
	b = append(b, " DST="...)
	b = appendAddr(b, c.Dst)
	if c.Dst.Is4() {
		b = append(b, pick(owned, " LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=", " LEN=52 TOS=0x00 PREC=0x00 TTL=64 ID=")...)
		b = strconv.AppendUint(b, uint64(c.IPID), 10)
		b = append(b, " DF"...)
	} else {
		b = append(b, pick(owned, " LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=", " LEN=72 TC=0 HOPLIMIT=64 FLOWLBL=")...)
		b = strconv.AppendUint(b, uint64(c.Flow), 10)
	}
	b = append(b, " PROTO=TCP SPT="...)
	b = strconv.AppendUint(b, uint64(c.SrcPort), 10)
	b = append(b, " DPT="...)
	b = strconv.AppendUint(b, uint64(c.DstPort), 10)
	b = append(b, " WINDOW="...)
	b = strconv.AppendUint(b, uint64(c.Window), 10)
	if !owned {
		return append(b, " RES=0x00 ACK FIN URGP=0 "...)
	}
	b = append(b, " RES=0x00 SYN URGP=0 UID="...)
	b = strconv.AppendUint(b, uint64(c.UID), 10)
	b = append(b, " GID="...)
	b = strconv.AppendUint(b, uint64(c.GID), 10)
	return append(b, ' ')
}

// appendAddr appends an address as the kernel does: IPv6 in eight full groups.
func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		return a.AppendTo(b)
	}
	const hex = "0123456789abcdef"
	for i, c := range a.As16() {
		if i > 0 && i%2 == 0 {
			b = append(b, ':')
		}
		b = append(b, hex[c>>4], hex[c&15])
	}
	return b
}

// appendPadded appends a number in at least width characters.
func appendPadded(b []byte, n int64, width int, pad byte) []byte {
	digits := 1
	for m := n; m >= 10; m /= 10 {
		digits++
	}
	for ; digits < width; digits++ {
		b = append(b, pad)
	}
	return strconv.AppendInt(b, n, 10)
}

func pick[T any](which bool, yes, no T) T {
	if which {
		return yes
	}
	return no
}
