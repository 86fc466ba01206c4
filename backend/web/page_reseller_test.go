package web_test

import (
	"net/http"
	"strings"
	"testing"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// TestAResellerSeesHisAccountsAlone looks at every page as a reseller: each
// says so, and none holds a word of somebody else, of the key or of the server.
func TestAResellerSeesHisAccountsAlone(t *testing.T) {
	others := []string{"bob", "198.51.100.99", "198.51.100.98", "1044", "Ab3dEf", "server-secret", "51516", "51517"}
	for _, address := range pageFakeViews {
		h := pageFakeTown()
		h.monitor.doc.Recording = false
		body := h.get(t, pageFakeOwner, address).Body.String()
		if !strings.Contains(body, "reseller7: your accounts only") {
			t.Errorf("%s does not say that it shows his accounts only", address)
		}
		for _, word := range others {
			if word == "bob" && strings.Contains(address, "name=bob") {
				continue // he typed it; what the answer tells is proved below
			}
			if strings.Contains(body, word) {
				t.Errorf("%s tells a reseller of %q", address, word)
			}
		}
	}
}

// TestTheIsolationCheckCanFail shows root the same pages: what a reseller must
// not see is there to be seen.
func TestTheIsolationCheckCanFail(t *testing.T) {
	h := pageFakeTown()
	h.monitor.doc.Recording = false
	body := h.get(t, pageFakeRoot, "/search").Body.String()
	for _, word := range []string{"bob", "198.51.100.99", "198.51.100.98", "1044", "Ab3dEf", "server-secret", "51516"} {
		if !strings.Contains(body, word) {
			t.Errorf("root does not see %q", word)
		}
	}
	if strings.Contains(body, "your accounts only") {
		t.Error("root is told that he sees his accounts only")
	}
}

func TestSomebodyElsesAccountIsAsGoodAsNone(t *testing.T) {
	with, without := pageFakeTown(), pageFakeTown()
	delete(without.lives, "bob")
	without.reader.events = without.reader.events[:2]
	for _, address := range []string{"/account?name=bob", "/?q=bob", "/search?account=bob", "/search?uid=1044", "/search?dst=198.51.100.99", "/?q=198.51.100.99"} {
		a, b := with.get(t, pageFakeOwner, address), without.get(t, pageFakeOwner, address)
		if a.Code != b.Code || a.Body.String() != b.Body.String() {
			t.Errorf("%s tells what is there and not his from what is not there", address)
		}
	}
	if code := with.get(t, pageFakeOwner, "/account?name=bob").Code; code != http.StatusNotFound {
		t.Errorf("somebody else's account answers %d, want 404", code)
	}
	if code := with.get(t, pageFakeRoot, "/account?name=bob").Code; code != http.StatusOK {
		t.Errorf("root's answer is %d, want 200", code)
	}
}

// TestAViewerWithoutAScopeSeesNothing is the zero value: it fails closed.
func TestAViewerWithoutAScopeSeesNothing(t *testing.T) {
	for _, address := range pageFakeViews {
		body := pageFakeTown().get(t, web.Viewer{Name: "stranger"}, address).Body.String()
		for _, word := range []string{"alice.example", "203.0.113.23", "51515", "bob.example", "198.51.100.99"} {
			if strings.Contains(body, word) {
				t.Errorf("%s tells of %q", address, word)
			}
		}
	}
}

// TestEmptyPagesSayWhatToDo covers each viewer's empty states.
func TestEmptyPagesSayWhatToDo(t *testing.T) {
	gap := outbound.Coverage{Gaps: []outbound.Gap{{Reason: outbound.NotCounted}}}
	for name, c := range map[string]struct {
		viewer  web.Viewer
		address string
		cover   outbound.Coverage
		want    []string
	}{
		"root with an empty store":     {pageFakeRoot, "/", gap, []string{"Nothing is on record yet", "as README.md says", "outboundmonitor doctor", "outboundmonitor import"}},
		"a reseller without events":    {pageFakeOwner, "/", gap, []string{"No connections of your accounts are on record"}},
		"a search with no doubt":       {pageFakeRoot, "/search?port=23&dst=192.0.2.99", outbound.Coverage{Complete: true, Covered: 1}, []string{"so there was none", "any target port", "the network 192.0.2.0/24"}},
		"a search with doubt":          {pageFakeRoot, "/search?since=2026-11-05T00:00:00Z", gap, []string{"It may have happened", "Completeness not known: nothing counts what the rules leave out; watched: not known", "any time on record"}},
		"a reseller's search":          {pageFakeOwner, "/search?port=23", gap, []string{"Only your accounts were looked at"}},
		"a question without an answer": {pageFakeRoot, "/?q=192.0.2.77&at=2026-11-05T00:00:00Z", gap, []string{"None", "± 1 hour", "the network 192.0.2.0/24"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := pageFakeTown()
			h.reader = pageFakeStore()
			h.reader.coverage = c.cover
			body := h.get(t, c.viewer, c.address).Body.String()
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
		})
	}
}
