package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// now is the world's clock: 2026-11-05, 03:00 in Berlin.
var now = time.Date(2026, 11, 5, 2, 0, 0, 0, time.UTC)

// The people of the world: reseller1 owns alice and the recreated bob,
// reseller2 owns carol, and got dave from root at 01:30.
var (
	alice  = who("alice", 1043, 1700000000, "reseller1", outbound.Known)
	bobOld = who("bob", 1044, 1700000100, "reseller2", outbound.Known)
	bob    = who("bob", 1050, 1790000000, "reseller1", outbound.Known)
	carol  = who("carol", 1045, 0, "reseller2", outbound.Assumed)
	dave   = who("dave", 1046, 1700000300, "reseller2", outbound.Known)
	early  = who("carol", 1045, 0, "", outbound.Unknown)
	nobody = &outbound.Who{Kind: outbound.SystemUser, Instance: outbound.Instance{UID: 65534}, User: "nobody", Attribution: outbound.Assumed}
)

func who(name outbound.Username, uid outbound.UID, begin int64, owner outbound.Username, a outbound.Attribution) *outbound.Who {
	return &outbound.Who{
		Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: uid, Begin: begin}, User: name, Owner: owner,
		Domain: string(name) + ".example.com", Attribution: a,
	}
}

// event gives an event of w, minutes before now. Its ID tells nothing of how
// many events there are.
func event(id byte, w *outbound.Who, minutes int, dst string, port uint16) outbound.Event {
	e := outbound.Event{
		ID: outbound.ID{id, 0x9f, 0x3c}, Time: now.Add(-time.Duration(minutes) * time.Minute), Who: w, UID: outbound.NoUID, GID: outbound.NoGID,
		Src: netip.MustParseAddr("192.0.2.10"), Dst: netip.MustParseAddr(dst), SrcPort: 51000 + uint16(id), DstPort: port,
		Proto: outbound.TCP, Rule: "other", Witness: outbound.Keyed,
	}
	if port == 22 {
		e.Rule = "22"
	}
	if w != nil {
		e.UID, e.GID = w.UID, outbound.GID(w.UID)
	}
	e.Line = fmt.Appendf(nil, "Nov  5 02:%02d:00 web01 kernel: CSF-OUTBOUND:%s:=:Ab3dEf:IN= OUT=eth0 SRC=192.0.2.10 DST=%s SPT=%d DPT=%d",
		60-minutes%60, e.Rule, dst, e.SrcPort, port)
	return e
}

func world() *model {
	hostile := event(9, alice, 9, "203.0.113.99", 80)
	hostile.Line = []byte("=cmd|' /C calc'!A0 <script>alert(1)</script> \x1b[31m \xff \u009b31m \",\" CSF-OUTBOUND:22:=:Ab3dEf:IN=")
	hostile.Witness = outbound.Text
	stray := event(10, nil, 8, "203.0.113.22", 22)
	stray.UID = 1999
	return &model{
		events: []outbound.Event{
			event(1, alice, 55, "203.0.113.22", 22), event(2, alice, 49, "203.0.113.22", 22), event(3, alice, 48, "2001:db8::22", 443),
			event(4, bob, 47, "203.0.113.22", 22), event(5, carol, 46, "203.0.113.22", 22), event(6, carol, 45, "198.51.100.7", 21),
			event(7, dave, 40, "198.51.100.8", 22), event(8, dave, 20, "198.51.100.8", 22), hostile, stray,
			event(11, nobody, 7, "198.51.100.9", 25), event(12, early, 6, "203.0.113.22", 22), event(13, bobOld, 5, "203.0.113.22", 8080),
			event(14, bob, 1500, "203.0.113.23", 22),
		},
		coverage: outbound.Coverage{
			Complete: false, Covered: 0.9995, Missing: 41, From: new(now.Add(-24 * time.Hour)), To: new(now),
			Watched: outbound.Watched{TCP: "all", Families: []int{4, 6}},
			Gaps:    []outbound.Gap{{From: now.Add(-10 * time.Hour), To: now.Add(-10*time.Hour + 41*time.Second), Rule: "*", Reason: outbound.LogLimit, Lost: new(77)}},
		},
	}
}

func grant(w *outbound.Who, from time.Time) outbound.Grant {
	return outbound.Grant{Instance: w.Instance, From: from}
}

func everybody() *people {
	life := func(w *outbound.Who, end time.Time) outbound.Life {
		return outbound.Life{Instance: w.Instance, Owner: w.Owner, Domain: w.Domain, End: end}
	}
	return &people{
		scopes: map[outbound.Username]outbound.Scope{
			"root":      outbound.Everything(),
			"reseller1": outbound.Only(grant(alice, time.Time{}), grant(bob, time.Time{})),
			"reseller2": outbound.Only(grant(carol, time.Time{}), grant(dave, now.Add(-30*time.Minute))),
			"reseller3": {},
		},
		lives: map[outbound.Username][]outbound.Life{
			"alice": {life(alice, time.Time{})}, "bob": {life(bobOld, now.Add(-time.Minute)), life(bob, time.Time{})},
			"carol": {life(carol, time.Time{})}, "dave": {life(dave, time.Time{})},
		},
	}
}

// options gives the world over m; tests change what they are about.
func options(m *model) web.Options {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return web.Options{
		Reader: m, Directory: everybody(), Who: m.Who, Importer: &inbox{}, Zone: berlin, Now: func() time.Time { return now },
		Monitor: gauge{outbound.StatusDoc{
			Version: "1.0.0", Daemon: true, Started: new(now.Add(-time.Hour)), Recording: true, Log: "/var/log/messages", CaughtUp: true, Events: 14,
			Rate: 2.5, Lines: outbound.Counts{Read: 20, Stored: 14, Known: 4, Rejected: map[string]int{"grammar": 2}}, Coverage: m.coverage,
			Disk: outbound.DiskDoc{Used: 4096, Free: 1 << 30, Days: 2, RetentionDays: 30},
		}},
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			switch host {
			case "one.example.com":
				return []netip.Addr{netip.MustParseAddr("::ffff:203.0.113.22"), netip.MustParseAddr("203.0.113.22")}, nil
			case "two.example.com":
				return []netip.Addr{netip.MustParseAddr("203.0.113.22"), netip.MustParseAddr("2001:db8::22")}, nil
			}
			return nil, errors.New("no such host")
		},
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends one request as viewer, by the command line.
func ask(t *testing.T, h http.Handler, viewer, method, path string) answer {
	t.Helper()
	return askVia(t, h, viewer, "cli", method, path, "")
}

func askVia(t *testing.T, h http.Handler, viewer, via, method, path, body string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Outboundmonitor-Viewer", viewer)
	r.Header.Set("Outboundmonitor-Via", via)
	return send(t, h, r)
}

func send(t *testing.T, h http.Handler, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{w.Code, w.Result().Header, string(body)}
}
