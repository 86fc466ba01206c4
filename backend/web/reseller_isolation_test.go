package web_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// askable gives a request for each route and each way to name somebody
// else's: accounts, UIDs, addresses, groups, formats and cursors.
func askable(cursors ...string) []string {
	paths := []string{
		"GET /api/v1/accounts", "GET /api/v1/accounts?since=-1h", "GET /api/v1/status", "GET /api/v1/live", "GET /api/v1/nothing",
		"GET /api/v1/top", "GET /api/v1/top?of=targets", "GET /api/v1/top?of=targets&limit=1", "GET /api/v1/summary", "GET /api/v1/summary?day=2026-11-04",
		"GET /api/v1/events", "GET /api/v1/events?limit=1", "GET /api/v1/events?format=csv&limit=0", "GET /api/v1/events?format=jsonl&limit=2",
		"GET /api/v1/events?rule=22", "GET /api/v1/events?src=192.0.2.10", "GET /api/v1/events?since=-1h&until=-5m", "GET /api/v1/events?port=8080",
		"GET /api/v1/who?sport=51005", "POST /api/v1/import?name=x", "GET /", "GET /search",
	}
	for _, by := range []string{"account", "dst", "port", "hour"} {
		paths = append(paths, "GET /api/v1/events?group_by="+by, "GET /api/v1/events?limit=1&group_by="+by)
	}
	for _, name := range []string{"alice", "bob", "carol", "dave", "nobody", "root", "reseller1", "nosuch", "ALICE", "*", "alice%00"} {
		paths = append(paths, "GET /api/v1/account?name="+name, "GET /api/v1/events?account="+name, "GET /api/v1/live?account="+name)
	}
	for _, uid := range []string{"0", "1043", "1044", "1045", "1046", "1050", "1999", "65534", "4294967295"} {
		paths = append(paths, "GET /api/v1/events?uid="+uid, "GET /api/v1/events?group_by=account&uid="+uid)
	}
	for _, dst := range []string{"203.0.113.22", "203.0.113.99", "198.51.100.7", "198.51.100.8", "198.51.100.9", "198.51.100.0/24", "0.0.0.0/0", "192.0.2.99"} {
		paths = append(paths, "GET /api/v1/events?dst="+dst, "GET /api/v1/who?address="+dst, "GET /api/v1/who?limit=0&address="+dst,
			"GET /api/v1/who?limit=1&address="+dst, "GET /api/v1/who?at=-40m&window=10m&address="+dst)
	}
	for _, cursor := range cursors {
		paths = append(paths, "GET /api/v1/events?limit=1&cursor="+cursor, "GET /api/v1/live?after="+cursor, "GET /api/v1/who?address=203.0.113.22&limit=1&cursor="+cursor)
	}
	return paths
}

// TestResellerLearnsNothingOfOthers asks every question twice: of the world,
// and of one in which others and their events never were. Status, headers
// and body are the same to the byte. A third world has more of others' events.
func TestResellerLearnsNothingOfOthers(t *testing.T) {
	for _, viewer := range []outbound.Username{"reseller1", "reseller2", "reseller3", "stranger", "alice"} {
		t.Run(string(viewer), func(t *testing.T) {
			scope, _ := everybody().Scope(viewer)
			all, own, more := options(world()), options(alone(scope)), options(crowded(scope))
			own.Directory = onlyOwn(scope)
			paths := askable(cursors(t)...)
			for _, path := range paths {
				method, path, _ := strings.Cut(path, " ")
				want := ask(t, web.New(own).Handler(), string(viewer), method, path)
				for name, o := range map[string]web.Options{"the world": all, "a crowded world": more} {
					got := ask(t, web.New(o).Handler(), string(viewer), method, path)
					if !reflect.DeepEqual(got, want) {
						t.Errorf("%s %s tells of others in %s:\n%d %v\n%s\nwithout them:\n%d %v\n%s",
							method, path, name, got.status, got.header, got.body, want.status, want.header, want.body)
					}
				}
				if scope.All() || want.status == 500 {
					t.Errorf("%s %s: status %d", method, path, want.status)
				}
			}
		})
	}
}

// TestIsolationTestCanFail asks the same as root, who must see a difference.
func TestIsolationTestCanFail(t *testing.T) {
	scope, _ := everybody().Scope("reseller1")
	all, own, differ := options(world()), options(alone(scope)), 0
	for _, path := range askable() {
		method, path, _ := strings.Cut(path, " ")
		if !reflect.DeepEqual(ask(t, web.New(all).Handler(), "root", method, path), ask(t, web.New(own).Handler(), "root", method, path)) {
			differ++
		}
	}
	if differ < 50 {
		t.Errorf("only %d answers differ for root: the worlds are too much alike", differ)
	}
}

func alone(scope outbound.Scope) *model {
	m := world()
	m.events = slices.DeleteFunc(m.events, func(e outbound.Event) bool { return !scope.Sees(e.Who, e.Time) })
	return m
}

func crowded(scope outbound.Scope) *model {
	m := world()
	for i, e := range m.events {
		if !scope.Sees(e.Who, e.Time) {
			e.ID[1], e.Time = byte(i), e.Time.Add(time.Second)
			if !scope.Sees(e.Who, e.Time) {
				m.events = append(m.events, e)
			}
		}
	}
	return m
}

func onlyOwn(scope outbound.Scope) *people {
	p := everybody()
	for name, lives := range p.lives {
		p.lives[name] = slices.DeleteFunc(lives, func(l outbound.Life) bool {
			return !scope.MaySee(&outbound.Who{Kind: outbound.CPanelAccount, Instance: l.Instance, Attribution: outbound.Known})
		})
	}
	return p
}

// cursors gives cursors that were handed out to root and to each reseller.
func cursors(t *testing.T) []string {
	t.Helper()
	all := []string{"x", "0000000000000000-1"}
	for _, viewer := range []string{"root", "reseller1", "reseller2"} {
		for _, path := range []string{"/api/v1/events?limit=1", "/api/v1/who?address=203.0.113.22&limit=1", "/api/v1/live"} {
			var doc struct{ Next, After string }
			if err := json.Unmarshal([]byte(ask(t, web.New(options(world())).Handler(), viewer, "GET", path).body), &doc); err != nil {
				t.Fatal(err)
			}
			all = append(all, doc.Next, doc.After)
		}
	}
	return slices.DeleteFunc(all, func(c string) bool { return c == "" })
}

// TestTransferShowsNoPast looks at dave, who came to reseller2 at 01:30.
func TestTransferShowsNoPast(t *testing.T) {
	h := web.New(options(world())).Handler()
	for viewer, want := range map[string]int{"root": 2, "reseller2": 1, "reseller1": 0} {
		body := ask(t, h, viewer, "GET", "/api/v1/events?account=dave").body
		if got := strings.Count(body, `"account":"dave"`); got != want {
			t.Errorf("%s sees %d of dave's events, want %d", viewer, got, want)
		}
	}
}

// TestNotThereAndNotYoursAreOne compares the two with the name replaced.
func TestNotThereAndNotYoursAreOne(t *testing.T) {
	h := web.New(options(world())).Handler()
	for _, path := range []string{"/api/v1/account?name=%s", "/api/v1/events?account=%s"} {
		theirs := ask(t, h, "reseller1", "GET", fmt.Sprintf(path, "carol"))
		nobodys := ask(t, h, "reseller1", "GET", fmt.Sprintf(path, "zarol"))
		nobodys.body = strings.ReplaceAll(nobodys.body, "zarol", "carol")
		if !reflect.DeepEqual(theirs, nobodys) {
			t.Errorf("%s: not yours: %v\nnot there: %v", path, theirs, nobodys)
		}
	}
}

// TestScopeIsAskedForEachRequest takes the account away between two requests.
func TestScopeIsAskedForEachRequest(t *testing.T) {
	o, p := options(world()), everybody()
	o.Directory = p
	h := web.New(o).Handler()
	if n := strings.Count(ask(t, h, "reseller1", "GET", "/api/v1/events").body, `"id"`); n == 0 {
		t.Fatal("reseller1 sees nothing to begin with")
	}
	p.scopes["reseller1"] = outbound.Scope{}
	if body := ask(t, h, "reseller1", "GET", "/api/v1/events").body; strings.Contains(body, `"id"`) {
		t.Errorf("events after the scope became empty: %s", body)
	}
	delete(p.scopes, "reseller1")
	if a := ask(t, h, "reseller1", "GET", "/api/v1/events"); a.status != 403 {
		t.Errorf("status %d after the ACL was removed, want 403", a.status)
	}
}

// shrinking is a Directory that takes everything away after a few questions.
type shrinking struct {
	*people
	left int
}

func (s *shrinking) Scope(viewer outbound.Username) (outbound.Scope, error) {
	if s.left--; s.left < 0 {
		return outbound.Scope{}, &outbound.Error{Code: outbound.NotPermitted, Message: "no longer"}
	}
	return s.people.Scope(viewer)
}

// TestScopeIsAskedForEachPageOfAStream removes the ACL after the first page:
// the connection is cut, so that nobody takes the part for the whole.
func TestScopeIsAskedForEachPageOfAStream(t *testing.T) {
	m := &model{}
	for i := range 2500 {
		m.events = append(m.events, event(byte(i), alice, i, "203.0.113.22", 22))
	}
	o := options(m)
	o.Directory = &shrinking{everybody(), 2}
	defer func() {
		if recover() == nil {
			t.Error("the stream ended as if it were whole")
		}
	}()
	a := ask(t, web.New(o).Handler(), "reseller1", "GET", "/api/v1/events?format=jsonl&limit=0")
	t.Errorf("%d lines after the ACL was removed", strings.Count(a.body, "\n"))
}
