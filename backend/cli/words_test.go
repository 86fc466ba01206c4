package cli_test

import (
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

func TestCoverageIsToldInWords(t *testing.T) {
	from, to := now.Add(-24*time.Hour), now
	gap := func(reason string, lost *int) outbound.Gap {
		return outbound.Gap{From: from, To: from.Add(time.Second), Rule: "*", Reason: reason, Lost: lost}
	}
	for name, c := range map[string]struct {
		coverage outbound.Coverage
		want     string
	}{
		"complete": {outbound.Coverage{Complete: true, Covered: 1, From: &from, To: &to},
			"recording complete for 2026-11-04 12:00:00 to 2026-11-05 12:00:00 UTC"},
		"some gaps": {outbound.Coverage{Covered: 0.99952, Missing: 41, From: &from, To: &to, Gaps: []outbound.Gap{
			gap(outbound.ClockStep, nil), gap(outbound.Rebuilt, nil), gap(outbound.Rebuilt, nil), gap(outbound.Rebuilt, nil)}},
			"recording complete but for 41 s in 4 gaps (firewall rebuilt 3 times, clock set) for 2026-11-04 12:00:00 to 2026-11-05 12:00:00 UTC (99.95 %)"},
		"almost complete is never called whole": {outbound.Coverage{Covered: 0.9999999, Missing: 0.2, Gaps: []outbound.Gap{gap(outbound.ClockStep, nil)}, From: &from},
			"recording complete but for 1 s in 1 gap (clock set) (99.99 %)"},
		"a known loss": {outbound.Coverage{Covered: 0.5, Missing: 43200, From: &from, To: &to, Gaps: []outbound.Gap{gap(outbound.NFLOGLost, new(1204))}},
			"recording complete but for 12 h in 1 gap (kernel records lost), at least 1,204 connections lost for 2026-11-04 12:00:00 to 2026-11-05 12:00:00 UTC (50 %)"},
		"an imported log": {outbound.Coverage{From: &from, To: &to, Gaps: []outbound.Gap{gap(outbound.NotCounted, nil)}},
			"completeness not known for 2026-11-04 12:00:00 to 2026-11-05 12:00:00 UTC: nothing counts what the rules leave out"},
		"a dead daemon": {outbound.Coverage{From: &from, To: &to, Gaps: []outbound.Gap{gap(outbound.DaemonDown, nil)}},
			"nothing proves that recording was complete for 2026-11-04 12:00:00 to 2026-11-05 12:00:00 UTC in 1 gap (daemon not running)"},
		"nothing stored":    {outbound.Coverage{}, "nothing is recorded yet"},
		"an unknown reason": {outbound.Coverage{Covered: 0.5, Missing: 1, From: &from, Gaps: []outbound.Gap{gap("gremlins", nil)}}, "(gremlins)"},
	} {
		_, out, _ := run(t, false, always(outbound.SearchDoc{Coverage: c.coverage}), "--tz", "UTC", "search")
		if !strings.Contains(out, c.want+"\n") && !(name == "an unknown reason" && strings.Contains(out, c.want)) {
			t.Errorf("%s: got\n%swant %s", name, out, c.want)
		}
	}
}

// TestEachReasonHasWords: a reason is shown to people, not its code.
func TestEachReasonHasWords(t *testing.T) {
	for _, reason := range []string{
		outbound.NotCounted, outbound.RulesMissing, outbound.Rebuilt, outbound.DaemonDown, outbound.NFLOGLost, outbound.LogLimit,
		outbound.LogLost, outbound.Damaged, outbound.RotatedAway, outbound.Pruned, outbound.Purged, outbound.ClockStep,
	} {
		c := outbound.Coverage{Covered: 0.5, Missing: 1, From: &now, To: &now, Gaps: []outbound.Gap{{Reason: reason}}}
		_, out, _ := run(t, false, always(outbound.SearchDoc{Coverage: c}), "search")
		if strings.Contains(out, "("+reason+")") {
			t.Errorf("%s is shown as its code: %s", reason, out)
		}
	}
}

// TestTheHourThatOccursTwice must not be one hour on paper.
func TestTheHourThatOccursTwice(t *testing.T) {
	summer := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	groups := []outbound.GroupDoc{{Key: "22", Events: 2, First: summer, Last: summer.Add(time.Hour)}}
	_, out, _ := run(t, false, always(outbound.SearchDoc{Groups: groups}), "--tz", "Europe/Berlin", "search", "--group-by", "port")
	for _, want := range []string{"2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
}

func TestVerdictsInWords(t *testing.T) {
	at := now
	address, alice, bob, uid := "203.0.113.22", "alice", "bob", uint32(1043)
	account := func(name *string, witness string) outbound.WhoAccount {
		return outbound.WhoAccount{Account: name, UID: &uid, Owner: "reseller7", Domain: "example.com", Events: 41, First: at, Last: at, Witness: witness, Attribution: "known"}
	}
	nobody := outbound.WhoSystem{User: "nobody", UID: 99, Events: 1, First: at, Last: at, Witness: "kernel"}
	const forged = "any local user could have written"
	for name, c := range map[string]struct {
		doc    outbound.WhoDoc
		status int
		first  string
		has    string
		not    string
	}{
		"the kernel saw one account": {outbound.WhoDoc{Verdict: outbound.Identified, Accounts: []outbound.WhoAccount{account(&alice, "kernel")}},
			0, "IDENTIFIED  alice (uid 1043, owner reseller7, example.com)\n", "41 more: outboundmonitor search --root", forged},
		"text alone is marked in the first line": {outbound.WhoDoc{Verdict: outbound.Identified, Accounts: []outbound.WhoAccount{account(&alice, "text")}},
			0, "IDENTIFIED  alice (uid 1043, owner reseller7, example.com), by log text that " + forged + "\n", "warning: ", "\x1b"},
		"one among system users": {outbound.WhoDoc{Verdict: outbound.Probable, Accounts: []outbound.WhoAccount{account(&alice, "keyed")}, SystemUsers: []outbound.WhoSystem{nobody}},
			6, "PROBABLE  alice (uid 1043, owner reseller7, example.com)\n", "system user nobody", forged},
		"several accounts": {outbound.WhoDoc{Verdict: outbound.Candidates, Accounts: []outbound.WhoAccount{account(&alice, "kernel"), account(&bob, "text")}},
			6, "CANDIDATES  2 users connected to 203.0.113.22\n", "\nbob ", forged},
		"a uid that nobody had": {outbound.WhoDoc{Verdict: outbound.Candidates, Accounts: []outbound.WhoAccount{account(nil, "kernel")}},
			6, "CANDIDATES  1 user connected to 203.0.113.22\n", "\nunknown ", forged},
		"one among UIDs that nobody had": {outbound.WhoDoc{Verdict: outbound.Probable, Accounts: []outbound.WhoAccount{account(&alice, "keyed"), account(nil, "keyed")}},
			6, "PROBABLE  alice (uid 1043, owner reseller7, example.com)\n", "; no other account; 41 connections whose user is not on record, below\n", "1 other account"},
		"one among another": {outbound.WhoDoc{Verdict: outbound.Probable, Accounts: []outbound.WhoAccount{account(&alice, "keyed"), account(&bob, "keyed"), account(nil, "keyed")}},
			6, "PROBABLE  alice", "; 1 other account below; 41 connections whose user is not on record, below\n", "2 other"},
		"system users alone": {outbound.WhoDoc{Verdict: outbound.System, SystemUsers: []outbound.WhoSystem{nobody}},
			0, "SYSTEM  no customer's account, but nobody\n", "uid 99", forged},
		"nobody": {outbound.WhoDoc{Verdict: outbound.None}, 1, "NONE  nothing connected to 203.0.113.22\n", "watched: ", forged},
		"nobody knows": {outbound.WhoDoc{Verdict: outbound.UnknownAnswer},
			3, "UNKNOWN  nothing on record to 203.0.113.22, and recording was incomplete\n", "watched: ", forged},
		"not ours": {outbound.WhoDoc{Verdict: outbound.NotThisServer}, 1, "NOT THIS SERVER  the addresses asked about are not and were not this server's\n", "", forged},
		"lines that had no say": {outbound.WhoDoc{Verdict: outbound.Identified, Accounts: []outbound.WhoAccount{account(&alice, "kernel")}, Unverified: []outbound.WhoAccount{account(&bob, "text")}},
			0, "IDENTIFIED  alice", "Not counted: log lines that could be forged", forged},
	} {
		c.doc.Query = outbound.WhoQuery{Address: &address, WindowS: 300}
		status, out, _ := run(t, false, always(c.doc), "who", address)
		if status != c.status || !strings.HasPrefix(out, c.first) || !strings.Contains(out, c.has) || strings.Contains(out, c.not) {
			t.Errorf("%s: status %d, want %d, %q, with %q and without %q:\n%s", name, status, c.status, c.first, c.has, c.not, out)
		}
	}
}
