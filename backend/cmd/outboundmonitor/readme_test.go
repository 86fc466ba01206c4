package main

import (
	"compress/gzip"
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the program answers into README.md")

const (
	readme = "../../../README.md"
	data   = "../../../testdata"
)

// TestMain lets the test binary be the program for the commands that it runs.
// The tests stand within the package because nothing else can call main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"outboundmonitor": main})
}

// notRun names the words by which lines of README.md begin that are not run
// here, and why. Any other line must be a command of the program.
var notRun = map[string]string{
	"make":                                "runs this test itself; TestMakeKnowsItsWords looks at the words",
	"ssh":                                 "needs a server",
	"scp":                                 "needs a server",
	"ln":                                  "changes the machine",
	"chmod":                               "changes the machine",
	"file=/usr/local/csf/bin/csfpost.sh;": "reads the machine",
	"rm":                                  "changes the machine",
	"systemctl":                           "changes the machine",
	"systemd-run":                         "changes the machine",
	"csf":                                 "needs csf",
	"iptables":                            "needs csf",
	"outboundmonitor live":                "goes on until it is interrupted",
}

// speaksForItself matches the commands whose status 2 is no wrong usage.
var speaksForItself = regexp.MustCompile(` (doctor|status --nagios)$`)

// block is one fenced block of a document.
type block struct {
	kind  string
	lines []string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

func blocks(t *testing.T, text string) []block {
	t.Helper()
	var all []block
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		all = append(all, block{m[1], strings.Split(strings.TrimSuffix(m[2], "\n"), "\n")})
	}
	if len(all) < 8 {
		t.Fatalf("README.md has %d fenced blocks: the test looks in the wrong place", len(all))
	}
	return all
}

// TestEachCommandInTheReadmeRuns runs the commands in their order on one host.
// Wrong usage and a fault fail; what a verdict's status is, it may be.
func TestEachCommandInTheReadmeRuns(t *testing.T) {
	h := newHost(t)
	unused := maps.Clone(notRun)
	ran := 0
	for _, b := range blocks(t, read(t)) {
		if b.kind != "sh" {
			continue
		}
		for _, line := range b.lines {
			if word := skipped(line); word != "" {
				delete(unused, word)
				continue
			}
			if !strings.HasPrefix(line, "outboundmonitor ") {
				t.Errorf("%s: neither a command of the program nor listed as not run", line)
				continue
			}
			ran++
			if out, status := h.run(t, line); status == 4 || status == 2 && !speaksForItself.MatchString(line) {
				t.Errorf("%s: exit status %d\n%s", line, status, out)
			}
		}
	}
	if ran < 10 {
		t.Errorf("only %d commands were run", ran)
	}
	for word := range unused {
		t.Errorf("README.md no longer has %q", word)
	}
}

// TestAWrongCommandIsNoticed shows that the test above can fail.
func TestAWrongCommandIsNoticed(t *testing.T) {
	h := newHost(t)
	for _, line := range []string{"outboundmonitor whom 203.0.113.22", "outboundmonitor who --no-such-flag", "outboundmonitor who 203.0.113.22 --at never"} {
		if out, status := h.run(t, line); status != 2 {
			t.Errorf("%s: exit status %d, want 2\n%s", line, status, out)
		}
	}
	if skipped("outboundmonitor who 203.0.113.22") != "" {
		t.Error("the question itself is not run")
	}
}

func skipped(line string) string {
	for word := range notRun {
		if line == word || strings.HasPrefix(line, word+" ") || strings.Contains(word, " ") && strings.HasPrefix(line, word) {
			return word
		}
	}
	return ""
}

// TestExamplesAreWhatTheProgramAnswers holds each example's output against the
// program's, byte for byte.
func TestExamplesAreWhatTheProgramAnswers(t *testing.T) {
	h := newHost(t)
	if out, status := h.run(t, "outboundmonitor import /var/log/messages"); status != 0 {
		t.Fatalf("import: exit status %d\n%s", status, out)
	}
	text, seen := read(t), 0
	for _, b := range blocks(t, text) {
		if b.kind != "console" {
			continue
		}
		line, ok := strings.CutPrefix(b.lines[0], "$ ")
		if !ok {
			t.Fatalf("an example begins with %q, want a command", b.lines[0])
		}
		seen++
		out, _ := h.run(t, line)
		was := strings.Join(b.lines, "\n") + "\n"
		if is := b.lines[0] + "\n" + out; was != is {
			if *update {
				text = strings.Replace(text, "```console\n"+was, "```console\n"+is, 1)
				continue
			}
			t.Errorf("README.md says\n%s\nand the program\n%s\ngo test ./backend/cmd/outboundmonitor -update writes it down", was, is)
		}
	}
	if seen == 0 {
		t.Error("README.md has no example")
	}
	if *update {
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var (
	makeWord = regexp.MustCompile(`\bmake ([a-z]+)\b`)
	target   = regexp.MustCompile(`(?m)^([a-z]+):`)
)

// TestMakeKnowsItsWords finds each "make WORD" of the documents in the
// Makefile.
func TestMakeKnowsItsWords(t *testing.T) {
	rules, err := os.ReadFile("../../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, m := range target.FindAllStringSubmatch(string(rules), -1) {
		known = append(known, m[1])
	}
	seen := 0
	for _, name := range []string{"README.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join("../../..", name))
		if err != nil {
			t.Fatal(err)
		}
		// Prose may use the verb: only code counts.
		for _, code := range regexp.MustCompile("(?s)```.*?```|`[^`]+`").FindAllString(string(text), -1) {
			for _, m := range makeWord.FindAllStringSubmatch(code, -1) {
				seen++
				if !slices.Contains(known, m[1]) {
					t.Errorf("%s: make %s: no such target", name, m[1])
				}
			}
		}
	}
	if seen < 4 {
		t.Errorf("%d words seen: the test looks in the wrong place", seen)
	}
}

var link = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)

// TestLinksLeadSomewhere follows the links from one document to another file.
func TestLinksLeadSomewhere(t *testing.T) {
	seen := 0
	for _, name := range []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} {
		text, err := os.ReadFile(filepath.Join("../../..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			seen++
			if _, err := os.Stat(filepath.Join("../../..", m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if seen < 6 {
		t.Errorf("%d links seen: the test looks in the wrong place", seen)
	}
}

func read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// host is a made-up server on which README.md's commands run.
type host struct{ dir string }

// logged is when the log of README.md's examples was last written.
var logged = time.Date(2026, 11, 5, 4, 0, 0, 0, time.UTC)

// newHost gives the small host of testdata with a log and an older one. It
// keeps connections for long, because the examples do not get younger.
func newHost(t *testing.T) host {
	t.Helper()
	h := host{t.TempDir()}
	log, err := os.ReadFile(filepath.Join(data, "readme/messages"))
	must(t, err)
	must(t, os.CopyFS(h.dir, os.DirFS(filepath.Join(data, "host/small"))))
	for _, dir := range []string{"var/log", "etc/outboundmonitor", "tmp"} {
		must(t, os.MkdirAll(filepath.Join(h.dir, dir), 0o700))
	}
	must(t, os.WriteFile(h.path("/etc/outboundmonitor/config.toml"), []byte("[store]\nretention_days = 3650\n"), 0o600))
	must(t, os.WriteFile(h.path("/var/log/messages"), log, 0o600))
	old, err := os.OpenFile(h.path("/var/log/messages-20261105.gz"), os.O_CREATE|os.O_WRONLY, 0o600)
	must(t, err)
	zw := gzip.NewWriter(old)
	_, err = zw.Write(log)
	must(t, errors.Join(err, zw.Close(), old.Close()))
	for _, name := range []string{"messages", "messages-20261105.gz"} {
		must(t, os.Chtimes(h.path("/var/log/"+name), logged, logged))
	}
	return h
}

func (h host) path(name string) string { return filepath.Join(h.dir, name) }

// run runs a line of shell as it stands, but for the host's folder: files that
// the shell itself opens are the host's, and each command gets --root. It gives
// what was printed, as it would be on that host, and the exit status.
func (h host) run(t *testing.T, line string) (string, int) {
	t.Helper()
	line = strings.NewReplacer(" /var/log/", " "+h.path("/var/log")+"/", " /tmp/", " "+h.path("/tmp")+"/").Replace(line)
	c := exec.Command("sh", "-c", `outboundmonitor() { command outboundmonitor --root "$ROOT" "$@"; }`+"\n"+line)
	c.Env = append(os.Environ(), "ROOT="+h.dir, "TZ=America/New_York")
	out, err := c.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(out), " --root "+h.dir, "")
	return strings.ReplaceAll(text, h.dir, ""), c.ProcessState.ExitCode()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
