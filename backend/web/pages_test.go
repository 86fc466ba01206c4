package web_test

import (
	"context"
	"errors"
	"html"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// pageFakeHouse is what pages are drawn from in these tests.
type pageFakeHouse struct {
	reader  *pageFakeReader
	lives   pageFakeDirectory
	monitor pageFakeMonitor
	who     func(ctx context.Context, s outbound.Scope, target, at, window string, zone *time.Location) (outbound.WhoDoc, error)
	viewers []string
}

var (
	pageFakeAlice = pageFakeUser("alice", "reseller7", "alice.example", 1043)
	pageFakeBob   = pageFakeUser("bob", "root", "bob.example", 1044)
	pageFakeRoot  = web.Viewer{Name: "root", Scope: outbound.Everything(), Via: web.ViaDemo}
	pageFakeOwner = web.Viewer{Name: "reseller7", Scope: outbound.Only(outbound.Grant{Instance: pageFakeAlice.Instance}), Via: web.ViaDemo}
)

// pageFakeTown is a house with two accounts of two owners.
func pageFakeTown() *pageFakeHouse {
	h := &pageFakeHouse{reader: pageFakeStore(
		pageFakeEvent(pageFakeAlice, time.Hour, 51514, "203.0.113.22", 22),
		pageFakeEvent(pageFakeAlice, 2*time.Hour, 51515, "203.0.113.23", 443),
		pageFakeEvent(pageFakeBob, 3*time.Hour, 51516, "198.51.100.99", 80),
		pageFakeEvent(nil, 4*time.Hour, 51517, "198.51.100.98", 25),
	)}
	h.lives = pageFakeDirectory{
		"alice": {{Instance: pageFakeAlice.Instance, Owner: "reseller7", Domain: "alice.example"}},
		"bob":   {{Instance: pageFakeBob.Instance, Owner: "root", Domain: "bob.example"}},
	}
	h.monitor.doc = outbound.StatusDoc{Recording: true, CaughtUp: true, Events: 4, Why: "server-secret", Coverage: h.reader.coverage}
	h.who = func(_ context.Context, s outbound.Scope, target, at, _ string, _ *time.Location) (outbound.WhoDoc, error) {
		d := outbound.WhoDoc{Verdict: outbound.None, Query: outbound.WhoQuery{Address: &target, WindowS: 300}, Coverage: h.reader.coverage}
		if t, err := time.Parse(time.RFC3339, at); err == nil {
			d.Query.At = &t
		}
		for _, e := range h.reader.events {
			if e.Dst.String() == target && s.Sees(e.Who, e.Time) {
				doc := e.Doc(false) // a careless answerer: the page masks nonetheless
				d.Events = append(d.Events, doc)
				d.Accounts = append(d.Accounts, outbound.WhoAccount{Account: doc.Account, UID: doc.UID, Owner: string(e.Who.Owner), Domain: e.Who.Domain,
					Events: 1, First: e.Time, Last: e.Time, Witness: doc.Witness, Attribution: doc.Attribution})
				d.Verdict = outbound.Identified
			}
		}
		return d, nil
	}
	return h
}

func (h *pageFakeHouse) pages(t *testing.T) *web.Pages {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p, err := web.NewPages(web.PagesOptions{Files: os.DirFS("../../whm-plugin"), Reader: h.reader, Directory: h.lives, Monitor: h.monitor,
		Zone: zone, Now: func() time.Time { return pageFakeNow }, Who: h.who, DemoViewers: h.viewers})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// get looks at a page.
func (h *pageFakeHouse) get(t *testing.T, v web.Viewer, address string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	w := httptest.NewRecorder()
	for _, route := range h.pages(t).Routes() {
		if route.Method == r.Method && route.Path == r.URL.Path {
			route.Handler(w, r, v)
			return w
		}
	}
	t.Fatalf("no route answers %s", address)
	return nil
}

// pageFakeViews are addresses that show every part of every template.
var pageFakeViews = []string{
	"/", "/?q=203.0.113.22", "/?q=203.0.113.22&at=2026-11-05T08:30:00Z&window=1h", "/?q=192.0.2.77", "/?q=no+address+here", "/search", "/search?limit=1",
	"/search?limit=1&cursor=at1&back=start", "/search?group_by=account", "/search?group_by=dst", "/search?group_by=port", "/search?group_by=hour",
	"/search?dst=192.0.2.99&port=22&since=2026-11-05T00:00:00Z", "/search?port=bad", "/search?account=alice&tz=UTC", "/search?cursor=other",
	"/account?name=alice", "/account?name=bob", "/account?name=nobody-here", "/account",
}

func TestEveryAddressHasThePolicy(t *testing.T) {
	h := pageFakeTown()
	var all []string
	for _, route := range h.pages(t).Routes() {
		all = append(all, route.Path)
	}
	for _, address := range append(all, pageFakeViews...) {
		got := h.get(t, pageFakeRoot, address).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", address, name, got.Get(name), want)
			}
		}
		if asset := strings.HasPrefix(address, "/assets/"); asset == (got.Get("Cache-Control") == "no-store") {
			t.Errorf("%s: Cache-Control is %q", address, got.Get("Cache-Control"))
		}
	}
}

// What may stand in a page. A tag or an attribute that is not listed came
// from a template that forgot the policy, or from hostile text.
var (
	pageTag       = regexp.MustCompile(`<(/?[a-zA-Z!][a-zA-Z0-9]*)((?:[^>"]|"[^"]*")*)>`)
	pageAttribute = regexp.MustCompile(`\s([^\s="]+)(?:="([^"]*)")?`)
	pageTags      = " !DOCTYPE html head meta title link body a header div nav span section main footer h1 h2 p form input label select option button details summary " +
		"ul ol li dl dt dd table thead tbody tr th td svg g rect line text defs pattern time bdi code pre strong "
	pageAttributes = " html lang charset name content rel href class id aria-label aria-current aria-hidden aria-labelledby aria-describedby tabindex method action role type value " +
		"placeholder autocomplete autocapitalize spellcheck autofocus for selected open readonly title datetime data-label dir scope focusable " +
		"width height x y x1 x2 y1 y2 transform text-anchor fill overflow patternUnits patternTransform "
)

// pageFaults says what in a page is not allowed.
func pageFaults(body string) []string {
	var faults []string
	for _, tag := range pageTag.FindAllStringSubmatch(body, -1) {
		if !strings.Contains(pageTags, " "+strings.TrimPrefix(tag[1], "/")+" ") {
			faults = append(faults, "tag "+tag[0])
		}
		for _, a := range pageAttribute.FindAllStringSubmatch(strings.TrimSuffix(tag[2], "/"), -1) {
			if !strings.Contains(pageAttributes, " "+a[1]+" ") {
				faults = append(faults, "attribute "+a[1]+" in "+tag[0])
			}
			if a[1] == "href" && !regexp.MustCompile(`^(/([^/]|$)|#main$|index\.cgi\?p=/)`).MatchString(a[2]) {
				faults = append(faults, "link "+a[2])
			}
		}
	}
	if left := pageTag.ReplaceAllString(body, ""); strings.ContainsAny(left, "<>") {
		i := strings.IndexAny(left, "<>")
		faults = append(faults, "a bare bracket at "+left[max(0, i-20):min(len(left), i+40)])
	}
	return faults
}

func TestNothingStandsInline(t *testing.T) {
	h := pageFakeTown()
	h.viewers = []string{"root", "reseller7"}
	for _, address := range pageFakeViews {
		for _, v := range []web.Viewer{pageFakeRoot, pageFakeOwner, {Name: "root", Scope: outbound.Everything(), Via: web.ViaCGI}} {
			for _, fault := range pageFaults(h.get(t, v, address).Body.String()) {
				t.Errorf("%s for %s: %s", address, v.Name, fault)
			}
		}
	}
}

func TestTheInlineCheckCanFail(t *testing.T) {
	for _, body := range []string{
		`<script>x</script>`, `<p style="x">`, `<p onclick="x">`, `<a href="javascript:x">`, `<a href="//evil.example">x`, `<img src="/x">`, `<iframe>`, `a < b`,
	} {
		if len(pageFaults(body)) == 0 {
			t.Errorf("%s passes", body)
		}
	}
}

// pagePayloads are texts that do harm where a page forgets what it shows.
var pagePayloads = map[string]string{
	"a script element":       `<script>alert(1)</script>`,
	"an end of an attribute": `" onmouseover="alert(1)" x="`,
	"a single quote":         `' onfocus='alert(1)' autofocus='`,
	"an image":               `<img src=x onerror=alert(1)>`,
	"an end of a text field": `</textarea></title></style></script><svg onload=alert(1)>`,
	"a link":                 `javascript:alert(1)`,
	"a template":             `{{.}}{{template "x"}}`,
	"a comment":              `--><b>x</b><!--`,
	"an entity":              `&lt;b&gt;&#60;b&#62;`,
	"bytes, bidi and colour": "\x1b[31m\u202egnp\u2066\x00\x9f\xff\r",
}

func TestHostileTextIsInert(t *testing.T) {
	for name, payload := range pagePayloads {
		t.Run(name, func(t *testing.T) {
			h := pageFakeTown()
			evil := &outbound.Who{Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: 1050, Begin: 1}, User: outbound.Username(payload),
				Owner: outbound.Username(payload), Domain: payload, Attribution: outbound.Known}
			e := pageFakeEvent(evil, time.Minute, 40000, "203.0.113.50", 22)
			e.Rule, e.Line = payload, []byte(payload)
			h.reader.events = append([]outbound.Event{e}, h.reader.events...)
			h.lives["mallory"] = []outbound.Life{{Instance: pageFakeAlice.Instance, Owner: outbound.Username(payload), Domain: payload}}
			h.reader.coverage = outbound.Coverage{Gaps: []outbound.Gap{{Reason: payload, From: pageFakeNow.Add(-2 * time.Hour), To: pageFakeNow.Add(-time.Hour)}}, Watched: outbound.Watched{TCP: payload, UDP: []string{payload}}}
			h.monitor.doc.Recording, h.monitor.doc.Why, h.monitor.doc.Coverage = false, payload, h.reader.coverage
			p := url.QueryEscape(payload)
			for _, address := range append(pageFakeViews, "/?q=203.0.113.50", "/account?name=mallory", "/account?name="+p, "/?q="+p, "/?q="+p+"+x", "/?q=203.0.113.50&at="+p,
				"/search?dst="+p, "/search?rule="+p, "/search?since="+p, "/search?group_by="+p, "/search?order="+p+"&back="+p+"&cursor=at1&limit=1", "/search?limit="+p, "/search?uid="+p) {
				body := h.get(t, pageFakeRoot, address).Body.String()
				for _, fault := range pageFaults(body) {
					t.Errorf("%s: %s", address, fault)
				}
				if strings.ContainsAny(body, "\x00\x1b\r\u0080\u009f\u202e\u2066") || strings.Contains(body, "\xff") {
					t.Errorf("%s: a hidden character is in the page", address)
				}
			}
		})
	}
}

func TestHiddenCharactersAreWrittenOut(t *testing.T) {
	h := pageFakeTown()
	h.reader.events[0].Line = []byte("a\u202eb\x1b[31m\tc\u200b")
	body := html.UnescapeString(h.get(t, pageFakeRoot, "/search").Body.String())
	if want := "a⟨U+202E⟩b⟨U+001B⟩[31m⟨U+0009⟩c⟨U+200B⟩"; !strings.Contains(body, want) {
		t.Errorf("the page does not hold %q", want)
	}
}

var pageTargets = regexp.MustCompile(`(?:href|action)="([^"]*)"`)

// TestEveryLinkLeadsSomewhere follows each link of each page by its path; under
// WHM by the path in its query.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	for _, via := range []string{web.ViaDemo, web.ViaCGI} {
		h, seen := pageFakeTown(), 0
		known := map[string]bool{"/api/v1/events": true}
		for _, route := range h.pages(t).Routes() {
			known[route.Path] = true
		}
		for _, address := range pageFakeViews {
			for _, m := range pageTargets.FindAllStringSubmatch(h.get(t, web.Viewer{Name: "root", Scope: outbound.Everything(), Via: via}, address).Body.String(), -1) {
				u, err := url.Parse(html.UnescapeString(m[1]))
				if err != nil {
					t.Fatal(err)
				}
				path := u.Path
				if via == web.ViaCGI && m[1] != "#main" {
					if path != "index.cgi" {
						t.Errorf("%s: %s does not go through the script", address, m[1])
					}
					if path = u.Query().Get("p"); strings.HasPrefix(m[0], "action") {
						path = "/"
					}
				}
				if seen++; m[1] != "#main" && (!known[path] || u.Host != "" || u.Scheme != "") {
					t.Errorf("%s: %s leads nowhere", address, m[1])
				}
			}
		}
		if seen < 100 {
			t.Errorf("%d links seen: the test looks in the wrong place", seen)
		}
	}
}

func TestAFileThatIsNoAssetStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../whm-plugin")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/assets/note.txt", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := pageFakeTown()
	for name, files := range map[string]fs.FS{"a file of no kind": os.DirFS(dir), "no templates": os.DirFS(t.TempDir())} {
		if _, err := web.NewPages(web.PagesOptions{Files: files, Reader: h.reader, Directory: h.lives, Monitor: h.monitor}); err == nil {
			t.Errorf("%s: the pages start", name)
		}
	}
}

func TestAFaultTellsNothingOfItsCause(t *testing.T) {
	h := pageFakeTown()
	h.reader.err = errors.New("open /var/lib/secret: permission denied")
	for _, address := range []string{"/", "/search", "/account?name=alice"} {
		w := h.get(t, pageFakeRoot, address)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), "messages say more") {
			t.Errorf("%s answers %d: %s", address, w.Code, w.Body)
		}
	}
}
