package kernlog_test

import (
	"bytes"
	"net/netip"
	"testing"

	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
)

// What lines are made of.
const (
	head = "Nov  5 02:11:03 web01 kernel: [ 1088.668278] "
	p22  = "CSF-OUTBOUND:22:=:"
	out  = "IN= OUT=eth0 "
	ip4  = "SRC=192.0.2.10 DST=203.0.113.22 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=5771 DF "
	ip6  = "SRC=2001:0db8:0c5f:0000:0000:0000:0000:0011 DST=2001:0db8:0c5f:0000:0000:0000:0000:0022 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=237098 "
	tcp  = "PROTO=TCP SPT=41900 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 "
	ids  = "UID=2001 GID=2002 "
	body = out + ip4 + tcp + ids
)

// want is the event of head + p22 + body; each variant says how it differs.
func want(change func(*outbound.Event)) outbound.Event {
	e := outbound.Event{
		UID: 2001, GID: 2002, Proto: outbound.TCP, Rule: "22", SrcPort: 41900, DstPort: 22,
		Src: netip.MustParseAddr("192.0.2.10"), Dst: netip.MustParseAddr("203.0.113.22"),
	}
	if change != nil {
		change(&e)
	}
	return e
}

func noUID(e *outbound.Event) { e.UID, e.GID = outbound.NoUID, outbound.NoGID }

func v6(e *outbound.Event) {
	e.Src, e.Dst = netip.MustParseAddr("2001:db8:c5f::11"), netip.MustParseAddr("2001:db8:c5f::22")
}

func proto(p outbound.Protocol) func(*outbound.Event) {
	return func(e *outbound.Event) { e.Proto, e.SrcPort, e.DstPort = p, 0, 0 }
}

func proto6(p outbound.Protocol) func(*outbound.Event) {
	return func(e *outbound.Event) { proto(p)(e); v6(e) }
}

func ruled(r string) func(*outbound.Event) { return func(e *outbound.Event) { e.Rule = r } }

type variant struct {
	line   string
	change func(*outbound.Event)
}

// variants are lines as kernels and syslog daemons write them.
var variants = map[string]variant{
	"imklog, traditional stamp":               {head + p22 + body, nil},
	"uptime without its padding":              {"Nov  5 02:11:03 web01 kernel: [1088.668278] " + p22 + body, nil},
	"a number after kernel":                   {"Nov  5 02:11:03 web01 kernel[1234]: " + p22 + body, nil},
	"a number after kernel, and uptime":       {"Nov  5 02:11:03 web01 kernel[0]: [ 1088.668278] " + p22 + body, nil},
	"imkmsg: no uptime":                       {"Nov  5 02:11:03 web01 kernel: " + p22 + body, nil},
	"a day of two digits":                     {"Nov 15 02:11:03 web01 kernel: [ 1088.668278] " + p22 + body, nil},
	"29 February":                             {"Feb 29 23:59:59 web01 kernel: " + p22 + body, nil},
	"RFC 3339, microseconds and offset":       {"2026-11-05T02:11:03.204417+01:00 web01 kernel: [ 1088.668278] " + p22 + body, nil},
	"RFC 3339, UTC":                           {"2026-11-05T01:11:03Z web01 kernel: " + p22 + body, nil},
	"RFC 3339, no fraction, west":             {"2026-11-04T20:11:03-05:00 web01 kernel: " + p22 + body, nil},
	"RFC 3339, milliseconds":                  {"2026-11-05T02:11:03.204+01:00 web01 kernel: " + p22 + body, nil},
	"RFC 3339, nanoseconds":                   {"2026-11-05T02:11:03.204417999+05:45 web01 kernel: " + p22 + body, nil},
	"a full host name":                        {"Nov  5 02:11:03 web01.example.com kernel: " + p22 + body, nil},
	"an address for a host name":              {"Nov  5 02:11:03 192.0.2.10 kernel: " + p22 + body, nil},
	"uptime just after boot":                  {"Nov  5 02:11:03 web01 kernel: [    0.000001] " + p22 + body, nil},
	"uptime of five digits":                   {"Nov  5 02:11:03 web01 kernel: [12345.678901] " + p22 + body, nil},
	"uptime of a year":                        {"Nov  5 02:11:03 web01 kernel: [31536000.123456] " + p22 + body, nil},
	"no blank at the end":                     {head + p22 + out + ip4 + tcp + "UID=2001 GID=2002", nil},
	"a blank after the prefix":                {head + p22 + " " + body, nil},
	"a key":                                   {head + p22 + "Ab3xZ9:" + body, nil},
	"a key of digits":                         {head + p22 + "123456:" + body, nil},
	"the longest prefix":                      {head + "CSF-OUTBOUND:80:443:=:Ab3xZ9:" + body, ruled("80:443")},
	"rule 21":                                 {head + "CSF-OUTBOUND:21:=:" + body, ruled("21")},
	"rule 80:443":                             {head + "CSF-OUTBOUND:80:443:=:" + body, ruled("80:443")},
	"rule other":                              {head + "CSF-OUTBOUND:other:=:" + body, ruled("other")},
	"rule of the settings":                    {head + "CSF-OUTBOUND:db_1.a:=:" + body, ruled("db_1.a")},
	"a label of one character":                {head + "CSF-OUTBOUND:-:=:" + body, ruled("-")},
	"a label that ends in a colon":            {head + "CSF-OUTBOUND:22::=:" + body, ruled("22:")},
	"no UID: a kernel without an open socket": {head + p22 + out + ip4 + tcp, noUID},
	"a mark and no blank at the end":          {head + p22 + body + "MARK=0x2a", nil},
	"root":                                    {head + p22 + out + ip4 + tcp + "UID=0 GID=0 ", func(e *outbound.Event) { e.UID, e.GID = 0, 0 }},
	"the largest UID":                         {head + p22 + out + ip4 + tcp + "UID=4294967294 GID=4294967294 ", func(e *outbound.Event) { e.UID, e.GID = 4294967294, 4294967294 }},
	"a mark":                                  {head + p22 + body + "MARK=0x2a ", nil},
	"a mark without UID":                      {head + p22 + out + ip4 + tcp + "MARK=0xffffffff ", noUID},
	"a bond":                                  {head + p22 + "IN= OUT=bond0.4094 " + ip4 + tcp + ids, nil},
	"an interface of fifteen characters":      {head + p22 + "IN= OUT=enp0s31f6d1234x " + ip4 + tcp + ids, nil},
	"loopback":                                {head + p22 + "IN= OUT=lo " + ip4 + tcp + ids, nil},
	"a bridge's port":                         {head + p22 + "IN= OUT=br0 PHYSOUT=eth0 " + ip4 + tcp + ids, nil},
	"no DF":                                   {head + p22 + out + "SRC=192.0.2.10 DST=203.0.113.22 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=0 " + tcp + ids, nil},
	"CE, DF and MF":                           {head + p22 + out + "SRC=192.0.2.10 DST=203.0.113.22 LEN=60 TOS=0x1F PREC=0xE0 TTL=255 ID=65535 CE DF MF " + tcp + ids, nil},
	"IP options":                              {head + p22 + out + ip4 + "OPT (070708C000020A00) " + tcp + ids, nil},
	"TCP sequence":                            {head + p22 + out + ip4 + "PROTO=TCP SPT=41900 DPT=22 SEQ=2895420588 ACK=0 WINDOW=64240 RES=0x00 SYN URGP=0 " + ids, nil},
	"TCP options":                             {head + p22 + out + ip4 + tcp + "OPT (020405B40402080A3B5CA32C000000000103030A) " + ids, nil},
	"TCP options, no UID":                     {head + p22 + out + ip4 + tcp + "OPT (020405B4) ", noUID},
	"ECN":                                     {head + p22 + out + ip4 + "PROTO=TCP SPT=41900 DPT=22 WINDOW=64240 RES=0x00 CWR ECE SYN URGP=0 " + ids, nil},
	"all flags":                               {head + p22 + out + ip4 + "PROTO=TCP SPT=41900 DPT=22 WINDOW=65535 RES=0x3c AE CWR ECE URG ACK PSH RST SYN FIN URGP=65535 " + ids, nil},
	"no flag":                                 {head + p22 + out + ip4 + "PROTO=TCP SPT=41900 DPT=22 WINDOW=0 RES=0x00 URGP=0 " + ids, nil},
	"the article's rules without --syn: data": {head + p22 + out + ip4 + "PROTO=TCP SPT=41900 DPT=22 WINDOW=502 RES=0x00 ACK PSH URGP=0 " + ids, nil},
	"the highest ports":                       {head + p22 + out + ip4 + "PROTO=TCP SPT=65535 DPT=65535 WINDOW=502 RES=0x00 SYN URGP=0 " + ids, func(e *outbound.Event) { e.SrcPort, e.DstPort = 65535, 65535 }},
	"port 0":                                  {head + p22 + out + ip4 + "PROTO=TCP SPT=0 DPT=0 WINDOW=502 RES=0x00 SYN URGP=0 " + ids, func(e *outbound.Event) { e.SrcPort, e.DstPort = 0, 0 }},
	"IPv6":                                    {head + p22 + out + ip6 + tcp + ids, v6},
	"IPv6, key and mark":                      {head + p22 + "Ab3xZ9:" + out + ip6 + tcp + ids + "MARK=0x1 ", v6},
	"IPv6, a fragment header":                 {head + p22 + out + ip6 + "FRAG:0 INCOMPLETE ID:0a1b2c3d " + tcp + ids, v6},
	"IPv6, options":                           {head + p22 + out + ip6 + "OPT ( FRAG:0 ID:0a1b2c3d ) OPT ( AH SPI=0x1f ) OPT ( ) " + tcp + ids, v6},
	"an IPv4-mapped address in IPv6": {head + p22 + out + "SRC=0000:0000:0000:0000:0000:ffff:c000:020a DST=0000:0000:0000:0000:0000:ffff:cb00:7116 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 " + tcp + ids,
		nil},
	"UDP":                  {head + p22 + out + ip4 + "PROTO=UDP SPT=41900 DPT=22 LEN=40 " + ids, func(e *outbound.Event) { e.Proto = outbound.UDP }},
	"UDP, IPv6":            {head + p22 + out + ip6 + "PROTO=UDP SPT=41900 DPT=22 LEN=40 " + ids, func(e *outbound.Event) { e.Proto = outbound.UDP; v6(e) }},
	"UDP-Lite":             {head + p22 + out + ip4 + "PROTO=UDPLITE SPT=41900 DPT=22 LEN=11 " + ids, func(e *outbound.Event) { e.Proto = 136 }},
	"ping":                 {head + p22 + out + ip4 + "PROTO=ICMP TYPE=8 CODE=0 ID=37889 SEQ=1 " + ids, proto(outbound.ICMP)},
	"ping, IPv6":           {head + p22 + out + ip6 + "PROTO=ICMPv6 TYPE=128 CODE=0 ID=37889 SEQ=1 " + ids, proto6(outbound.ICMPv6)},
	"an ICMP type unnamed": {head + p22 + out + ip4 + "PROTO=ICMP TYPE=13 CODE=0 " + ids, proto(outbound.ICMP)},
	"unreachable, quoting a datagram": {head + p22 + out + ip4 + "PROTO=ICMP TYPE=3 CODE=3 [SRC=198.51.100.9 DST=192.0.2.10 LEN=33 TOS=0x00 PREC=0x00 TTL=64 ID=27086 DF PROTO=UDP SPT=36565 DPT=9 LEN=13 ] " + ids,
		proto(outbound.ICMP)},
	"fragmentation needed, quoting a part": {head + p22 + out + ip4 + "PROTO=ICMP TYPE=3 CODE=4 [SRC=198.51.100.9 DST=192.0.2.10 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP INCOMPLETE [8 bytes] ] MTU=1500 " + ids,
		proto(outbound.ICMP)},
	"redirect, quoting a fragment": {head + p22 + out + ip4 + "PROTO=ICMP TYPE=5 CODE=1 GATEWAY=192.0.2.1 [SRC=198.51.100.9 DST=192.0.2.10 LEN=28 TOS=0x00 PREC=0x00 TTL=64 ID=1 FRAG:185 PROTO=TCP ] " + ids,
		proto(outbound.ICMP)},
	"time exceeded, quoting nothing": {head + p22 + out + ip4 + "PROTO=ICMP TYPE=11 CODE=0 [TRUNCATED] " + ids, proto(outbound.ICMP)},
	"parameter problem":              {head + p22 + out + ip4 + "PROTO=ICMP TYPE=12 CODE=0 PARAMETER=20 " + ids, proto(outbound.ICMP)},
	"too big, IPv6": {head + p22 + out + ip6 + "PROTO=ICMPv6 TYPE=2 CODE=0 [" + ip6 + "PROTO=TCP SPT=22 DPT=40000 WINDOW=1 RES=0x00 ACK URGP=0 ] MTU=1280 " + ids,
		proto6(outbound.ICMPv6)},
	"parameter problem, IPv6":    {head + p22 + out + ip6 + "PROTO=ICMPv6 TYPE=4 CODE=1 POINTER=00000028 [" + ip6 + "] " + ids, proto6(outbound.ICMPv6)},
	"neighbour discovery":        {head + p22 + out + ip6 + "PROTO=ICMPv6 TYPE=135 CODE=0 ", func(e *outbound.Event) { proto6(outbound.ICMPv6)(e); noUID(e) }},
	"GRE":                        {head + p22 + out + ip4 + "PROTO=47 " + ids, proto(47)},
	"GRE, no UID":                {head + p22 + out + ip4 + "PROTO=47 ", func(e *outbound.Event) { proto(47)(e); noUID(e) }},
	"SCTP, IPv6":                 {head + p22 + out + ip6 + "PROTO=132 " + ids, proto6(132)},
	"AH":                         {head + p22 + out + ip4 + "PROTO=AH SPI=0xf1234567 " + ids, proto(51)},
	"ESP":                        {head + p22 + out + ip4 + "PROTO=ESP SPI=0x1 " + ids, proto(50)},
	"ICMP in IPv6 is no ICMPv6":  {head + p22 + out + ip6 + "PROTO=1 " + ids, proto6(1)},
	"ICMPv6 in IPv4 has no name": {head + p22 + out + ip4 + "PROTO=58 " + ids, proto(58)},
	"a packet not yet cut up":    {head + p22 + out + "SRC=192.0.2.10 DST=203.0.113.22 LEN=131072 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF " + tcp + ids, nil},
}

func TestEachVariantGivesItsEvent(t *testing.T) {
	if len(variants) < 50 {
		t.Fatalf("only %d variants", len(variants))
	}
	for name, v := range variants {
		var e outbound.Event
		if _, err := kernlog.Parse([]byte(v.line), &e); err != nil {
			t.Errorf("%s: %v\n%s", name, err, v.line)
			continue
		}
		if d := differs(want(v.change), e); d != "" {
			t.Errorf("%s: %s\n%s", name, d, v.line)
		}
		if string(e.Line) != v.line {
			t.Errorf("%s: Line is %q", name, e.Line)
		}
	}
}

// differs names the first field of who connected where that is not the same.
func differs(a, b outbound.Event) string {
	switch {
	case a.UID != b.UID:
		return "UID"
	case a.Src != b.Src:
		return "SRC"
	case a.Dst != b.Dst:
		return "DST"
	case a.SrcPort != b.SrcPort:
		return "SPT"
	case a.DstPort != b.DstPort:
		return "DPT"
	case a.Proto != b.Proto:
		return "PROTO"
	case a.Rule != b.Rule:
		return "label"
	case a.GID != b.GID:
		return "GID"
	}
	return ""
}

func TestAnErrorLeavesTheEventAlone(t *testing.T) {
	var e outbound.Event
	line := []byte(head + p22 + body)
	if _, err := kernlog.Parse(line, &e); err != nil {
		t.Fatal(err)
	}
	before := e
	for _, bad := range []string{"", "x", head + p22 + body + "x", head + p22 + out} {
		if _, err := kernlog.Parse([]byte(bad), &e); err == nil {
			t.Errorf("%q is an event", bad)
		}
		if d := differs(before, e); d != "" || !bytes.Equal(before.Line, e.Line) {
			t.Errorf("%q changed %s", bad, d)
		}
	}
}

func TestParseLeavesTheReadersFieldsAlone(t *testing.T) {
	who := &outbound.Who{User: "alice"}
	e := outbound.Event{Witness: outbound.Keyed, Basis: outbound.Received, Who: who, ID: outbound.ID{1}}
	if _, err := kernlog.Parse([]byte(head+p22+body), &e); err != nil {
		t.Fatal(err)
	}
	if e.Witness != outbound.Keyed || e.Basis != outbound.Received || e.Who != who || e.ID != (outbound.ID{1}) || !e.Time.IsZero() {
		t.Errorf("changed: %+v", e)
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	for _, name := range []string{"imklog, traditional stamp", "RFC 3339, microseconds and offset", "IPv6, key and mark", "the longest prefix", "rule of the settings"} {
		line := []byte(variants[name].line)
		var e outbound.Event
		if n := testing.AllocsPerRun(100, func() { _, _ = kernlog.Parse(line, &e) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"imklog, traditional stamp", "RFC 3339, microseconds and offset", "the longest prefix", "IPv6"} {
		line := []byte(variants[name].line)
		b.Run(name, func(b *testing.B) {
			var e outbound.Event
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				if _, err := kernlog.Parse(line, &e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
