package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"outboundmonitor/backend/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAnswersAreAsRecorded holds each answer against its golden file: first
// the request, then status and type, then the body. Lines longer than a
// person reads are spread out, and the test proves that nothing is lost by
// that.
func TestAnswersAreAsRecorded(t *testing.T) {
	for name, c := range map[string]struct{ viewer, method, path, body string }{
		"events":             {"root", "GET", "/api/v1/events?limit=3", ""},
		"events-reseller":    {"reseller1", "GET", "/api/v1/events?dst=203.0.113.22", ""},
		"events-none":        {"root", "GET", "/api/v1/events?dst=192.0.2.99", ""},
		"events-groups":      {"root", "GET", "/api/v1/events?group_by=account", ""},
		"events-groups-none": {"root", "GET", "/api/v1/events?group_by=dst&dst=192.0.2.99", ""},
		"events-hostile":     {"root", "GET", "/api/v1/events?port=80", ""},
		"events-jsonl":       {"root", "GET", "/api/v1/events?format=jsonl&limit=0&account=alice", ""},
		"events-csv":         {"reseller1", "GET", "/api/v1/events?format=csv&limit=0&account=alice", ""},
		"who":                {"root", "GET", "/api/v1/who?address=203.0.113.22&at=2026-11-05+02:11:03&window=15m", ""},
		"who-host":           {"reseller1", "GET", "/api/v1/who?address=one.example.com&limit=1", ""},
		"who-all":            {"root", "GET", "/api/v1/who?address=203.0.113.0/24&limit=0", ""},
		"top-accounts":       {"root", "GET", "/api/v1/top?since=-2h", ""},
		"top-targets":        {"reseller2", "GET", "/api/v1/top?of=targets", ""},
		"account":            {"root", "GET", "/api/v1/account?name=bob", ""},
		"account-reseller":   {"reseller1", "GET", "/api/v1/account?name=bob", ""},
		"account-none":       {"reseller1", "GET", "/api/v1/account?name=carol", ""},
		"accounts":           {"root", "GET", "/api/v1/accounts", ""},
		"summary":            {"root", "GET", "/api/v1/summary?day=2026-11-05", ""},
		"live":               {"root", "GET", "/api/v1/live", ""},
		"status":             {"root", "GET", "/api/v1/status", ""},
		"status-reseller":    {"reseller1", "GET", "/api/v1/status", ""},
		"import":             {"root", "POST", "/api/v1/import?name=messages-1.gz&first_year=2026", "one\ntwo\n"},
		"invalid":            {"root", "GET", "/api/v1/events?since=yesterday", ""},
		"no-such-page":       {"root", "GET", "/api/v1/nothing", ""},
		"no-viewer":          {"", "GET", "/api/v1/events", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := web.New(options(world())).Handler()
			a := askVia(t, h, c.viewer, "cli", c.method, c.path, c.body)
			got := c.viewer + " " + c.method + " " + c.path + "\n" + strings.TrimSpace(
				strconv.Itoa(a.status)+" "+a.header.Get("Content-Type")) + "\n\n" + readable(t, a)
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the answer is not that of %s:\n%s", file, got)
			}
		})
	}
}

// readable spreads a JSON document over lines.
func readable(t *testing.T, a answer) string {
	t.Helper()
	if ct := a.header.Get("Content-Type"); ct != "application/json" && ct != "application/problem+json" {
		return a.body
	}
	var out, back bytes.Buffer
	if err := json.Indent(&out, []byte(a.body), "", "  "); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, a.body)
	}
	if err := json.Compact(&back, out.Bytes()); err != nil || back.String()+"\n" != a.body {
		t.Fatalf("not one line of compact JSON: %s", a.body)
	}
	return out.String()
}
