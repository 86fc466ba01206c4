package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

const packet = "IN= OUT=eth0 SRC=192.0.2.10 DST=203.0.113.22 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=10090 DF PROTO=TCP SPT=51514 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 UID=1043 GID=1043 "

const six = "IN= OUT=eth0 SRC=2001:0db8:0000:0000:0000:0000:0000:0010 DST=2001:0db8:0000:0000:0000:0000:0000:0022 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=123456 PROTO=TCP SPT=51514 DPT=22 WINDOW=64800 RES=0x00 SYN URGP=0 UID=1043 GID=1043 "

const ours = " web01 kernel: [ 1088.668278] CSF-OUTBOUND:22:=:Ab3dEf:"

// strangeLines are lines that a log can hold, ours and not.
func strangeLines() map[string]string {
	all := map[string]string{
		"a traditional stamp":            "Nov  5 02:11:03" + ours + packet,
		"a day of two digits":            "Nov 15 02:11:03" + ours + packet,
		"a day written as 05":            "Nov 05 02:11:03" + ours + packet,
		"a day with blank and ten":       "Nov 1  02:11:03" + ours + packet,
		"a day that is none":             "Feb 30 02:11:03" + ours + packet,
		"a leap day in another year":     "Feb 29 02:11:03" + ours + packet,
		"a month across two names":       "anF  5 02:11:03" + ours + packet,
		"hour 24":                        "Nov  5 24:11:03" + ours + packet,
		"a leap second":                  "Nov  5 23:59:60" + ours + packet,
		"a stamp of next year":           "Jan  1 00:30:00" + ours + packet,
		"a stamp of last year":           "Dec 31 23:30:00" + ours + packet,
		"an RFC 3339 stamp in year 0":    "0000-11-05T02:11:03Z" + ours + packet,
		"an RFC 3339 stamp of 1600":      "1600-11-05T02:11:03.123456Z" + ours + packet,
		"an RFC 3339 stamp of 9999":      "9999-11-05T02:11:03.123456Z" + ours + packet,
		"the beginning of Unix time":     "1970-01-01T00:00:00.123456Z" + ours + packet,
		"a stamp with a blank for T":     "2026-11-05 02:11:03.123456Z" + ours + packet,
		"no stamp":                       "kernel: " + packet,
		"a stamp alone":                  "Nov  5 02:11:03 ",
		"a stamp cut short":              "Nov  5 02:11:03",
		"an RFC 3339 stamp cut short":    "2026-11-05T02:11:03",
		"no uptime":                      "Nov  5 02:11:03 web01 kernel: CSF-OUTBOUND:22:=:" + packet,
		"uptime without padding":         "Nov  5 02:11:03 web01 kernel: [1088.668278] " + packet,
		"uptime with zeros":              "Nov  5 02:11:03 web01 kernel: [01088.668278] " + packet,
		"uptime of five digits":          "Nov  5 02:11:03 web01 kernel: [41088.668278] " + packet,
		"uptime beyond 32 bits":          "Nov  5 02:11:03 web01 kernel: [4294967296.668278] " + packet,
		"uptime of 0":                    "Nov  5 02:11:03 web01 kernel: [    0.000000] " + packet,
		"uptime with three digits":       "Nov  5 02:11:03 web01 kernel: [ 1088.668] " + packet,
		"a process ID in brackets":       "Nov  5 02:11:03 web01 x[1088]: " + packet,
		"a bracket that stays open":      "Nov  5 02:11:03 web01 [ 1088.668278 " + packet,
		"IPv6":                           "Nov  5 02:11:03" + ours + six,
		"IPv6 in its short form":         "Nov  5 02:11:03" + ours + "SRC=2001:db8::10 DST=2001:db8::22 ",
		"IPv6 in upper case":             "Nov  5 02:11:03" + ours + strings.ToUpper(six),
		"UDP with two lengths":           "Nov  5 02:11:03" + ours + "SRC=192.0.2.10 DST=203.0.113.22 LEN=60 ID=1 PROTO=UDP SPT=51514 DPT=22 LEN=40 UID=1043 GID=1043 ",
		"three lengths":                  "Nov  5 02:11:03" + ours + "LEN=60 LEN=40 LEN=20 ",
		"a first length that is none":    "Nov  5 02:11:03" + ours + "LEN=x LEN=40 LEN=20 ",
		"an ICMP error":                  "Nov  5 02:11:03" + ours + "SRC=192.0.2.10 DST=203.0.113.22 LEN=88 PROTO=ICMP TYPE=3 CODE=1 [SRC=203.0.113.22 DST=192.0.2.10 LEN=60 ID=7 PROTO=TCP SPT=22 DPT=51514 SEQ=4294967295 ACK=0 ] ",
		"an ICMP echo":                   "Nov  5 02:11:03" + ours + "SRC=192.0.2.10 DST=203.0.113.22 LEN=84 ID=1 PROTO=ICMP TYPE=8 CODE=0 ID=2 SEQ=3 ",
		"SEQ= and ACK=":                  "Nov  5 02:11:03" + ours + "SEQ=4294967295 ACK=4294967296 ",
		"no UID":                         "Nov  5 02:11:03" + ours + strings.Replace(packet, "UID=1043 GID=1043 ", "", 1),
		"the UID of nobody else":         "Nov  5 02:11:03" + ours + strings.Replace(packet, "UID=1043", "UID=1044", 1),
		"leading zeros":                  "Nov  5 02:11:03" + ours + "SRC=192.0.2.010 DST=203.0.113.022 LEN=060 ID=00 SPT=051514 DPT=022 UID=01043 GID=01043 WINDOW=0 ",
		"signs and blanks":               "Nov  5 02:11:03" + ours + "LEN=+60 ID=-1 SPT= 51514 DPT=  UID= ",
		"SRC= twice":                     "Nov  5 02:11:03" + ours + "SRC=192.0.2.10 SRC=192.0.2.10 DST=203.0.113.22 DST=203.0.113.22 SPT=51514 SPT=51514 UID=1043 UID=1043 ",
		"SRC= of another":                "Nov  5 02:11:03" + ours + "SRC=192.0.2.11 DST=203.0.113.23 SPT=1 DPT=2 GID=3 ",
		"keys in lower case":             strings.ToLower("Nov  5 02:11:03" + ours + packet),
		"a key within a key":             "Nov  5 02:11:03" + ours + "XSRC=192.0.2.10 A=SRC=192.0.2.10 SRC==192.0.2.10 ",
		"no blank at the end":            strings.TrimRight("Nov  5 02:11:03"+ours+packet, " "),
		"the empty line":                 "",
		"one blank":                      " ",
		"one equals sign":                "=",
		"equals signs":                   strings.Repeat("=", 300),
		"8 KiB":                          "Nov  5 02:11:03" + ours + packet + strings.Repeat("x", 8<<10),
		"8 KiB of keys":                  strings.Repeat("SRC=192.0.2.10 LEN=1 ", 400),
		"bytes of other alphabets":       "Nov  5 02:11:03 wéb kernel: \xff\xfe\x80" + packet,
		"a NUL":                          "Nov  5 02:11:03" + ours + packet + "\x00",
		"a NUL run before":               strings.Repeat("\x00", 40) + "Nov  5 02:11:03" + ours + packet,
		"a carriage return":              "Nov  5 02:11:03" + ours + packet + "\r",
		"a tab in a value":               "Nov  5 02:11:03" + ours + "SRC=192.0.2.10\tDST=203.0.113.22 ",
		"the byte of the escape":         "\x1fNov  5 02:11:03" + ours + packet,
		"the byte of the escape, within": "Nov  5 02:11:03" + ours + "\x1f" + packet,
		"an RFC 5424 head":               "<4>1 2026-11-05T02:11:03.003Z web01 kernel - - - " + packet,
	}
	for b := range byte(0x20) {
		all[fmt.Sprintf("the byte %#02x", b)] = "Nov  5 02:11:03" + ours + string(rune(b)) + packet
		all[fmt.Sprintf("the byte %#02x alone", b)] = string(rune(b))
	}
	for n := range 10 {
		for _, zone := range []string{"Z", "+01:00", "-05:30", "", "+0100"} {
			dot := "."
			if n == 0 {
				dot = ""
			}
			stamp := "2026-11-05T02:11:03" + dot + "120456789"[:n] + zone
			all["the stamp "+stamp] = stamp + ours + packet
		}
	}
	return all
}

var alice = &outbound.Who{Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: 1043, Begin: 100}, User: "alice", Owner: "reseller7", Attribution: outbound.Known}

// event gives an event of alice with this line.
func event(at time.Time, line string) outbound.Event {
	return outbound.Event{
		Time: at, Who: alice, UID: alice.UID, GID: 1043, Src: netip.MustParseAddr("192.0.2.10"), Dst: netip.MustParseAddr("203.0.113.22"),
		SrcPort: 51514, DstPort: 22, Proto: outbound.TCP, Rule: "22", Line: []byte(line),
	}
}

// TestLinesComeBackByteForByte puts strange lines through a store: while their
// block is open, after a restart, once it is sealed, and after another restart.
func TestLinesComeBackByteForByte(t *testing.T) {
	for name, at := range map[string]time.Time{
		"on an ordinary day":       time.Date(2026, 11, 5, 1, 11, 3, 120456000, time.UTC),
		"on New Year's Eve in UTC": time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC),
		"on New Year's Day in UTC": time.Date(2027, 1, 1, 0, 30, 0, 999999000, time.UTC),
		"on a leap day":            time.Date(2028, 2, 29, 12, 0, 0, 1000, time.UTC),
		"before 1970":              time.Date(1969, 12, 31, 23, 59, 59, 5000, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			var batch []outbound.Event
			want := map[string]int{}
			for _, line := range strangeLines() {
				for _, e := range []outbound.Event{event(at, line), sixEvent(at, line)} {
					batch = append(batch, e)
					want[line]++
				}
			}
			if err := s.Append(outbound.Batch{Events: batch}); err != nil {
				t.Fatal(err)
			}
			compare := func(where string) {
				t.Helper()
				got := map[string]int{}
				for _, e := range collect(t, s, outbound.Everything(), outbound.Query{}) {
					got[string(e.Line)]++
				}
				for line, n := range want {
					if got[line] != n {
						t.Errorf("%s: %d times %.300q, want %d", where, got[line], line, n)
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s: %d different lines, want %d", where, len(got), len(want))
				}
			}
			compare("in open rows")
			s = reopen(t, s, dir)
			compare("in open rows, reopened")
			filler := make([]outbound.Event, 4096)
			for i := range filler {
				filler[i] = event(at.Truncate(24*time.Hour).Add(24*time.Hour-time.Microsecond), "Nov  5 23:59:59"+ours+packet)
			}
			want[string(filler[0].Line)] += len(filler)
			if err := s.Append(outbound.Batch{Events: filler}); err != nil {
				t.Fatal(err)
			}
			compare("in a sealed block")
			s = reopen(t, s, dir)
			compare("in a sealed block, reopened")
		})
	}
}

func sixEvent(at time.Time, line string) outbound.Event {
	e := event(at, line)
	e.Src, e.Dst = netip.MustParseAddr("2001:db8::10"), netip.MustParseAddr("2001:db8::22")
	return e
}

func reopen(t *testing.T, s *store.Store, dir string) *store.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

// TestLongLinesLeaveTheDayReadable fills blocks with lines of 8 KiB, each of a
// shape of its own, and of one shape: a reader expands no piece beyond bounds.
func TestLongLinesLeaveTheDayReadable(t *testing.T) {
	for name, one := range map[string]bool{"each of its own shape": false, "all of one shape": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			at := time.Date(2026, 11, 5, 1, 11, 3, 0, time.UTC)
			var batch []outbound.Event
			for i := range 1500 {
				mark := i
				if one {
					mark = 0
				}
				batch = append(batch, event(at, fmt.Sprintf("Nov  5 01:11:03%s%s%s%d", ours, packet, strings.Repeat("x", 8<<10), mark)))
			}
			if err := s.Append(outbound.Batch{Events: batch}); err != nil {
				t.Fatal(err)
			}
			s = reopen(t, s, dir)
			same(t, collect(t, s, outbound.Everything(), outbound.Query{}), batch)
		})
	}
}

func TestWhatWouldNotComeBackIsRefused(t *testing.T) {
	at := time.Date(2026, 11, 5, 1, 11, 3, 0, time.UTC)
	for name, change := range map[string]func(*outbound.Event){
		"an event without an account":     func(e *outbound.Event) { e.Who = nil },
		"an account of another UID":       func(e *outbound.Event) { e.UID = 1044 },
		"no source address":               func(e *outbound.Event) { e.Src = netip.Addr{} },
		"no remote address":               func(e *outbound.Event) { e.Dst = netip.Addr{} },
		"an IPv4 address written as IPv6": func(e *outbound.Event) { e.Dst = netip.MustParseAddr("::ffff:203.0.113.22") },
		"an address with a zone":          func(e *outbound.Event) { e.Dst = netip.MustParseAddr("2001:db8::1%eth0") },
		"a line of more than a MiB":       func(e *outbound.Event) { e.Line = make([]byte, 1<<20+1) },
		"a rule of 256 bytes":             func(e *outbound.Event) { e.Rule = strings.Repeat("r", 256) },
		"the year 10000":                  func(e *outbound.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			bad := event(at, "Nov  5 01:11:03"+ours+packet)
			change(&bad)
			if err := s.Append(outbound.Batch{Events: []outbound.Event{event(at, "x"), bad}}); err == nil {
				t.Error("stored")
			}
			if got := collect(t, s, outbound.Everything(), outbound.Query{}); len(got) != 0 {
				t.Errorf("%d events of a refused batch are there", len(got))
			}
		})
	}
}

// FuzzLines takes any bytes as a line of an event whose fields agree with the
// line, or not.
func FuzzLines(f *testing.F) {
	for _, line := range strangeLines() {
		f.Add([]byte(line), int64(1793841063), uint32(1043), uint16(51514), true)
		f.Add([]byte(line), int64(-1), uint32(1<<32-1), uint16(0), false)
	}
	f.Fuzz(func(t *testing.T, line []byte, unix int64, uid uint32, port uint16, four bool) {
		e := event(time.Unix(unix, 654321000).UTC(), "")
		if !four {
			e = sixEvent(e.Time, "")
		}
		w := *e.Who
		w.UID = outbound.UID(uid)
		e.Who, e.UID, e.SrcPort, e.Line, e.Twin = &w, w.UID, port, line, uid
		if store.Storable(&e) != nil {
			t.Skip()
		}
		for _, before := range [][]byte{line, append(bytes.Clone(line), ' '), line[:len(line)-len(line)%2], []byte("Nov  5 02:11:03" + ours + packet)} {
			roundTrip(t, before, e)
		}
	})
}

func roundTrip(t *testing.T, before []byte, e outbound.Event) {
	t.Helper()
	all, err := store.RoundTrip(before, e, e.Time.Truncate(24*time.Hour).Unix())
	if err != nil {
		t.Fatal(err)
	}
	for i, where := range []string{"open rows", "a head value", "a block"} {
		got := all[i]
		if !bytes.Equal(got.Line, e.Line) {
			t.Errorf("from %s comes\n%q, want\n%q", where, got.Line, e.Line)
		}
		if texts([]outbound.Event{got})[0] != texts([]outbound.Event{e})[0] || got.Twin != e.Twin {
			t.Errorf("from %s comes %+v, want %+v", where, got, e)
		}
	}
}

// TestLinesWithOneChangeComeBack changes bytes of lines as the kernel prints
// them.
func TestLinesWithOneChangeComeBack(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	at := time.Date(2026, 11, 5, 2, 11, 3, 0, time.UTC)
	bases := []string{"Nov  5 02:11:03" + ours + packet, "2026-11-05T02:11:03.120456+01:00" + ours + six}
	for range 3000 {
		base := bases[rng.IntN(len(bases))]
		line := []byte(base)
		for range 1 + rng.IntN(3) {
			switch i := rng.IntN(len(line)); rng.IntN(5) {
			case 4:
				line = append(line, base[rng.IntN(len(base)):]...)
			case 0:
				line = append(line[:i], line[i+1:]...)
			case 1:
				line[i] = " 0123456789:=.[]ABS\x01\x80"[rng.IntN(21)]
			case 2:
				line = append(line[:i], append([]byte{line[i]}, line[i:]...)...)
			default:
				line[i] = byte(rng.IntN(256))
			}
		}
		e := event(at, string(line))
		if strings.Contains(base, "2001:0db8") {
			e = sixEvent(at, string(line))
		}
		roundTrip(t, []byte(base), e)
	}
}
