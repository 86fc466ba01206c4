package web_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"outboundmonitor/backend/web"
)

// TestBadInputIsNamed asks with one thing wrong each time: the answer is a
// 400 in one line that names the parameter.
func TestBadInputIsNamed(t *testing.T) {
	h := web.New(options(world())).Handler()
	for path, names := range map[string]string{
		"events?nonsense=1":                           `"nonsense"`,
		"events?Dst=203.0.113.22":                     `"Dst"`,
		"events?dst[]=203.0.113.22":                   `"dst[]"`,
		"events?viewer=root":                          `"viewer"`,
		"events?owner=reseller2":                      `"owner"`,
		"events?account=alice&account=bob":            `"account"`,
		"events?dst=&dst=":                            `"dst"`,
		"events?=1":                                   `""`,
		"events?%zz":                                  "damaged",
		"events?dst=1;uid=0":                          "damaged",
		"events?dst=example.com":                      "dst:",
		"events?dst=203.0.113.0/99":                   "dst:",
		"events?src=fe80::1%25eth0":                   "src:",
		"events?account=-rf":                          "account=",
		"events?account=al%0aice":                     "account=",
		"events?account=" + strings.Repeat("a", 60):   "account=",
		"events?account=" + strings.Repeat("a", 5000): "account=",
		"events?uid=-1":                               "uid=",
		"events?uid=4294967296":                       "uid=",
		"events?uid=99999999999":                      "uid=",
		"events?uid=%2b1":                             "uid=",
		"events?port=0":                               "port=",
		"events?port=65536":                           "port=",
		"events?port=22.0":                            "port=",
		"events?sport=0x16":                           "sport=",
		"events?rule=%00":                             "rule=",
		"events?rule=" + strings.Repeat("2", 17):      "rule=",
		"events?since=yesterday":                      "since:",
		"events?since=0001-01-01":                     "since:",
		"events?until=9999-12-31T23:59:59-05:00":      "until:",
		"events?since=-1h&until=-2h":                  "until=",
		"events?since=-1h&until=-1h":                  "until=",
		"events?tz=../../etc/passwd":                  "tz=",
		"events?tz=Local":                             "tz=",
		"events?tz=/etc/localtime":                    "tz=",
		"events?limit=0":                              "limit=",
		"events?limit=-1":                             "limit=",
		"events?limit=10001":                          "limit=",
		"events?limit=1e3":                            "limit=",
		"events?limit=999999999999":                   "limit=",
		"events?limit=10001&format=jsonl":             "limit=",
		"events?format=xml":                           "format=",
		"events?group_by=owner":                       "group_by=",
		"events?group_by=dst&format=csv":              "group_by",
		"events?group_by=dst&cursor=x":                "group_by",
		"events?cursor=x":                             "cursor",
		"events?cursor=" + strings.Repeat("x", 1025):  "cursor=",
		"who":                          "address",
		"who?port=22":                  "address",
		"who?address=":                 "address",
		"who?address=203.0.113.256":    "address:",
		"who?address=203.0.113":        "address:",
		"who?address=-oProxyCommand":   "address:",
		"who?address=a%20b":            "address:",
		"who?address=none.example.com": "address:",
		"who?address=two.example.com":  "address:",
		"who?address=" + strings.Repeat("a.", 126) + "x": "address:",
		"who?address=203.0.113.22&window=5m":             "window=",
		"who?address=203.0.113.22&at=now&window=5":       "window=",
		"who?address=203.0.113.22&at=now&window=-5m":     "window=",
		"who?address=203.0.113.22&at=now&window=900h":    "",
		"who?address=203.0.113.22&at=now&window=9999d":   "window=",
		"who?address=203.0.113.22&at=now&window=NaNd":    "window=",
		"who?address=203.0.113.22&at=25:61":              "at:",
		"who?address=203.0.113.22&src=192.0.2.0/24":      "src=",
		"who?address=203.0.113.22&limit=-1":              "limit=",
		"who?address=203.0.113.22&cursor=x":              "cursor",
		"top?of=resellers":                               "of=",
		"top?limit=0":                                    "",
		"top?limit=-1":                                   "limit=",
		"events?group_by=dst&limit=0":                    "",
		"events?tz=%2B01:00":                             "",
		"events?tz=%2B25:00":                             "tz=",
		"top?account=alice":                              `"account"`,
		"account":                                        "name=",
		"account?name=":                                  "name=",
		"account?name=a/b":                               "name=",
		"account?name=" + strings.Repeat("a", 40):        "name=",
		"accounts?limit=1":                               `"limit"`,
		"summary?day=2026-02-30":                         "day=",
		"summary?day=0001-01-01":                         "day=",
		"summary?day=today":                              "day=",
		"summary?day=2026-11-05T":                        "day=",
		"live?after=x":                                   "cursor",
		"live?wait=61s":                                  "wait=",
		"live?wait=-1s":                                  "wait=",
		"live?wait=5":                                    "wait=",
		"status?x=y":                                     `"x"`,
	} {
		t.Run(path[:min(len(path), 60)], func(t *testing.T) {
			a := ask(t, h, "root", "GET", "/api/v1/"+path)
			if names == "" {
				if a.status != 200 {
					t.Errorf("%d %s, want 200", a.status, a.body)
				}
				return
			}
			problemIn(t, a, 400, names)
		})
	}
}

// problemIn proves that an answer is a problem document in one clean line.
func problemIn(t *testing.T, a answer, status int, names string) {
	t.Helper()
	var p web.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%d: %v in %s", a.status, err, a.body)
	}
	if a.status != status || p.Status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, %d, %s; want %d: %s", a.status, p.Status, a.header.Get("Content-Type"), status, a.body)
	}
	if !strings.Contains(p.Detail, names) {
		t.Errorf("detail %q does not name %s", p.Detail, names)
	}
	if len(p.Detail) > 400 || strings.ContainsAny(p.Detail+p.Hint, "\n\r\x00\x1b") {
		t.Errorf("detail is not one clean line: %q", p.Detail)
	}
}

// TestNoInputIsOurFault throws odd values at each parameter of each route:
// whatever comes back, it is not 500, it is JSON and it is UTF-8.
func TestNoInputIsOurFault(t *testing.T) {
	h := web.New(options(world())).Handler()
	params := []string{
		"dst", "src", "account", "uid", "port", "sport", "rule", "since", "until", "limit", "cursor", "group_by", "address", "at", "window", "tz",
		"name", "day", "after", "wait", "format", "of", "first_year",
	}
	values := []string{
		"", " ", "0", "-0", "-1", "1e9", "00", "99999999999999999999", "\x00", "\xff\xfe", "\u202e", "\x1b[2J", "<script>", "'", "\"", "%", "../", "now",
		"::", "::/0", "::ffff:0:0", "0.0.0.0/0", "UTC", "Europe/Berlin", "9999-12-31", "1969-12-31T23:59:59Z", "-9999w", "NaN", "Inf", "1d", "0s", strings.Repeat("9", 3000),
	}
	for _, route := range []string{"events", "who", "top", "account", "accounts", "summary", "live", "status"} {
		for _, param := range params {
			for _, value := range values {
				q := url.Values{param: {value}}
				if param != "address" && route == "who" {
					q.Set("address", "203.0.113.22")
				}
				if param != "at" && param == "window" {
					q.Set("at", "now")
				}
				a := ask(t, h, "root", "GET", "/api/v1/"+route+"?"+q.Encode())
				if a.status >= 500 || !utf8.ValidString(a.body) {
					t.Errorf("%s?%s: %d %.200s", route, q.Encode(), a.status, a.body)
				}
				if strings.HasSuffix(strings.SplitN(a.header.Get("Content-Type"), ";", 2)[0], "json") && !json.Valid([]byte(a.body)) {
					t.Errorf("%s?%s is not JSON: %.200s", route, q.Encode(), a.body)
				}
			}
		}
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	h := web.New(options(world())).Handler()
	problemIn(t, ask(t, h, "root", "GET", "/api/v1/events?dst="+strings.Repeat("1", 9000)), 413, "8 KiB")
}

func TestOtherMethodsAreNoPages(t *testing.T) {
	h := web.New(options(world())).Handler()
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"} {
		if a := ask(t, h, "root", method, "/api/v1/events"); a.status != 404 {
			t.Errorf("%s: %d", method, a.status)
		}
	}
	for _, path := range []string{"/api/v1/events/", "/api/v1//events", "/API/v1/events", "/api/v1/../v1/events", "/api/v1/events%00"} {
		if a := ask(t, h, "root", "GET", path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}
