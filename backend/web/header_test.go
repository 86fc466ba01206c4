package web_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

func TestViewerIsNamedExactlyOnce(t *testing.T) {
	h := web.New(options(world())).Handler()
	for name, c := range map[string]struct {
		viewer, via []string
		want        int
	}{
		"root":                          {[]string{"root"}, []string{"cli"}, 200},
		"root through WHM":              {[]string{"root"}, []string{"cgi"}, 200},
		"root in the demo":              {[]string{"root"}, []string{"demo"}, 200},
		"a reseller":                    {[]string{"reseller1"}, []string{"cgi"}, 200},
		"a reseller without accounts":   {[]string{"reseller3"}, []string{"cgi"}, 200},
		"nobody":                        {nil, []string{"cli"}, 403},
		"an empty name":                 {[]string{""}, []string{"cli"}, 403},
		"twice the same":                {[]string{"root", "root"}, []string{"cli"}, 403},
		"two names":                     {[]string{"reseller1", "root"}, []string{"cli"}, 403},
		"a name and an empty one":       {[]string{"root", ""}, []string{"cli"}, 403},
		"a list":                        {[]string{"reseller1,root"}, []string{"cli"}, 403},
		"one without an ACL":            {[]string{"stranger"}, []string{"cgi"}, 403},
		"a name in capitals":            {[]string{"ROOT"}, []string{"cli"}, 403},
		"a blank after it":              {[]string{"root "}, []string{"cli"}, 403},
		"a blank before it":             {[]string{" root"}, []string{"cli"}, 403},
		"a line break after it":         {[]string{"root\n"}, []string{"cli"}, 403},
		"a header after it":             {[]string{"root\r\nX: y"}, []string{"cli"}, 403},
		"a NUL after it":                {[]string{"root\x00"}, []string{"cli"}, 403},
		"a path":                        {[]string{"../root"}, []string{"cli"}, 403},
		"a regular expression":          {[]string{".*"}, []string{"cli"}, 403},
		"a full-width letter":           {[]string{"r\uff4fot"}, []string{"cli"}, 403},
		"bytes that are no text":        {[]string{"\xff\xfe"}, []string{"cli"}, 403},
		"a number for root":             {[]string{"0"}, []string{"cli"}, 403},
		"an endless name":               {[]string{strings.Repeat("a", 10_000)}, []string{"cli"}, 403},
		"no way":                        {[]string{"root"}, nil, 403},
		"an unknown way":                {[]string{"root"}, []string{"tcp"}, 403},
		"an empty way":                  {[]string{"root"}, []string{""}, 403},
		"two ways":                      {[]string{"root"}, []string{"cgi", "cli"}, 403},
		"a way in capitals":             {[]string{"root"}, []string{"CLI"}, 403},
		"an ACL that could not be read": {[]string{"broken"}, []string{"cli"}, 403},
	} {
		for _, path := range []string{"/api/v1/accounts", "/api/v1/nothing", "/"} {
			t.Run(name+" "+path, func(t *testing.T) {
				r := httptest.NewRequest("GET", path, nil)
				for _, v := range c.viewer {
					r.Header.Add("Outboundmonitor-Viewer", v)
				}
				for _, v := range c.via {
					r.Header.Add("Outboundmonitor-Via", v)
				}
				want := c.want
				if want == 200 && path != "/api/v1/accounts" {
					want = 404
				}
				if a := send(t, h, r); a.status != want || a.status == 403 && a.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("status %d %s, want %d", a.status, a.header.Get("Content-Type"), want)
				}
			})
		}
	}
}

// TestOtherHeadersSayNothing sends what a browser could try.
func TestOtherHeadersSayNothing(t *testing.T) {
	h := web.New(options(world())).Handler()
	plain := ask(t, h, "reseller1", "GET", "/api/v1/events")
	for _, header := range []string{
		"Remote-User", "X-Remote-User", "Remote_User", "Outboundmonitor_viewer", "X-Outboundmonitor-Viewer", "Authorization", "Cookie",
		"X-Forwarded-For", "X-Forwarded-User", "X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "Forwarded", "Range", "If-None-Match", "Accept",
	} {
		r := httptest.NewRequest("GET", "/api/v1/events", nil)
		r.Header.Set("Outboundmonitor-Viewer", "reseller1")
		r.Header.Set("Outboundmonitor-Via", "cgi")
		r.Header[header] = []string{"root"}
		if a := send(t, h, r); a.body != plain.body || a.status != plain.status {
			t.Errorf("%s changes the answer: %d %s", header, a.status, a.body)
		}
	}
}

// TestUnreadableDirectoryShowsNothing fails closed.
func TestUnreadableDirectoryShowsNothing(t *testing.T) {
	for name, err := range map[string]error{
		"a fault":            errors.New("open /var/cpanel/resellers: input/output error"),
		"an error by a name": &outbound.Error{Code: outbound.Unavailable, Message: "the list of resellers cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(world())
			o.Directory = &people{err: err}
			a := ask(t, web.New(o).Handler(), "root", "GET", "/api/v1/events")
			if a.status < 500 || strings.Contains(a.body, "/var/cpanel") || strings.Contains(a.body, `"events"`) {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
}

// TestEveryAnswerIsPrivate looks at the headers of good and bad answers.
func TestEveryAnswerIsPrivate(t *testing.T) {
	h := web.New(options(world())).Handler()
	for _, viewer := range []string{"root", ""} {
		for _, path := range []string{"/api/v1/events", "/api/v1/events?format=csv", "/api/v1/nothing", "/api/v1/events?x=y"} {
			a := ask(t, h, viewer, "GET", path)
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%q %s: %v", viewer, path, a.header)
			}
		}
	}
}
