//go:build linux

package backend_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

// checkTargets asks about each target, and about some that nobody connected
// to. all says that the rules record each connection.
func (d *kernelDay) checkTargets(t *testing.T, lines []kernelLine, all bool) {
	t.Helper()
	silent := 0
	for _, u := range kernelUsers {
		for _, dst := range []netip.Addr{u.v4, u.v6} {
			if !d.checkWho(t, u, dst, lines) {
				silent++
			}
		}
	}
	for _, dst := range kernelNever {
		d.checkUnknown(t, dst, lines[len(lines)/2].when)
	}
	if all && silent > 0 {
		t.Errorf("%d targets were not recorded", silent)
	}
	// The article's rules are silent about IPv6, and about most of the rest.
	if !all && silent <= len(kernelUsers) {
		t.Error("each account was recorded: the article's limits have no effect here, so that nothing is proved of them")
	}
}

// checkWho asks who connected to a user's target, at the time of one of its
// lines; it reports false if there is none.
func (d *kernelDay) checkWho(t *testing.T, u kernelUser, dst netip.Addr, lines []kernelLine) bool {
	t.Helper()
	lines = slices.DeleteFunc(slices.Clone(lines), func(l kernelLine) bool { return l.dst != dst })
	if len(lines) == 0 {
		d.checkUnknown(t, dst, time.Now())
		return false
	}
	doc, exit := d.program.who(t, dst, lines[len(lines)/2].when)
	got, want := kernelAnswer(doc, exit), kernelExpected(u, lines)
	if got != want {
		t.Errorf("who %s:\n\t%s\nwant\t%s", dst, got, want)
	}
	return true
}

// checkUnknown asks about a target of which no line tells: nobody counted what
// the rules missed, so the answer must not be "nobody".
func (d *kernelDay) checkUnknown(t *testing.T, dst netip.Addr, at time.Time) {
	t.Helper()
	doc, exit := d.program.who(t, dst, at)
	if doc.Verdict != outbound.UnknownAnswer || exit != 3 || len(doc.Events) > 0 {
		t.Errorf("who %s, which is in no line: %s, exit status %d, %d events; want unknown, 3, none", dst, doc.Verdict, exit, len(doc.Events))
	}
}

// kernelParty is one of those whom an answer names, with its events.
func kernelParty(kind, name string, uid *uint32, events int) string {
	if uid == nil {
		return fmt.Sprintf("%s %q without UID: %d", kind, name, events)
	}
	return fmt.Sprintf("%s %q UID %d: %d", kind, name, *uid, events)
}

// kernelAnswer gives an answer in one line.
func kernelAnswer(doc outbound.WhoDoc, exit int) string {
	var parties []string
	for _, a := range doc.Accounts {
		name := ""
		if a.Account != nil {
			name = *a.Account
		}
		parties = append(parties, kernelParty("account", name, a.UID, a.Events))
	}
	for _, s := range doc.SystemUsers {
		parties = append(parties, kernelParty("system user", s.User, &s.UID, s.Events))
	}
	for _, a := range doc.Unverified {
		parties = append(parties, kernelParty("unverified", "", a.UID, a.Events))
	}
	slices.Sort(parties)
	return fmt.Sprintf("%s, exit status %d: %s", doc.Verdict, exit, strings.Join(parties, ", "))
}

// kernelExpected gives the answer that the lines to a user's target make. The
// kernel prints no UID for what it sends for a closed socket; where a limit
// swallowed all other packets of that connection, nobody can say whose it was.
func kernelExpected(u kernelUser, lines []kernelLine) string {
	owned := map[string]bool{}
	flow := func(l kernelLine) string { return fmt.Sprint(l.src, l.sport, l.dst, l.dport) }
	for _, l := range lines {
		owned[flow(l)] = owned[flow(l)] || l.hasUID
	}
	hers, nobodys := 0, 0
	for _, l := range lines {
		if owned[flow(l)] {
			hers++
		} else {
			nobodys++
		}
	}
	kind := "account"
	if u.owner == "" && u.name != "" {
		kind = "system user"
	}
	var parties []string
	if hers > 0 {
		parties = append(parties, kernelParty(kind, u.name, &u.uid, hers))
	}
	if nobodys > 0 {
		parties = append(parties, kernelParty("account", "", nil, nobodys))
	}
	slices.Sort(parties)
	verdict := "candidates, exit status 6"
	switch {
	case kind == "system user" && nobodys == 0:
		verdict = "system, exit status 0"
	case u.owner != "" && nobodys == 0:
		verdict = "identified, exit status 0"
	case u.owner != "" && nobodys < hers:
		verdict = "probable, exit status 6"
	}
	return verdict + ": " + strings.Join(parties, ", ")
}
