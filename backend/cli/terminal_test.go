package cli_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"outboundmonitor/backend/cli"
	"outboundmonitor/backend/config"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// hostile is text that does something to a terminal, or to whoever reads it,
// by sort.
var hostile = map[string]string{
	"an escape sequence":         "\x1b[2J\x1b]0;owned\x07",
	"a C1 control":               "\u009b31m\u0085",
	"a carriage return":          "alice\rbob  ",
	"a line break":               "alice\nIDENTIFIED  bob (uid 0)",
	"a tab and a backspace":      "a\tb\b\b",
	"a delete":                   "a\x7f",
	"a change of direction":      "\u202ebob\u2066\u200f",
	"characters without a width": "al\u200bi\u2060c\ufeffe",
	"a tag":                      "a\U000e0041",
	"a mark that piles up":       "a\u0301\u0301\u0301",
	"a blank that is none":       "a\u00a0b\u2028c\u2029d",
	"bytes that are no text":     "a\xff\xfe\x9b31m",
}

// inProcess carries requests to a handler.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// run runs a command against a handler that stands in for the store. The
// terminal shows what is printed.
func run(t *testing.T, terminal bool, h http.Handler, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	b := build()
	b.Local = func(hostfs.Root, config.Config) (http.RoundTripper, io.Closer, error) {
		return inProcess{h}, io.NopCloser(nil), nil
	}
	return runBuild(t, context.Background(), terminal, b, args...)
}

func runBuild(t *testing.T, ctx context.Context, terminal bool, b cli.Build, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, complaints strings.Builder
	status = cli.Main(ctx, append([]string{"--root", t.TempDir()}, args...), cli.Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &complaints,
		IsTerminal: func(io.Writer) bool { return terminal },
		Now:        func() time.Time { return now }, Getenv: func(string) string { return "" },
	}, b)
	return status, out.String(), complaints.String()
}

// always answers each request with the same document.
func always(doc any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if form := r.URL.Query().Get("format"); form == "csv" {
			_, _ = io.WriteString(w, "account\n"+doc.(outbound.SearchDoc).Events[0].Rule+"\n")
			return
		} else if form == "jsonl" {
			_ = json.NewEncoder(w).Encode(doc.(outbound.SearchDoc).Events[0])
			return
		}
		_ = json.NewEncoder(w).Encode(doc)
	})
}

// rude lists each command with an answer that has bad in every place for text.
func rude(bad string) map[string]struct {
	args []string
	doc  any
} {
	at := now.Add(-time.Hour)
	uid := uint32(1043)
	cov := outbound.Coverage{From: &at, To: &now, Covered: 0.5, Missing: 60, Watched: outbound.Watched{TCP: bad, UDP: []string{bad}},
		Gaps: []outbound.Gap{{From: at, To: now, Rule: bad, Reason: bad}}}
	event := outbound.EventDoc{ID: bad, Time: at, TimeBasis: bad, Account: &bad, User: &bad, Owner: &bad, Attribution: bad, UID: &uid,
		Src: bad, Dst: bad, Proto: bad, Rule: bad, Host: &bad, Witness: bad, Line: bad}
	group := outbound.GroupDoc{Key: bad, Events: 1, First: at, Last: now}
	who := outbound.WhoAccount{Account: &bad, UID: &uid, Owner: bad, Domain: bad, Events: 9, First: at, Last: now, Witness: bad, Attribution: bad}
	verdict := func(v outbound.Verdict, accounts ...outbound.WhoAccount) outbound.WhoDoc {
		return outbound.WhoDoc{Verdict: v, Query: outbound.WhoQuery{Address: &bad, Host: &bad, At: &at, WindowS: 300, Src: &bad}, Coverage: cov,
			Accounts: accounts, Unverified: []outbound.WhoAccount{who}, Events: []outbound.EventDoc{event}, Next: &bad,
			SystemUsers: []outbound.WhoSystem{{User: bad, Events: 1, First: at, Last: now, About: bad, Witness: bad}}}
	}
	rows := outbound.SearchDoc{Events: []outbound.EventDoc{event}, Next: &bad, Coverage: cov}
	type c = struct {
		args []string
		doc  any
	}
	return map[string]c{
		"who, identified":      {[]string{"who", "203.0.113.22"}, verdict(outbound.Identified, who)},
		"who, candidates":      {[]string{"who", "203.0.113.22"}, verdict(outbound.Candidates, who, who)},
		"who, system":          {[]string{"who", "203.0.113.22"}, verdict(outbound.System)},
		"who, none":            {[]string{"who", "203.0.113.22"}, verdict(outbound.None)},
		"who, unknown":         {[]string{"who", "203.0.113.22"}, verdict(outbound.UnknownAnswer)},
		"who, no such verdict": {[]string{"who", "203.0.113.22"}, verdict(outbound.Verdict(bad))},
		"who, JSON":            {[]string{"--json", "who", "203.0.113.22"}, verdict(outbound.Identified, who)},
		"search":               {[]string{"search"}, rows},
		"search, JSON":         {[]string{"search", "--json"}, rows},
		"search, JSON lines":   {[]string{"search", "--jsonl"}, rows},
		"search, values":       {[]string{"search", "--csv"}, rows},
		"search, groups":       {[]string{"search", "--group-by", "account"}, outbound.SearchDoc{Groups: []outbound.GroupDoc{group}, Coverage: cov}},
		"top":                  {[]string{"top"}, outbound.TopDoc{Top: []outbound.GroupDoc{group}, Coverage: cov}},
		"account": {[]string{"account", "alice"}, outbound.AccountDoc{Account: bad, Lives: []outbound.AccountLife{{Owner: bad, Domain: bad}},
			Ports: []outbound.GroupDoc{group}, Targets: []outbound.GroupDoc{group}, Hours: []outbound.GroupDoc{group}, Coverage: cov}},
		"summary": {[]string{"summary"}, outbound.SummaryDoc{Day: bad, Accounts: []outbound.SummaryAccount{{Account: bad, Owner: bad,
			TopTargets: []outbound.SummaryTarget{{Dst: bad}}}}, SystemUsers: []outbound.SummaryUser{{User: bad}}, Coverage: cov}},
		"status":         {[]string{"status"}, outbound.StatusDoc{Version: bad, Log: bad, Why: bad, Coverage: cov, Lines: outbound.Counts{Rejected: map[string]int{bad: 1}}}},
		"status, nagios": {[]string{"status", "--nagios"}, outbound.StatusDoc{Version: bad, Log: bad, Why: bad, Coverage: cov}},
	}
}

// harmful gives the first character in text that does something but show
// itself. Colours that the command line adds are taken out first.
func harmful(text string) string {
	for _, colour := range []string{"\x1b[1;31m", "\x1b[1;32m", "\x1b[1;33m", "\x1b[0m"} {
		text = strings.ReplaceAll(text, colour, "")
	}
	for i, r := range text {
		bad := r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") || r != '\n' && !unicode.IsPrint(r) || unicode.IsMark(r)
		if bad {
			return text[max(0, i-20):min(len(text), i+20)]
		}
	}
	return ""
}

func TestHostileTextNeverReachesATerminal(t *testing.T) {
	for sort, bad := range hostile {
		for command, c := range rude(bad) {
			for _, terminal := range []bool{true, false} {
				if !terminal && command == "search, values" {
					continue // A file gets each byte as it is.
				}
				_, out, complaints := run(t, terminal, always(c.doc), c.args...)
				if got := harmful(out + complaints); got != "" {
					t.Errorf("%s: %s (terminal %v): %q", command, sort, terminal, got)
				}
				if out+complaints == "" {
					t.Errorf("%s: %s: nothing was printed", command, sort)
				}
			}
		}
	}
}

// TestALineStaysALine counts lines: a name with a line break must not make one
// that looks like an answer.
func TestALineStaysALine(t *testing.T) {
	tame, wild := rude("alice"), rude("alice\nIDENTIFIED  bob")
	for command := range tame {
		if strings.Contains(command, "values") || strings.Contains(command, "JSON") {
			continue
		}
		_, want, _ := run(t, false, always(tame[command].doc), tame[command].args...)
		_, got, _ := run(t, false, always(wild[command].doc), wild[command].args...)
		if strings.Count(got, "\n") != strings.Count(want, "\n") {
			t.Errorf("%s: a name adds lines:\n%s\nbeside\n%s", command, got, want)
		}
	}
}

// TestJSONIsTheSameDocument holds the escapes to what they stand for.
func TestJSONIsTheSameDocument(t *testing.T) {
	for sort, bad := range hostile {
		bad = strings.ToValidUTF8(bad, "\ufffd")
		for _, terminal := range []bool{true, false} {
			doc := rude(bad)["search"].doc.(outbound.SearchDoc)
			_, out, _ := run(t, terminal, always(doc), "--json", "search")
			var got outbound.SearchDoc
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Errorf("%s: %v in %q", sort, err, out)
			} else if got.Events[0].Line != bad {
				t.Errorf("%s: line %q became %q", sort, bad, got.Events[0].Line)
			}
		}
	}
}

func TestErrorsAreShownHarmless(t *testing.T) {
	for sort, bad := range hostile {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"detail": bad, "hint": bad, "code": "invalid"})
		})
		for _, args := range [][]string{
			{"status"}, {"who", bad}, {"who", "203.0.113.1", "--at", bad}, {"search", "--dst", bad}, {"search", "--port", bad}, {bad}, {"help", bad},
			{"top", bad}, {"account", bad}, {"--tz", bad, "search"}, {"--" + bad, "search"}, {"search", bad}, {"completion", bad},
			{"import", bad}, {"config", bad}, {"summary", "--day", bad}, {"demo", "--listen", bad}, {"--config", bad, "config", "check"},
			{"--config", "/" + bad, "doctor"},
		} {
			_, out, complaints := run(t, true, h, args...)
			if got := harmful(out + complaints); got != "" {
				t.Errorf("%q: %s: %q", args, sort, got)
			}
			if out+complaints == "" {
				t.Errorf("%q: %s: nothing was printed", args, sort)
			}
		}
	}
}

func TestNamesOfLogsAreShownHarmless(t *testing.T) {
	log, err := os.ReadFile("testdata/host/var/log/messages")
	if err != nil {
		t.Fatal(err)
	}
	for sort, bad := range hostile {
		path := filepath.Join(t.TempDir(), strings.ReplaceAll(bad, "/", ""))
		if err := os.WriteFile(path, log, 0o600); err != nil {
			t.Fatal(err)
		}
		host := t.TempDir()
		if err := copyMissing("testdata/host", host); err != nil {
			t.Fatal(err)
		}
		status, out, complaints := runBuild(t, context.Background(), true, build(), "--root", host, "import", path)
		if got := harmful(strings.ReplaceAll(out+complaints, "\r\x1b[K", "")); got != "" || status != 0 || !strings.Contains(out, "7 stored") {
			t.Errorf("%s: status %d, %q in %q", sort, status, got, out)
		}
	}
}

func TestColoursAreForTerminals(t *testing.T) {
	doc := rude("alice")["who, identified"].doc
	for name, c := range map[string]struct {
		terminal bool
		env      map[string]string
		want     bool
	}{
		"a terminal":                         {true, nil, true},
		"a pipe":                             {false, nil, false},
		"a terminal that wants none":         {true, map[string]string{"NO_COLOR": "1"}, false},
		"a terminal that can not":            {true, map[string]string{"TERM": "dumb"}, false},
		"an empty NO_COLOR asks for nothing": {true, map[string]string{"NO_COLOR": ""}, true},
	} {
		var out strings.Builder
		b := build()
		b.Local = func(hostfs.Root, config.Config) (http.RoundTripper, io.Closer, error) {
			return inProcess{always(doc)}, io.NopCloser(nil), nil
		}
		cli.Main(context.Background(), []string{"--root", t.TempDir(), "who", "203.0.113.22"}, cli.Env{
			Stdout: &out, Stderr: io.Discard, IsTerminal: func(io.Writer) bool { return c.terminal },
			Now: func() time.Time { return now }, Getenv: func(k string) string { return c.env[k] },
		}, b)
		if got := strings.Contains(out.String(), "\x1b["); got != c.want {
			t.Errorf("%s: colour %v, want %v", name, got, c.want)
		}
	}
}
