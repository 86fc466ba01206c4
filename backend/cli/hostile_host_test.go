package cli_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// payloads are names that somebody gave to a user, a domain, an interface or a
// log: the hostile texts, and such as a page or a spreadsheet would run.
func payloads() map[string]string {
	all := map[string]string{
		"a script":      "<script>alert(1)</script>",
		"an image":      `"><img src=x onerror=alert(1)>`,
		"a template":    "{{.Secret}}",
		"a formula":     "=cmd|' /C calc'!A0",
		"a long name":   strings.Repeat("a", 5000),
		"a climbing":    "../../etc/shadow",
		"an empty name": "",
	}
	for sort, text := range hostile {
		all[sort] = text
	}
	return all
}

// hostileHost lays a host on which all names are payloads, with a log in which
// they stand wherever somebody else than the kernel can put text.
func hostileHost(t *testing.T) (root, log string) {
	t.Helper()
	root = t.TempDir()
	if err := copyMissing("testdata/host", root); err != nil {
		t.Fatal(err)
	}
	add := func(name, text string) {
		f, err := os.OpenFile(filepath.Join(root, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return // no file can have this name
		}
		defer f.Close()
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	const packet = "SRC=192.0.2.10 DST=203.0.113.22 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=%d DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 UID=%d GID=%[2]d "
	var lines strings.Builder
	uid := 2000
	for _, bad := range payloads() {
		uid++
		add("etc/passwd", fmt.Sprintf("%s:x:%d:%d:%[1]s:/home/%[1]s:/bin/%[1]s\n", bad, uid, uid))
		add("etc/trueuserowners", bad+": "+bad+"\n")
		add("etc/trueuserdomains", bad+": "+bad+"\n")
		add("var/cpanel/users/"+bad, "OWNER="+bad+"\nDNS="+bad+"\nSTARTDATE=1709251200\nUSER="+bad+"\n")
		add("var/cpanel/accounting.log", "Fri Mar  1 00:00:00 2024:CREATE:"+bad+":"+bad+":"+bad+":192.0.2.10:"+bad+"\n")
		body := fmt.Sprintf(packet, uid, uid)
		for _, line := range []string{
			"Nov  5 03:00:00 web01 kernel: [ 2000.000001] CSF-OUTBOUND:22:=:IN= OUT=eth0 " + body,
			"Nov  5 03:00:01 " + bad + " kernel: [ 2000.000001] CSF-OUTBOUND:22:=:IN= OUT=eth0 " + body,
			"Nov  5 03:00:02 web01 kernel: [ 2000.000001] CSF-OUTBOUND:22:=:IN= OUT=" + bad + " " + body,
			"Nov  5 03:00:03 web01 kernel: [ 2000.000001] CSF-OUTBOUND:" + bad + ":=:IN= OUT=eth0 " + body,
			"Nov  5 03:00:04 web01 kernel: [ 2000.000001] CSF-OUTBOUND:22:=:IN= OUT=eth0 " + body + bad,
			"Nov  5 03:00:05 web01 " + bad + ": CSF-OUTBOUND:22:=:IN= OUT=eth0 " + body,
		} {
			lines.WriteString(line + "\n")
		}
	}
	// One domain that is hostile, of an account that is not.
	add("var/cpanel/users/bob", "DNS=<script>alert(1)</script>\nOWNER=\x1b[2J\n")
	log = filepath.Join(root, "hostile.log")
	if err := os.WriteFile(log, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(log, now, now); err != nil {
		t.Fatal(err)
	}
	return root, log
}

func TestAHostileHostIsShownHarmless(t *testing.T) {
	root, log := hostileHost(t)
	status, out, complaints := runBuild(t, context.Background(), true, build(), "--root", root, "import", log, filepath.Join(root, "var/log/messages"))
	if status != 0 || !strings.Contains(out, "messages: 7 stored") || harmful(strings.ReplaceAll(out+complaints, "\r\x1b[K", "")) != "" {
		t.Fatalf("import: status %d\n%q\n%q", status, out, complaints)
	}
	for _, command := range []string{
		"who 203.0.113.22", "who 203.0.113.22 --limit 0", "search", "search --limit 0", "search --group-by account", "search --group-by dst", "search --group-by hour",
		"search --jsonl --limit 0", "search --csv --limit 0", "top", "top targets", "account bob", "account alice", "summary", "status", "doctor",
		"--json who 203.0.113.22 --limit 0", "--json search --limit 0", "--json summary", "--json doctor", "--json account bob",
	} {
		_, out, complaints := runBuild(t, context.Background(), true, build(), append([]string{"--root", root}, strings.Fields(command)...)...)
		if bad := harmful(out + complaints); bad != "" {
			t.Errorf("%s: %q", command, bad)
		}
		if strings.HasPrefix(command, "--json") && !json.Valid([]byte(out)) {
			t.Errorf("%s: not JSON: %.200s", command, out)
		}
		if out == "" {
			t.Errorf("%s: nothing was printed: %s", command, complaints)
		}
	}
	tables(t, root)
	shown(t, root)
}

// tables reads what a file gets.
func tables(t *testing.T, root string) {
	_, out, _ := runBuild(t, context.Background(), false, build(), "--root", root, "search", "--csv", "--limit", "0")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	_, lines, _ := runBuild(t, context.Background(), false, build(), "--root", root, "search", "--jsonl", "--limit", "0")
	if n := strings.Count(lines, "\n"); err != nil || len(rows) != n+1 || n < 20 {
		t.Errorf("%d rows of CSV (%v) and %d lines of JSON", len(rows), err, n)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a cell begins as a formula: %q", cell)
			}
		}
	}
	for line := range strings.Lines(lines) {
		var e outbound.EventDoc
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// shown looks at the pages.
func shown(t *testing.T, dir string) {
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	rt, house, err := build().Local(root, config.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer house.Close()
	for _, path := range []string{
		"/", "/search", "/search?limit=1000", "/search?group_by=account", "/account?name=bob", "/account?name=alice", "/search?dst=203.0.113.22", "/?q=203.0.113.22",
		"/account?name=%3Cscript%3Ealert(1)%3C/script%3E", "/search?account=%22%3E%3Cimg+src=x+onerror=alert(1)%3E", "/search?cursor=%1b[2J", "/?q=%3Cscript%3Ealert(1)%3C/script%3E",
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://outboundmonitor"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(web.ViewerHeader, "root")
		r.Header.Set(web.ViaHeader, web.ViaCGI)
		answer, err := rt.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		page := string(text)
		if err != nil || len(page) < 500 || answer.StatusCode >= 500 {
			t.Errorf("%s: %d, %v\n%s", path, answer.StatusCode, err, page)
		}
		for _, bad := range []string{"<script>alert", "<img src=x", "\x1b", "\u009b", "\u202e", "\u200b", "\x00"} {
			if strings.Contains(page, bad) {
				at := strings.Index(page, bad)
				t.Errorf("%s: %q stands in the page: %q", path, bad, page[max(0, at-60):min(len(page), at+60)])
			}
		}
	}
}
