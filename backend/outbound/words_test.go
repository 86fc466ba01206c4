package outbound_test

import (
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

func TestThousandsAreParted(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 41203: "41,203", 1234567: "1,234,567", -999: "-999", -1000: "-1,000"} {
		if got := outbound.Thousands(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestShellWordsAreQuotedIfNeedBe(t *testing.T) {
	for want, words := range map[string][]string{
		"outboundmonitor search --dst 203.0.113.0/24": {"outboundmonitor", "search", "--dst", "203.0.113.0/24"},
		`'' 'a b' 'it'\''s' '$(x)' '*'`:               {"", "a b", "it's", "$(x)", "*"},
	} {
		if got := outbound.ShellQuote(words...); got != want {
			t.Errorf("%q is %s, want %s", words, got, want)
		}
	}
}

// TestEachReasonOfAGapHasWords: people read words, scripts the code.
func TestEachReasonOfAGapHasWords(t *testing.T) {
	for _, reason := range []string{
		outbound.NotCounted, outbound.RulesMissing, outbound.Rebuilt, outbound.DaemonDown, outbound.NFLOGLost, outbound.LogLimit,
		outbound.LogLost, outbound.Damaged, outbound.RotatedAway, outbound.Pruned, outbound.Purged, outbound.ClockStep,
	} {
		if words := (outbound.Gap{Reason: reason}).Words(); words == "" || words == reason || strings.Contains(words, "_") {
			t.Errorf("%s has the words %q", reason, words)
		}
	}
	if words := (outbound.Gap{Reason: "gremlins"}).Words(); words != "gremlins" {
		t.Errorf("an unknown reason is %q", words)
	}
}

func TestCoverageHasOneWording(t *testing.T) {
	at := time.Date(2026, 11, 5, 1, 0, 0, 0, time.UTC)
	gap := func(reason string) outbound.Gap { return outbound.Gap{Reason: reason} }
	for name, c := range map[string]struct {
		coverage     outbound.Coverage
		words, short string
		uncounted    bool
	}{
		"complete":        {outbound.Coverage{Complete: true, Covered: 1, From: &at}, "recording complete for that time", "recording complete", false},
		"nothing counted": {outbound.Coverage{From: &at, Gaps: []outbound.Gap{gap(outbound.NotCounted)}}, "completeness not known for that time: nothing counts what the rules leave out", "completeness not known", true},
		"a dead daemon as well": {outbound.Coverage{From: &at, Gaps: []outbound.Gap{gap(outbound.NotCounted), gap(outbound.DaemonDown)}},
			"nothing proves that recording was complete for that time in 2 gaps (not counted, daemon not running)", "nothing proves that recording was complete in 2 gaps (not counted, daemon not running)", false},
		"some missing":    {outbound.Coverage{From: &at, Covered: .9995, Missing: 41, Gaps: []outbound.Gap{gap(outbound.Rebuilt)}}, "recording complete but for 41 s in 1 gap (firewall rebuilt) for that time (99.95 %)", "recording complete but for 41 s in 1 gap (firewall rebuilt) (99.95 %)", false},
		"nothing on disk": {outbound.Coverage{}, "nothing is recorded yet", "nothing is recorded yet", false},
	} {
		if w, s := c.coverage.Words(" for that time"), c.coverage.Short(); w != c.words || s != c.short || c.coverage.Uncounted() != c.uncounted {
			t.Errorf("%s: %q, in short %q, uncounted %v", name, w, s, c.coverage.Uncounted())
		}
	}
}

func TestWhatIsWatchedIsSaid(t *testing.T) {
	for want, w := range map[string]outbound.Watched{
		"not known; nothing reads the firewall's rules": {},
		"no port": {Families: []int{4}},
		"TCP ports 21, 22, no UDP, over IPv4; not what this server forwards for others": {TCP: "21,22", Families: []int{4}},
		"every TCP port, UDP ports 53, over IPv4 and IPv6":                              {TCP: "all", UDP: []string{"53"}, Families: []int{4, 6}, Forwarded: true},
	} {
		if got := w.Words(); got != want {
			t.Errorf("%+v is %q, want %q", w, got, want)
		}
	}
}

func TestZonesArePeoplesOwn(t *testing.T) {
	at := time.Date(2026, 11, 5, 1, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{"UTC": "01:00", "Europe/Berlin": "02:00", "+01:00": "02:00", "-0530": "19:30", "+0000": "01:00"} {
		zone, err := outbound.ParseZone(name)
		if err != nil || at.In(zone).Format("15:04") != want || zone.String() != name {
			t.Errorf("%s: %v %v, want %s", name, zone, err, want)
		}
	}
	for _, name := range []string{"", "Local", "Mars/Base", "../../etc/passwd", "/etc/localtime", "+25:00", "01:00", "+1"} {
		if zone, err := outbound.ParseZone(name); err == nil {
			t.Errorf("%q is taken for %v", name, zone)
		}
	}
}

// TestRetransmissionsFoldWhateverTheOrder: pages list the newest first, answers
// the oldest.
func TestRetransmissionsFoldWhateverTheOrder(t *testing.T) {
	at := time.Date(2026, 11, 5, 1, 0, 0, 0, time.UTC)
	event := func(after time.Duration, proto, witness string, sport uint16) outbound.EventDoc {
		return outbound.EventDoc{Time: at.Add(after), Src: "192.0.2.10", SrcPort: sport, Dst: "203.0.113.22", DstPort: 22, Proto: proto, Witness: witness}
	}
	for name, c := range map[string]struct {
		events []outbound.EventDoc
		seen   []int
	}{
		"three packets":                  {[]outbound.EventDoc{event(0, "tcp", "text", 1), event(time.Second, "tcp", "text", 1), event(3*time.Second, "tcp", "text", 1)}, []int{3}},
		"a row between":                  {[]outbound.EventDoc{event(0, "tcp", "text", 1), event(1, "tcp", "text", 2), event(2, "tcp", "text", 1)}, []int{2, 1}},
		"minutes later":                  {[]outbound.EventDoc{event(0, "tcp", "text", 1), event(34*time.Second, "tcp", "text", 1)}, []int{1, 1}},
		"another witness":                {[]outbound.EventDoc{event(0, "tcp", "kernel", 1), event(1, "tcp", "text", 1)}, []int{1, 1}},
		"UDP is as many as there are":    {[]outbound.EventDoc{event(0, "udp", "text", 1), event(1, "udp", "text", 1)}, []int{1, 1}},
		"without a port there's no flow": {[]outbound.EventDoc{event(0, "tcp", "text", 0), event(1, "tcp", "text", 0)}, []int{1, 1}},
	} {
		for _, newest := range []bool{false, true} {
			events := append([]outbound.EventDoc{}, c.events...)
			if newest {
				for i := range events {
					events[i] = c.events[len(c.events)-1-i]
				}
			}
			f, sum, most := outbound.Folder{Keep: true}, 0, 0
			rows := f.Fold(events)
			for _, r := range rows {
				sum, most = sum+r.Seen, max(most, r.Seen)
				if len(r.Others) != r.Seen-1 {
					t.Errorf("%s: a row of %d keeps %d others", name, r.Seen, len(r.Others))
				}
				for _, e := range r.Others {
					if e.Time.Before(r.Time) {
						t.Errorf("%s: a row has not the time of its first packet", name)
					}
				}
			}
			if len(rows) != len(c.seen) || sum != len(events) || most != c.seen[0] {
				t.Errorf("%s, newest first %v: %d rows of %d events, the largest of %d; want %v", name, newest, len(rows), sum, most, c.seen)
			}
		}
	}
}
