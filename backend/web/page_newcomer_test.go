package web_test

import (
	"encoding/csv"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// pageFakeRootOnly is a directory in which everybody who asks is root.
type pageFakeRootOnly struct{ pageFakeDirectory }

func (pageFakeRootOnly) Scope(outbound.Username) (outbound.Scope, error) {
	return outbound.Everything(), nil
}

// served gives the pages behind the server that also answers downloads.
func (h *pageFakeHouse) served(t *testing.T) http.Handler {
	t.Helper()
	return web.New(web.Options{Reader: h.reader, Directory: pageFakeRootOnly{h.lives}, Pages: h.pages(t), Now: func() time.Time { return pageFakeNow }}).Handler()
}

// pageFakeCrowd is a store of n connections, one an hour.
func pageFakeCrowd(n int) *pageFakeReader {
	var events []outbound.Event
	for i := range n {
		events = append(events, pageFakeEvent(pageFakeAlice, time.Duration(i+1)*time.Hour, uint16(40000+i), fmt.Sprintf("203.0.113.%d", i%250), 22))
	}
	return pageFakeStore(events...)
}

// TestDownloadAllRowsGivesAllRows holds what is downloaded against the count
// that stands on the page, of more rows than a page has.
func TestDownloadAllRowsGivesAllRows(t *testing.T) {
	h := pageFakeTown()
	h.reader = pageFakeCrowd(234)
	server := h.served(t)
	body := ask(t, server, "root", "GET", "/search?port=22").body
	if !strings.Contains(body, "<strong>234 connections of 1 user, 100 on this page</strong>") {
		t.Fatalf("the page counts otherwise: %s", regexp.MustCompile(`<strong>.*</strong>`).FindString(body))
	}
	rows, err := csv.NewReader(strings.NewReader(ask(t, server, "root", "GET", pageLink(body, "CSV")).body)).ReadAll()
	if err != nil || len(rows) != 1+234 {
		t.Errorf("CSV has %d rows with its heading, want 235: %v", len(rows), err)
	}
	if n := strings.Count(ask(t, server, "root", "GET", pageLink(body, "JSON Lines")).body, "\n"); n != 234 {
		t.Errorf("JSON Lines has %d rows, want 234", n)
	}
}

func TestGroupsThatAreCutSaySo(t *testing.T) {
	h := pageFakeTown()
	h.reader = pageFakeCrowd(150)
	first, last := "2026-10-30 04:00:00", "2026-11-05 09:00:00"
	body := h.get(t, pageFakeRoot, "/search?group_by=hour").Body.String()
	if !strings.Contains(body, "150 hours, the last 100 shown") || !strings.Contains(body, last) || strings.Contains(body, first) {
		t.Error("of hours that are cut the last are not the ones that are kept")
	}
	all := pageLink(body, "show all")
	if body = h.get(t, pageFakeRoot, all).Body.String(); !strings.Contains(body, first) || !strings.Contains(body, last) || pageLink(body, "show all") != "" {
		t.Errorf("%q does not show all hours", all)
	}
	if body = h.get(t, pageFakeRoot, "/search?group_by=dst").Body.String(); !strings.Contains(body, "150 targets, the first 100 shown") {
		t.Error("targets that are cut do not say so")
	}
}

// TestARenamedAccountIsToldAsRenamed: it has not ended, and a name from before
// it came to a reseller is not his to read.
func TestARenamedAccountIsToldAsRenamed(t *testing.T) {
	named := time.Date(2026, 11, 1, 11, 0, 0, 0, time.UTC)
	h := pageFakeTown()
	h.lives["tinashop"] = []outbound.Life{{Instance: pageFakeAlice.Instance, Owner: "reseller7", End: named, After: "atelier"}}
	h.lives["atelier"] = []outbound.Life{{Instance: pageFakeAlice.Instance, Owner: "reseller7", Before: "tinashop", Named: named}}
	h.lives["gone"] = []outbound.Life{{Instance: pageFakeAlice.Instance, Owner: "reseller7", End: named}}
	late := web.Viewer{Name: "reseller7", Scope: outbound.Only(outbound.Grant{Instance: pageFakeAlice.Instance, From: named.Add(time.Hour)}), Via: web.ViaDemo}
	const link = `<a href="/account?name=%s"><bdi>%s</bdi></a>`
	for name, c := range map[string]struct {
		viewer    web.Viewer
		account   string
		want, not string
	}{
		"the old name leads to the new one": {pageFakeRoot, "tinashop", "<dt>Renamed to</dt><dd>" + fmt.Sprintf(link, "atelier", "atelier") + `, <time`, "Ended"},
		"the new name tells the old one":    {pageFakeRoot, "atelier", "<dt>Called</dt><dd>" + fmt.Sprintf(link, "tinashop", "tinashop") + " until <time", "Removed"},
		"the new name exists":               {pageFakeRoot, "atelier", "<dd>exists</dd>", "still there"},
		"an owner of that time":             {pageFakeOwner, "atelier", "tinashop", "Removed"},
		"an owner since later":              {late, "atelier", "<dd>exists</dd>", "tinashop"},
		"a removed account":                 {pageFakeRoot, "gone", "<dt>Removed</dt><dd><time", "Renamed"},
	} {
		body := h.get(t, c.viewer, "/account?name="+c.account).Body.String()
		if !strings.Contains(body, c.want) || strings.Contains(body, c.not) {
			t.Errorf("%s: want %q and not %q:\n%s", name, c.want, c.not, body)
		}
	}
}

func TestASystemUserIsNoAccount(t *testing.T) {
	h := pageFakeTown()
	mail := &outbound.Who{Kind: outbound.SystemUser, Instance: outbound.Instance{UID: 47}, User: "mailnull", Attribution: outbound.Known}
	h.reader = pageFakeStore(pageFakeEvent(mail, 49*time.Hour, 51518, "198.51.100.25", 25))
	if got := h.get(t, pageFakeRoot, "/?q=mailnull").Header().Get("Location"); got != "/account?name=mailnull" {
		t.Errorf("the question box leads to %q", got)
	}
	body := h.get(t, pageFakeRoot, "/account?name=mailnull").Body.String()
	for _, want := range []string{`<span class="kind">System user</span> <bdi>mailnull</bdi>`, "<p>The system user mailnull.</p>",
		"No connection in the last 24 hours; the last was at 2026-11-03 09:30:00 CET."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, `class="chart"`) {
		t.Error("an empty chart is drawn")
	}
	if code := h.get(t, pageFakeOwner, "/?q=mailnull").Code; code != http.StatusBadRequest {
		t.Errorf("a reseller who asks for a system user gets %d, want 400", code)
	}
}

func TestAPageThatIsNoneAndAZoneThatIsNone(t *testing.T) {
	h := pageFakeTown()
	server := h.served(t)
	for address, c := range map[string]struct {
		status int
		says   string
	}{
		"/nosuch?tz=Mars/Base": {404, `There is no page "/nosuch"`},
		"/nosuch":              {404, `There is no page "/nosuch"`},
		"/?tz=Mars/Base":       {400, `"Mars/Base": no such time zone`},
		"/search?tz=Local":     {400, `"Local": no such time zone`},
		"/account?tz=nowhere":  {400, `"nowhere": no such time zone`},
		"/account?name=nobody": {404, "There is no account"},
	} {
		a := ask(t, server, "root", "GET", address)
		if a.status != c.status || !strings.Contains(html.UnescapeString(a.body), "<strong>"+c.says) {
			t.Errorf("%s answers %d without %q: %s", address, a.status, c.says, a.body)
		}
		nav := regexp.MustCompile(`(?s)<nav class="nav".*?</nav>`).FindString(a.body)
		if current := strings.Contains(nav, "aria-current"); nav == "" || c.status == 404 && current {
			t.Errorf("%s marks a page as the current one: %s", address, nav)
		}
	}
}

func TestTheCardSaysHowManyOfHowMany(t *testing.T) {
	h := pageFakeTown()
	var events []outbound.Event
	for i := range 31 {
		events = append(events, pageFakeEvent(pageFakeAlice, time.Duration(i+1)*time.Minute, uint16(40000+i), "203.0.113.22", 22))
	}
	h.reader = pageFakeStore(events...)
	body := h.get(t, pageFakeRoot, "/?q=203.0.113.22").Body.String()
	if !strings.Contains(body, "the first 20 of 31 connections · <a href=") || pageLink(body, "open all in the search") == "" {
		t.Error("the card does not say that it shows the first 20")
	}
}

// TestFractionsStandWhereTheStampHasThem: a log to the second is not made
// finer by its page.
func TestFractionsStandWhereTheStampHasThem(t *testing.T) {
	for add, want := range map[time.Duration]string{0: "09:30:00</time>", 5 * time.Millisecond: "09:30:00.005</time>", 7 * time.Microsecond: "09:30:00.000007</time>"} {
		h := pageFakeTown()
		h.reader = pageFakeStore(pageFakeEvent(pageFakeAlice, time.Hour-add, 1, "203.0.113.22", 22))
		if body := h.get(t, pageFakeRoot, "/search").Body.String(); !strings.Contains(body, want) {
			t.Errorf("the row does not say %s", want)
		}
	}
}

// TestTheHourThatOccursTwiceNamesItsZone in each cell, since one heading
// cannot.
func TestTheHourThatOccursTwiceNamesItsZone(t *testing.T) {
	h := pageFakeTown()
	autumn := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	h.reader = pageFakeStore(
		pageFakeEvent(pageFakeAlice, pageFakeNow.Sub(autumn), 1, "203.0.113.22", 22),
		pageFakeEvent(pageFakeAlice, pageFakeNow.Sub(autumn.Add(time.Hour)), 2, "203.0.113.22", 22))
	body := h.get(t, pageFakeRoot, "/search").Body.String()
	for _, want := range []string{`02:30:00 <span class="zone">CET</span>`, `02:30:00 <span class="zone">CEST</span>`, ">Time, Europe/Berlin</th>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
}
