package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"net/url"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// TestTheQuestionBoxReadsWhatPeoplePaste tells, for each text, who is asked
// ("who TARGET") or which page answers.
func TestTheQuestionBoxReadsWhatPeoplePaste(t *testing.T) {
	for name, c := range map[string]struct{ typed, want string }{
		"an address":               {"203.0.113.22", "who 203.0.113.22"},
		"an address with a port":   {"203.0.113.22:22", "who 203.0.113.22"},
		"IPv6 in brackets":         {"[2001:db8::22]:443", "who 2001:db8::22"},
		"a network":                {"203.0.113.22/24", "who 203.0.113.0/24"},
		"a host name":              {"Host.Example.", "who host.example"},
		"a web address":            {"https://host.example/wp-login.php?x=1", "who host.example"},
		"an account":               {"alice", "/account?name=alice"},
		"a UID":                    {"uid 1043", "/search?uid=1043"},
		"our own address":          {"192.0.2.10", "/search?src=192.0.2.10"},
		"a line of our log":        {"Nov  5 02:11:03 web01 kernel: CSF-OUTBOUND:22:=:IN= OUT=eth0 SRC=192.0.2.10 DST=203.0.113.22 SPT=51514 DPT=22", "/?at=2026-11-05T01%3A11%3A03Z&q=..."},
		"a line of sshd elsewhere": {"2026-11-05T01:11:03Z sshd[1]: Failed password for root from 192.0.2.10 port 51514 ssh2", "/search?since=2026-11-05T00%3A11%3A03Z&sport=51514&src=192.0.2.10&until=2026-11-05T02%3A11%3A03Z"},
		"a line of a web server":   {`192.0.2.10 - - [05/Nov/2026:02:11:03 +0100] "POST /wp-login.php HTTP/1.1" 200`, "/search?since=2026-11-05T01%3A06%3A03Z&src=192.0.2.10&until=2026-11-05T01%3A16%3A03Z"},
		"an address in a sentence": {"who attacked (203.0.113.22)?", "who 203.0.113.22"},
	} {
		t.Run(name, func(t *testing.T) {
			h, asked := pageFakeTown(), ""
			answer := h.who
			h.who = func(ctx context.Context, s outbound.Scope, target, at, window string, zone *time.Location) (outbound.WhoDoc, error) {
				asked = "who " + target
				return answer(ctx, s, target, at, window, zone)
			}
			q := url.QueryEscape(c.typed)
			w := h.get(t, pageFakeRoot, "/?q="+q)
			if to := w.Header().Get("Location"); to != "" {
				asked = strings.ReplaceAll(to, "q="+q, "q=...")
			}
			if asked != c.want {
				t.Errorf("%q asks %q, want %q", c.typed, asked, c.want)
			}
		})
	}
}

func TestTheCardSaysWhoAndHowSure(t *testing.T) {
	alice, uid := "alice", uint32(1043)
	at := time.Date(2026, 11, 5, 1, 11, 3, 0, time.UTC)
	account := func(witness string) outbound.WhoAccount {
		return outbound.WhoAccount{Account: &alice, UID: &uid, Owner: "reseller7", Domain: "alice.example", Events: 1041, First: at, Last: at.Add(time.Minute), Witness: witness, Attribution: "known"}
	}
	target := "203.0.113.22"
	nobody := outbound.WhoSystem{User: "nobody", UID: 65534, Events: 2, First: at, Last: at, About: "Runs the web server.", Witness: "kernel"}
	forge := "any local user could have written it"
	for name, c := range map[string]struct {
		doc     outbound.WhoDoc
		viewer  web.Viewer
		want    []string
		without string
	}{
		"one account, by the kernel": {outbound.WhoDoc{Verdict: outbound.Identified, Accounts: []outbound.WhoAccount{account("kernel")}}, pageFakeRoot,
			[]string{"Identified", "alice", "<dt>UID</dt><dd>1043</dd>", "<dt>Witness</dt>", "reseller7", "alice.example", "1,041 connections", "2026-11-05 02:11:03", "recorded by the kernel"}, forge},
		"one account, by text alone": {outbound.WhoDoc{Verdict: outbound.Identified, Accounts: []outbound.WhoAccount{account("text")}}, pageFakeRoot,
			[]string{"Identified", "log, could be forged", forge}, ""},
		"a witness that is not known is text": {outbound.WhoDoc{Verdict: outbound.Identified, Accounts: []outbound.WhoAccount{account("hearsay")}}, pageFakeRoot, []string{forge}, ""},
		"text that a better witness denies": {outbound.WhoDoc{Verdict: outbound.None, Unverified: []outbound.WhoAccount{account("text")}}, pageFakeRoot,
			[]string{"None", "Said by log text alone", "leaves them out"}, "This rests on log text alone"},
		"a system user":        {outbound.WhoDoc{Verdict: outbound.System, SystemUsers: []outbound.WhoSystem{nobody}}, pageFakeRoot, []string{"System user", "nobody", "Runs the web server."}, forge},
		"several":              {outbound.WhoDoc{Verdict: outbound.Candidates, Accounts: []outbound.WhoAccount{account("kernel"), account("text")}}, pageFakeRoot, []string{"Candidates", "2 users"}, forge},
		"unknown":              {outbound.WhoDoc{Verdict: outbound.UnknownAnswer}, pageFakeRoot, []string{"Unknown", "does not prove that nothing happened", "any time on record", "the network 203.0.113.0/24"}, "so there was none"},
		"none of a reseller's": {outbound.WhoDoc{Verdict: outbound.None}, pageFakeOwner, []string{"No account of yours"}, "account of this server"},
	} {
		t.Run(name, func(t *testing.T) {
			h := pageFakeTown()
			c.doc.Query = outbound.WhoQuery{Address: &target, At: &at, WindowS: 300}
			h.who = func(context.Context, outbound.Scope, string, string, string, *time.Location) (outbound.WhoDoc, error) {
				return c.doc, nil
			}
			body := h.get(t, c.viewer, "/?q=203.0.113.22&at=2026-11-05T01:11:03Z").Body.String()
			for _, want := range append(c.want, "around 2026-11-05 02:11:03 CET, ± 5 min?") {
				if !strings.Contains(body, want) {
					t.Errorf("the card does not say %q", want)
				}
			}
			if c.without != "" && strings.Contains(body, c.without) {
				t.Errorf("the card says %q", c.without)
			}
		})
	}
}

// TestEveryVerdictHasWords holds the cards against the list of verdicts.
func TestEveryVerdictHasWords(t *testing.T) {
	target := "203.0.113.22"
	for _, v := range outbound.Verdicts {
		h := pageFakeTown()
		h.who = func(context.Context, outbound.Scope, string, string, string, *time.Location) (outbound.WhoDoc, error) {
			return outbound.WhoDoc{Verdict: v, Query: outbound.WhoQuery{Address: &target}}, nil
		}
		if body := h.get(t, pageFakeRoot, "/?q=203.0.113.22").Body.String(); strings.Contains(body, `<span class="word">`+string(v)) {
			t.Errorf("%s is shown as the code that it is", v)
		}
	}
}

func TestWithoutAnAnswererTheSearchAnswers(t *testing.T) {
	h := pageFakeTown()
	h.who = nil
	if got := h.get(t, pageFakeRoot, "/?q=203.0.113.22&at=2026-11-05T01:11:03Z").Header().Get("Location"); got != "/search?dst=203.0.113.22&since=2026-11-05T01%3A06%3A03Z&until=2026-11-05T01%3A16%3A03Z" {
		t.Errorf("leads to %q", got)
	}
}

func TestCoverageIsSaidInWords(t *testing.T) {
	gap := func(reason string) outbound.Gap { return outbound.Gap{Reason: reason} }
	for want, c := range map[string]outbound.Coverage{
		"recording complete": {Complete: true, Covered: 1},
		"completeness not known: nothing counts what the rules leave out":                                 {From: &pageFakeNow, Gaps: []outbound.Gap{gap(outbound.NotCounted)}},
		"recording complete but for 41 s in 3 gaps (firewall rebuilt 2 times, daemon not running) (99 %)": {Covered: .99, Missing: 41, Gaps: []outbound.Gap{gap(outbound.DaemonDown), gap(outbound.Rebuilt), gap(outbound.Rebuilt)}},
		"recording complete but for 97 min 21 s in 1 gap (rules missing) (90 %)":                          {Covered: .9, Missing: 5841, Gaps: []outbound.Gap{gap(outbound.RulesMissing)}},
		"nothing is recorded yet": {},
	} {
		h := pageFakeTown()
		h.reader.coverage = c
		body := h.get(t, pageFakeRoot, "/search").Body.String()
		if !strings.Contains(body, ">"+want+"</span>") {
			t.Errorf("the search does not say %q", want)
		}
	}
}
