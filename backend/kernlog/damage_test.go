package kernlog_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
)

// texts gives the text of each field of e, as the kernel prints it.
func texts(e *outbound.Event) map[string]string {
	m := map[string]string{"label": e.Rule, "src": e.Src.String(), "dst": e.Dst.String(), "proto": strings.ToUpper(e.Proto.String())}
	if e.Src.Is6() {
		m["src"], m["dst"] = e.Src.StringExpanded(), e.Dst.StringExpanded()
	}
	switch e.Proto {
	case 50, 51, 136:
		m["proto"] = map[outbound.Protocol]string{50: "ESP", 51: "AH", 136: "UDPLITE"}[e.Proto]
	case outbound.ICMP, outbound.ICMPv6:
		// The kernel has a name for each in its own family only.
		m["proto"] = map[bool]map[outbound.Protocol]string{false: {1: "ICMP", 58: "58"}, true: {1: "1", 58: "ICMPv6"}}[e.Src.Is6()][e.Proto]
	}
	if e.Proto == outbound.TCP || e.Proto == outbound.UDP || e.Proto == 136 {
		m["spt"], m["dpt"] = strconv.Itoa(int(e.SrcPort)), strconv.Itoa(int(e.DstPort))
	}
	if e.UID != outbound.NoUID {
		m["uid"], m["gid"] = fmt.Sprint(e.UID), fmt.Sprint(e.GID)
	}
	return m
}

type sample struct {
	line  string
	event outbound.Event
}

// samples gives each variant and each recorded line that is an event, in a
// fixed order.
func samples(t testing.TB) []sample {
	var lines []string
	for _, v := range variants {
		lines = append(lines, v.line)
	}
	slices.Sort(lines)
	lines = append(lines, fileLines(t, "recorded.log")...)
	var all []sample
	for _, l := range lines {
		var e outbound.Event
		if _, err := kernlog.Parse([]byte(l), &e); err == nil {
			all = append(all, sample{l, e})
		}
	}
	if len(all) < 120 {
		t.Fatalf("%d samples", len(all))
	}
	return all
}

// wrong gives the field in which a damaged line is taken for another event
// than the line's own, "" if it is rejected or gives the same.
func (s *sample) wrong(damaged string) (string, *outbound.Event) {
	var e outbound.Event
	if _, err := kernlog.Parse([]byte(damaged), &e); err != nil {
		return "", nil
	}
	return differs(s.event, e), &e
}

// A line cut just before UID=, or before the TCP options that precede it, is to
// the byte what the kernel prints for a packet without a socket, or without
// options: it names nobody, and so nobody wrongly. A cut within the digits of
// the last number shortens that number: GID, which attributes nothing.
func TestALineCutAnywhereNamesNobodyElse(t *testing.T) {
	bare, gids := 0, 0
	for _, s := range samples(t) {
		for n := range s.line {
			switch field, e := s.wrong(s.line[:n]); {
			case field == "UID" && e.UID == outbound.NoUID && (strings.HasPrefix(s.line[n:], "UID=") || strings.HasPrefix(s.line[n:], "OPT (")):
				bare++
			case field == "GID" && strings.Contains(s.line[:n], " GID=") && s.line[n-1] != ' ':
				gids++
			case field != "":
				t.Errorf("cut at %d: another %s\n%s", n, field, s.line[:n])
			}
		}
	}
	t.Logf("cut just before UID=: %d; cut in GID=: %d", bare, gids)
}

func TestALineGluedToTheNextIsRejected(t *testing.T) {
	all := samples(t)
	for i, s := range all {
		for _, k := range []int{1, 17, 61} {
			next := all[(i+k)%len(all)].line
			for n := 1; n <= len(s.line); n++ {
				var e outbound.Event
				if _, err := kernlog.Parse([]byte(s.line[:n]+next), &e); err == nil {
					t.Errorf("cut at %d and glued:\n%s", n, s.line[:n]+next)
				}
			}
		}
	}
}

// In text without a checksum nothing tells that a number lost a digit, or a
// label a character. Everything else is found.
func TestALineThatLostAByteIsFoundUnlessItWasADigit(t *testing.T) {
	lost := map[string]int{}
	for _, s := range samples(t) {
		for i := range s.line {
			field, e := s.wrong(s.line[:i] + s.line[i+1:])
			if field == "" {
				continue
			}
			key := map[string]string{"SRC": "src", "DST": "dst", "SPT": "spt", "DPT": "dpt", "UID": "uid", "GID": "gid", "PROTO": "proto", "label": "label"}[field]
			was, is := texts(&s.event)[key], texts(e)[key]
			digit := s.line[i] >= '0' && s.line[i] <= '9' && !s.event.Src.Is6()
			digit = digit || s.line[i] >= '0' && s.line[i] <= '9' && key != "src" && key != "dst"
			if key != "label" && !digit || !lessOne(was, is) {
				t.Errorf("byte %d lost: %s %q becomes %q\n%s", i, field, was, is, s.line)
			}
			lost[field]++
		}
	}
	t.Logf("a digit (or a label's character) lost: %v", lost)
}

// lessOne reports whether b is a without one character.
func lessOne(a, b string) bool {
	for i := range a {
		if a[:i]+a[i+1:] == b {
			return true
		}
	}
	return false
}

// Other bytes that a full disk, a crash or a forger leaves behind.
func TestALineWithAByteOverwrittenIsFound(t *testing.T) {
	for _, s := range samples(t) {
		b := []byte(s.line)
		for i := range b {
			for _, c := range []byte{0, '\r', '\n', '\t', 0x7f, ' ', ':', '-', '+'} {
				if c == s.line[i] {
					continue
				}
				b[i] = c
				field, e := s.wrong(string(b))
				// A sign that stands in a label's place makes another label.
				cutGID := field == "GID" && c == ' ' && i >= len(b)-2
				if field != "" && !cutGID && !(field == "label" && len(e.Rule) == len(s.event.Rule)) {
					t.Errorf("byte %d became %q: another %s\n%s", i, c, field, b)
				}
				if e != nil && (c == 0 || c == '\r' || c == '\n' || c == 0x7f) {
					t.Errorf("byte %d became %q and the line is an event\n%s", i, c, b)
				}
			}
			b[i] = s.line[i]
		}
	}
}

func TestALineWithFieldsSwappedIsFound(t *testing.T) {
	for _, s := range samples(t) {
		f := strings.Split(s.line, " ")
		for i := range len(f) - 1 {
			g := slices.Clone(f)
			g[i], g[i+1] = g[i+1], g[i]
			if field, _ := s.wrong(strings.Join(g, " ")); field != "" {
				t.Errorf("%q and %q swapped: another %s\n%s", f[i], f[i+1], field, s.line)
			}
		}
	}
}

func TestALineWithAFieldTwiceIsFound(t *testing.T) {
	for _, s := range samples(t) {
		f := strings.Split(s.line, " ")
		for i := range f {
			for _, at := range []int{i, len(f) - 1} {
				g := slices.Insert(slices.Clone(f), at, f[i])
				line := strings.Join(g, " ")
				if _, e := s.wrong(line); e != nil && line != s.line {
					t.Errorf("%q twice is an event\n%s", f[i], line)
				}
			}
		}
	}
}

func TestACarriageReturnIsDamage(t *testing.T) {
	for _, s := range samples(t) {
		if _, e := s.wrong(s.line + "\r"); e != nil {
			t.Errorf("an event: %q", s.line+"\r")
		}
	}
}
