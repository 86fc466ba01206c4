package match_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/match"
	"outboundmonitor/backend/outbound"
)

func TestWindowHoldsBothEnds(t *testing.T) {
	var events []outbound.Event
	for _, off := range []time.Duration{-5*time.Minute - 1, -5 * time.Minute, 0, 5 * time.Minute, 5*time.Minute + 1} {
		e := rows(1, alice, outbound.Kernel)[0]
		e.Time = asked.Add(off)
		events = append(events, e)
	}
	doc := who(t, &memory{events: events, coverage: whole()}, atAsked())
	if got := names(doc.Accounts); got != "alice:3" {
		t.Errorf("accounts = %s, want alice:3", got)
	}
	if a := doc.Accounts[0]; !a.First.Equal(asked.Add(-5*time.Minute)) || !a.Last.Equal(asked.Add(5*time.Minute)) {
		t.Errorf("first %v, last %v", a.First, a.Last)
	}
}

func TestLimitCutsTheListAndNotTheCount(t *testing.T) {
	for limit, want := range map[int]int{1: 1, 4: 4, 100: 5, 0: 5} {
		q := atAsked()
		q.Limit = limit
		doc := who(t, &memory{events: rows(5, alice, outbound.Kernel), coverage: whole()}, q)
		if len(doc.Events) != want || doc.Accounts[0].Events != 5 {
			t.Errorf("limit %d: %d listed of %d, want %d of 5", limit, len(doc.Events), doc.Accounts[0].Events, want)
		}
		if !doc.Events[0].Time.Equal(asked) {
			t.Errorf("limit %d: the first listed is of %v, want the oldest", limit, doc.Events[0].Time)
		}
	}
}

func TestWhatIsSaidHoldsForEachEvent(t *testing.T) {
	doc := who(t, &memory{events: slices.Concat(rows(2, alice, outbound.Kernel), rows(1, alice, outbound.Keyed)), coverage: whole()}, atAsked())
	if got := doc.Accounts[0].Witness; got != "keyed" {
		t.Errorf("witness = %s, want the weakest", got)
	}
}

func TestLatestOwnerIsShown(t *testing.T) {
	moved := *alice
	moved.Owner = "reseller9"
	late := rows(1, &moved, outbound.Kernel)
	late[0].Time = asked.Add(time.Minute)
	doc := who(t, &memory{events: slices.Concat(late, rows(1, alice, outbound.Kernel)), coverage: whole()}, atAsked())
	if a := doc.Accounts[0]; doc.Verdict != outbound.Identified || a.Owner != "reseller9" || a.Domain != "alice.example.com" || *a.UID != 1043 {
		t.Errorf("%s, %+v", doc.Verdict, a)
	}
}

func TestSystemUsersAreExplained(t *testing.T) {
	doc := who(t, &memory{events: slices.Concat(rows(1, root, outbound.Kernel), rows(2, nobody, outbound.Kernel)), coverage: whole()}, atAsked())
	if len(doc.SystemUsers) != 2 || doc.SystemUsers[0].About != "nobody is a system user" || doc.SystemUsers[0].UID != 65534 || doc.SystemUsers[0].Events != 2 {
		t.Errorf("system users = %+v", doc.SystemUsers)
	}
}

func TestKeyAndCountsAreRootsAlone(t *testing.T) {
	m := &memory{events: rows(1, alice, outbound.Kernel), coverage: whole()}
	m.coverage.Gaps = []outbound.Gap{{From: asked, To: asked, Rule: "*", Reason: outbound.LogLimit, Lost: new(7)}}
	for mask, want := range map[bool]string{true: ":******:", false: ":Ab3dEf:"} {
		q := atAsked()
		q.Mask, m.walks = mask, 0
		doc := who(t, m, q)
		if !strings.Contains(doc.Events[0].Line, want) || (doc.Coverage.Gaps[0].Lost == nil) != mask {
			t.Errorf("mask %v: line %q, lost %v", mask, doc.Events[0].Line, doc.Coverage.Gaps[0].Lost)
		}
		m.events = rows(1, alice, outbound.Kernel)
	}
	if *m.coverage.Gaps[0].Lost != 7 {
		t.Error("masking changed the reader's own gaps")
	}
}

func TestListsAreNeverNull(t *testing.T) {
	body, err := json.Marshal(who(t, &memory{coverage: whole()}, atAsked()))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"accounts", "system_users", "unverified", "events", "gaps", "udp"} {
		if !strings.Contains(string(body), `"`+list+`":[]`) {
			t.Errorf("%s is not an empty list in %s", list, body)
		}
	}
}

// TestResellerLearnsNothingOfOthers asks as a reseller, with and without the
// events of others: the answers are the same.
func TestResellerLearnsNothingOfOthers(t *testing.T) {
	scope := outbound.Only(outbound.Grant{Instance: alice.Instance})
	hers := rows(2, alice, outbound.Text)
	others := slices.Concat(rows(3, bob, outbound.Kernel), rows(4, nobody, outbound.Kernel), stray(5, 1999, outbound.Keyed), rows(2, alice2, outbound.Kernel))
	ask := func(events []outbound.Event) outbound.WhoDoc {
		q := atAsked()
		q.Mask = true
		doc, err := match.Who(t.Context(), &memory{events: events, coverage: whole()}, scope, about, q)
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	alone, among := ask(slices.Clone(hers)), ask(slices.Concat(rows(2, alice, outbound.Text), others))
	if !reflect.DeepEqual(alone, among) {
		t.Errorf("with others' events: %+v\nwithout: %+v", among, alone)
	}
	if alone.Verdict != outbound.Identified {
		t.Errorf("verdict = %s", alone.Verdict)
	}
}

func TestQuestionIsRepeated(t *testing.T) {
	q := match.Question{
		Prefix: netip.MustParsePrefix("203.0.113.22/24"), Host: "example.com", At: asked, Window: 90 * time.Second,
		Src: netip.MustParseAddr("192.0.2.10"), SrcPort: 51514, Port: 22,
	}
	got, err := json.Marshal(who(t, &memory{coverage: whole()}, q).Query)
	const want = `{"address":"203.0.113.0/24","host":"example.com","at":"2026-11-05T01:11:03Z","window_s":90,"src":"192.0.2.10","sport":51514,"port":22}`
	if err != nil || string(got) != want {
		t.Errorf("query = %s, %v\nwant    %s", got, err, want)
	}
	got, err = json.Marshal(who(t, &memory{coverage: whole()}, match.Question{SrcPort: 51514}).Query)
	if err != nil || string(got) != `{"address":null,"at":null,"window_s":0,"sport":51514}` {
		t.Errorf("query = %s, %v", got, err)
	}
}

func TestQuestionWithoutSubjectIsRefused(t *testing.T) {
	for name, q := range map[string]match.Question{
		"neither address nor source port": {At: asked, Port: 22},
		"a negative window":               {SrcPort: 1, Window: -1},
		"a negative limit":                {SrcPort: 1, Limit: -1},
	} {
		_, err := match.Who(t.Context(), &memory{}, outbound.Everything(), about, q)
		if fault, ok := errors.AsType[*outbound.Error](err); !ok || fault.Code != outbound.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
