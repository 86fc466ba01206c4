package match_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/match"
	"outboundmonitor/backend/outbound"
)

// renamed is alice under the name that she has later.
var renamed = func() *outbound.Who { w := *alice; w.User = "alina"; return &w }()

func about(u outbound.Username) string { return string(u) + " is a system user" }

func atAsked() match.Question {
	return match.Question{Prefix: netip.PrefixFrom(target, 32), At: asked, Window: 5 * time.Minute, Limit: 100}
}

func who(t *testing.T, m *memory, q match.Question) outbound.WhoDoc {
	t.Helper()
	doc, err := match.Who(t.Context(), m, outbound.Everything(), about, q)
	if err != nil {
		t.Fatal(err)
	}
	if m.walks != 1 {
		t.Errorf("the events were walked %d times, want once", m.walks)
	}
	return doc
}

// names gives "alice:3" for each account and "-:2" for a UID without one.
func names(list []outbound.WhoAccount) string {
	var all []string
	for _, a := range list {
		name := "-"
		if a.Account != nil {
			name = *a.Account
		}
		all = append(all, name+":"+string(rune('0'+a.Events)))
	}
	return strings.Join(all, " ")
}

func TestVerdictOnWhatWasFound(t *testing.T) {
	const k, y, x = outbound.Kernel, outbound.Keyed, outbound.Text
	for name, c := range map[string]struct {
		events     []outbound.Event
		verdict    outbound.Verdict
		accounts   string
		unverified string
	}{
		"one account, known":                                {rows(3, alice, k), outbound.Identified, "alice:3", ""},
		"one account, assumed":                              {rows(1, carol, k), outbound.Identified, "carol:1", ""},
		"one account, signed lines":                         {rows(2, alice, y), outbound.Identified, "alice:2", ""},
		"one account, text alone":                           {rows(2, alice, x), outbound.Identified, "alice:2", ""},
		"kernel and signed lines count alike":               {slices.Concat(rows(2, alice, k), rows(1, bob, y)), outbound.Candidates, "alice:2 bob:1", ""},
		"two accounts, most events first":                   {slices.Concat(rows(1, alice, k), rows(4, bob, k)), outbound.Candidates, "bob:4 alice:1", ""},
		"two lives of one name are two":                     {slices.Concat(rows(3, alice, k), rows(1, alice2, k)), outbound.Candidates, "alice:3 alice:1", ""},
		"an account that was renamed in between is one":     {slices.Concat(rows(1, alice, k), rows(3, renamed, k)), outbound.Identified, "alina:4", ""},
		"two accounts in text alone":                        {slices.Concat(rows(2, alice, x), rows(1, bob, x)), outbound.Candidates, "alice:2 bob:1", ""},
		"an account and fewer unattributed":                 {slices.Concat(rows(3, alice, k), stray(2, 1999, k)), outbound.Probable, "alice:3 -:2", ""},
		"an account and fewer without any UID":              {slices.Concat(rows(3, alice, k), apart(stray(1, outbound.NoUID, k))), outbound.Probable, "alice:3 -:1", ""},
		"an account and as many unattributed":               {slices.Concat(rows(2, alice, k), stray(2, 1999, k)), outbound.Candidates, "alice:2 -:2", ""},
		"an account and fewer of a system user":             {slices.Concat(rows(3, alice, k), rows(2, nobody, k)), outbound.Probable, "alice:3", ""},
		"an account and as many of a system user":           {slices.Concat(rows(2, alice, k), rows(2, nobody, k)), outbound.Candidates, "alice:2", ""},
		"system users and unattributed together outweigh":   {slices.Concat(rows(3, alice, k), rows(2, nobody, k), stray(1, 1999, k)), outbound.Candidates, "alice:3 -:1", ""},
		"a UID that nobody had":                             {stray(2, 1999, k), outbound.Candidates, "-:2", ""},
		"an account before its beginning is not named":      {rows(2, doubtful, k), outbound.Candidates, "-:2", ""},
		"a system user and a UID that nobody had":           {slices.Concat(rows(3, root, k), stray(1, 1999, k)), outbound.Candidates, "-:1", ""},
		"only system users":                                 {slices.Concat(rows(1, root, k), rows(2, nobody, k)), outbound.System, "", ""},
		"a forged line does not spoil what the kernel said": {slices.Concat(rows(1, alice, k), rows(9, bob, x)), outbound.Identified, "alice:1", "bob:9"},
		"a forged line does not spoil a signed one":         {slices.Concat(rows(1, alice, y), rows(9, bob, x)), outbound.Identified, "alice:1", "bob:9"},
		"text of the same account does not add up":          {slices.Concat(rows(1, alice, k), rows(2, alice, x)), outbound.Identified, "alice:1", "alice:2"},
		"forged lines do not accuse when root did it":       {slices.Concat(rows(1, root, k), rows(9, bob, x)), outbound.System, "", "bob:9"},
		"forged lines do not name a UID that nobody had":    {slices.Concat(stray(1, 1999, k), rows(9, bob, x)), outbound.Candidates, "-:1", "bob:9"},
		"a system user's text stands apart without a name":  {slices.Concat(rows(1, alice, k), rows(2, root, x)), outbound.Identified, "alice:1", "-:2"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := who(t, &memory{events: c.events, coverage: whole()}, atAsked())
			if doc.Verdict != c.verdict {
				t.Errorf("verdict = %s, want %s", doc.Verdict, c.verdict)
			}
			if got := names(doc.Accounts); got != c.accounts {
				t.Errorf("accounts = %s, want %s", got, c.accounts)
			}
			if got := names(doc.Unverified); got != c.unverified {
				t.Errorf("unverified = %s, want %s", got, c.unverified)
			}
			if len(doc.Events) != len(c.events) {
				t.Errorf("%d events listed, want all %d", len(doc.Events), len(c.events))
			}
		})
	}
}

// apart gives the events as those of another connection.
func apart(all []outbound.Event) []outbound.Event {
	for i := range all {
		all[i].SrcPort++
	}
	return all
}

// after gives the events later by d.
func after(d time.Duration, all []outbound.Event) []outbound.Event {
	for i := range all {
		all[i].Time = all[i].Time.Add(d)
	}
	return all
}

// TestPacketsThatNobodyOwnedAnyMore: the kernel prints no UID for the RST and
// the last packets of a connection whose socket was closed.
func TestPacketsThatNobodyOwnedAnyMore(t *testing.T) {
	const k, x = outbound.Kernel, outbound.Text
	orphan := func(n int, w outbound.Witness) []outbound.Event { return stray(n, outbound.NoUID, w) }
	for name, c := range map[string]struct {
		events     []outbound.Event
		verdict    outbound.Verdict
		accounts   string
		unverified string
	}{
		"they are of the account's connection":          {slices.Concat(rows(2, alice, k), orphan(4, k)), outbound.Identified, "alice:6", ""},
		"in text alone":                                 {slices.Concat(rows(2, alice, x), orphan(4, x)), outbound.Identified, "alice:6", ""},
		"a stamp is a second too early":                 {slices.Concat(after(time.Second, rows(1, alice, x)), orphan(1, x)), outbound.Identified, "alice:2", ""},
		"they are of a system user's connection":        {slices.Concat(rows(1, root, k), orphan(2, k)), outbound.System, "", ""},
		"there is nothing else":                         {orphan(2, k), outbound.Candidates, "-:2", ""},
		"they come before the connection":               {slices.Concat(after(3*time.Second, rows(1, alice, k)), orphan(1, k)), outbound.Candidates, "-:1 alice:1", ""},
		"they come long after it":                       {slices.Concat(rows(1, alice, k), after(21*time.Minute, orphan(1, k))), outbound.Candidates, "alice:1 -:1", ""},
		"two had the port one after another":            {slices.Concat(rows(2, alice, k), after(time.Minute, rows(1, bob, k)), orphan(1, k)), outbound.Candidates, "alice:2 -:1 bob:1", ""},
		"they are another protocol's":                   {slices.Concat(rows(2, alice, k), udp(orphan(1, k))), outbound.Probable, "alice:2 -:1", ""},
		"a forged line does not claim the kernel's":     {slices.Concat(rows(1, alice, x), orphan(1, k)), outbound.Candidates, "-:1", "alice:1"},
		"the kernel's line does not claim a forged one": {slices.Concat(rows(1, alice, k), orphan(3, x)), outbound.Identified, "alice:1", "-:3"},
	} {
		t.Run(name, func(t *testing.T) {
			q := atAsked()
			q.Window = time.Hour
			doc := who(t, &memory{events: c.events, coverage: whole()}, q)
			if doc.Verdict != c.verdict || names(doc.Accounts) != c.accounts || names(doc.Unverified) != c.unverified {
				t.Errorf("%s, accounts %q, unverified %q; want %s, %q, %q", doc.Verdict, names(doc.Accounts), names(doc.Unverified), c.verdict, c.accounts, c.unverified)
			}
			for _, a := range doc.Accounts {
				if a.Account != nil && a.Attribution != "known" {
					t.Errorf("%s is %s for a packet without a UID, want known", *a.Account, a.Attribution)
				}
			}
		})
	}
}

func udp(all []outbound.Event) []outbound.Event {
	for i := range all {
		all[i].Proto = outbound.UDP
	}
	return all
}

func TestTextWhereABetterWitnessRecorded(t *testing.T) {
	covered := whole()
	covered.Better = []outbound.Span{{From: asked.Add(-time.Minute), To: asked.Add(time.Second)}}
	for name, c := range map[string]struct {
		better               []outbound.Span
		verdict              outbound.Verdict
		accounts, unverified string
	}{
		"all of it":                 {[]outbound.Span{{From: asked.Add(-time.Minute), To: asked.Add(time.Minute)}}, outbound.None, "", "alice:3"},
		"the first two rows":        {[]outbound.Span{{From: asked, To: asked.Add(time.Second)}}, outbound.Identified, "alice:1", "alice:2"},
		"another time":              {[]outbound.Span{{From: asked.Add(time.Hour), To: asked.Add(2 * time.Hour)}}, outbound.Identified, "alice:3", ""},
		"it is not known what else": {nil, outbound.Identified, "alice:3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			covered.Better = c.better
			doc := who(t, &memory{events: rows(3, alice, outbound.Text), coverage: covered}, atAsked())
			if doc.Verdict != c.verdict || names(doc.Accounts) != c.accounts || names(doc.Unverified) != c.unverified {
				t.Errorf("%s, accounts %q, unverified %q; want %s, %q, %q", doc.Verdict, names(doc.Accounts), names(doc.Unverified), c.verdict, c.accounts, c.unverified)
			}
		})
	}
}

func TestVerdictOnNothing(t *testing.T) {
	gap := func(from, to time.Duration) func(*outbound.Coverage) {
		return func(c *outbound.Coverage) {
			c.Gaps = []outbound.Gap{{From: asked.Add(from), To: asked.Add(to), Rule: "*", Reason: outbound.DaemonDown}}
		}
	}
	wholeHistory := func(q *match.Question) { q.At = time.Time{} }
	for name, c := range map[string]struct {
		question func(*match.Question)
		coverage func(*outbound.Coverage)
		want     outbound.Verdict
	}{
		"everything was recorded":                     {nil, nil, outbound.None},
		"a gap within the window":                     {nil, gap(-time.Second, time.Second), outbound.UnknownAnswer},
		"a gap that meets the window's beginning":     {nil, gap(-time.Hour, -5*time.Minute), outbound.UnknownAnswer},
		"a gap that meets the window's end":           {nil, gap(5*time.Minute, time.Hour), outbound.UnknownAnswer},
		"a gap before the window":                     {nil, gap(-time.Hour, -6*time.Minute), outbound.None},
		"a gap after the window":                      {nil, gap(6*time.Minute, time.Hour), outbound.None},
		"recording not complete, no gap listed":       {nil, func(c *outbound.Coverage) { c.Complete = false }, outbound.UnknownAnswer},
		"all was recorded, but up to before the time": {nil, func(c *outbound.Coverage) { c.To = new(asked.Add(-time.Hour)) }, outbound.UnknownAnswer},
		"all was recorded, but from after the time":   {nil, func(c *outbound.Coverage) { c.From = new(asked.Add(time.Hour)) }, outbound.UnknownAnswer},
		"the port was not watched":                    {func(q *match.Question) { q.Port = 25 }, func(c *outbound.Coverage) { c.Watched.TCP = "21,22,80,443" }, outbound.UnknownAnswer},
		"the port was watched among others":           {func(q *match.Question) { q.Port = 80 }, func(c *outbound.Coverage) { c.Watched.TCP = "21,22,80,443" }, outbound.None},
		"any port asked for, not all watched":         {nil, func(c *outbound.Coverage) { c.Watched.TCP = "21,22,80,443" }, outbound.UnknownAnswer},
		"nothing watched":                             {nil, func(c *outbound.Coverage) { c.Watched = outbound.Watched{} }, outbound.UnknownAnswer},
		"the family was not watched": {func(q *match.Question) { q.Prefix = netip.MustParsePrefix("2001:db8::22/128") },
			func(c *outbound.Coverage) { c.Watched.Families = []int{4} }, outbound.UnknownAnswer},
		"the other family was not watched":      {nil, func(c *outbound.Coverage) { c.Watched.Families = []int{4} }, outbound.None},
		"a source port, one family not watched": {func(q *match.Question) { q.Prefix, q.SrcPort = netip.Prefix{}, 51514 }, func(c *outbound.Coverage) { c.Watched.Families = []int{4} }, outbound.UnknownAnswer},
		"whole history, all covered":            {wholeHistory, nil, outbound.None},
		"whole history, 0.999 covered":          {wholeHistory, func(c *outbound.Coverage) { c.Covered, c.Complete = 0.999, false }, outbound.None},
		"whole history, less covered":           {wholeHistory, func(c *outbound.Coverage) { c.Covered, c.Complete = 0.9989, false }, outbound.UnknownAnswer},
		"no coverage known at all":              {wholeHistory, func(c *outbound.Coverage) { *c = outbound.Coverage{} }, outbound.UnknownAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			q, m := atAsked(), &memory{coverage: whole()}
			if c.question != nil {
				c.question(&q)
			}
			if c.coverage != nil {
				c.coverage(&m.coverage)
			}
			if got := who(t, m, q).Verdict; got != c.want {
				t.Errorf("verdict = %s, want %s", got, c.want)
			}
		})
	}
}
