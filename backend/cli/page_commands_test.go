package cli_test

import (
	"context"
	"html"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
	whmplugin "outboundmonitor/whm-plugin"
)

// one is a store with one event.
type one struct{ empty }

func (one) Events(context.Context, outbound.Scope, outbound.Query) (outbound.Page, error) {
	return outbound.Page{Events: []outbound.Event{{Time: now, UID: outbound.NoUID, Src: netip.MustParseAddr("192.0.2.10"), Dst: netip.MustParseAddr("203.0.113.22")}}}, nil
}

// pageCommands are where a page prints commands.
var pageCommands = regexp.MustCompile(`(?:<code>|readonly value=")(outboundmonitor [^<"]*)`)

// missingOf says what of a command line the tree of commands does not have.
func missingOf(t *testing.T, line string) string {
	t.Helper()
	var name, flags []string
	for _, word := range strings.Fields(line)[1:] {
		switch {
		case strings.HasPrefix(word, "--"):
			flags = append(flags, word)
		case len(flags) == 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(word):
			name = append(name, word)
		}
	}
	status, help, _ := run(t, false, nil, append([]string{"help"}, name...)...)
	if status != 0 {
		return strings.Join(name, " ")
	}
	for _, flag := range flags {
		if !strings.Contains(help, " "+flag+" ") {
			return flag
		}
	}
	return ""
}

// TestEachCommandThatAPagePrintsExists draws the pages and looks each command
// up as a reader would who copies it.
func TestEachCommandThatAPagePrintsExists(t *testing.T) {
	found := 0
	for address, reader := range map[string]web.Reader{
		"/": empty{},
		"/search?dst=203.0.113.0/24&src=192.0.2.10&account=alice&port=22&sport=51514&uid=1043&rule=22&since=2026-11-04T00:00:00Z&until=2026-11-06T00:00:00Z": one{},
	} {
		p, err := web.NewPages(web.PagesOptions{Files: whmplugin.Files, Reader: reader, Directory: empty{}, Monitor: empty{}, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		path, _, _ := strings.Cut(address, "?")
		for _, route := range p.Routes() {
			if route.Path == path {
				route.Handler(w, httptest.NewRequest("GET", address, nil), web.Viewer{Name: "root", Scope: outbound.Everything(), Via: web.ViaCGI})
			}
		}
		for _, m := range pageCommands.FindAllStringSubmatch(w.Body.String(), -1) {
			found++
			line := html.UnescapeString(m[1])
			if missing := missingOf(t, line); missing != "" {
				t.Errorf("%s prints %q: there is no %s", address, line, missing)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d commands found, want 3: the test looks in the wrong place", found)
	}
	for line, missing := range map[string]string{"outboundmonitor rules plan": "rules plan", "outboundmonitor search --colour red": "--colour"} {
		if got := missingOf(t, line); got != missing {
			t.Errorf("%q: %q is missing, want %q: the check cannot fail", line, got, missing)
		}
	}
}
