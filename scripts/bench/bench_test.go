package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/scripts/truth"
)

// TestMain lets the test binary stand in for the product, which answers by
// reading the log. What it gets wrong is said by FAKE_PRODUCT.
func TestMain(m *testing.M) {
	if mode := os.Getenv("FAKE_PRODUCT"); mode != "" && len(os.Args) > 3 && os.Args[1] == "--root" {
		os.Exit(fake(mode, os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// fake answers as the product's command line does.
func fake(mode, root string, args []string) int {
	state := filepath.Join(root, "var/lib/outboundmonitor")
	switch args[0] {
	case "--json": // import
		if err := os.MkdirAll(state, 0o700); err != nil {
			return 4
		}
		return map[bool]int{true: 4}[os.WriteFile(filepath.Join(state, "store"), make([]byte, 1000), 0o600) != nil]
	case "status":
		n := 0
		rows(root, func(outbound.EventDoc) { n++ })
		if mode == "miscounts" {
			n++
		}
		_ = json.NewEncoder(os.Stdout).Encode(outbound.StatusDoc{Events: n})
		return 3
	case "search":
		return search(mode, root, args[2])
	}
	return map[string]int{"breaks": 4}[mode]
}

func search(mode, root, dst string) int {
	dropped := false
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	rows(root, func(d outbound.EventDoc) {
		if d.Dst != dst {
			return
		}
		if !dropped && mode != "honest" {
			dropped = true
			switch mode {
			case "drops":
				return
			case "mistakes the account":
				d.Account = new("northhost9")
			case "mistakes the port":
				d.SrcPort++
			case "mistakes the time":
				d.Time = d.Time.Add(time.Second)
			}
		}
		_ = json.NewEncoder(out).Encode(d)
	})
	return 6
}

var ours = regexp.MustCompile(`^(.{15}) web01 kernel: \[.{14,16}\] CSF-OUTBOUND:[0-9:]+:=:IN= OUT=eth0 SRC=(\S+) DST=(\S+) LEN=[^=]+=[^=]+=[^=]+=[^=]+(?:=[0-9]+ DF)? PROTO=TCP SPT=([0-9]+) DPT=([0-9]+) WINDOW=[0-9]+ RES=0x00 [A-Z ]+ URGP=0 (?:UID=([0-9]+) GID=[0-9]+ )?$`)

// rows reads the corpus line by line.
func rows(root string, f func(outbound.EventDoc)) {
	users := map[string]string{}
	passwd, _ := os.ReadFile(filepath.Join(root, "etc/passwd"))
	for line := range strings.Lines(string(passwd)) {
		p := strings.Split(line, ":")
		users[p[2]] = p[0]
	}
	log, _ := os.ReadFile(filepath.Join(filepath.Dir(root), "messages"))
	for line := range strings.Lines(string(log)) {
		m := ours.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil || strings.Contains(line, "\x00") {
			continue
		}
		at, _ := time.Parse("2006 "+time.Stamp, fmt.Sprint(fakeNow.Year())+" "+m[1])
		d := outbound.EventDoc{Time: at, Src: short(m[2]), Dst: short(m[3]), SrcPort: port(m[4]), DstPort: port(m[5])}
		if uid, err := strconv.Atoi(m[6]); err == nil {
			d.UID = new(uint32(uid))
			if uid >= 1000 && uid < 60000 {
				d.Account = new(users[m[6]])
			}
		}
		f(d)
	}
}

var fakeNow = time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)

func port(s string) uint16 {
	n, _ := strconv.Atoi(s)
	return uint16(n)
}

// short undoes the kernel's long form of IPv6.
func short(s string) string { return netip.MustParseAddr(s).String() }

func small(t *testing.T, dir, bin string) *bench {
	t.Helper()
	b := &bench{options: options{dir: dir, size: "1m", format: "traditional", bin: bin, runs: 1}}
	if err := b.corpus(fakeNow); err != nil {
		t.Fatal(err)
	}
	b.plan()
	return b
}

func TestEachWrongAnswerIsFound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bench")
	for mode, want := range map[string]string{
		"honest":               "",
		"drops":                "rows, the truth is",
		"mistakes the account": "the accounts differ",
		"mistakes the port":    "checksum",
		"mistakes the time":    "missing",
		"miscounts":            "the store holds",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Setenv("FAKE_PRODUCT", mode)
			b := small(t, dir, os.Args[0])
			if err := (&job{argv: b.job(importJob).argv}).measure(); err != nil {
				t.Fatal(err)
			}
			err := b.verify()
			if want == "" && (err != nil || b.checked != 50) {
				t.Errorf("%d answers exact: %v", b.checked, err)
			}
			if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestTheTableHasEachRow(t *testing.T) {
	t.Setenv("FAKE_PRODUCT", "honest")
	b := small(t, filepath.Join(t.TempDir(), "bench"), os.Args[0])
	if err := b.rounds(); err != nil {
		t.Fatal(err)
	}
	if err := b.verify(); err != nil {
		t.Fatal(err)
	}
	table := b.report(fakeNow)
	for _, want := range []string{"2026-11-05", "| wc -l |", "| grep -F IP, rare |", "| import, durable |", "| who IP --at T, frequent |", "<= 0.03 x grep -F IP", "bytes an event", "| exact answers: 50 of 50 | | | | all | yes |"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	for _, f := range b.job(importJob).seen {
		if f.cpu <= 0 || f.wall <= 0 || f.maxRSS <= 0 {
			t.Errorf("nothing was measured: %+v", f)
		}
	}
}

func TestAProductThatBreaksStopsTheRun(t *testing.T) {
	t.Setenv("FAKE_PRODUCT", "breaks")
	b := small(t, filepath.Join(t.TempDir(), "bench"), os.Args[0])
	if err := b.rounds(); err == nil || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("got %v, want exit status 4", err)
	}
}

func TestWhatIsMissingIsNamedAndNoSuccess(t *testing.T) {
	b := small(t, filepath.Join(t.TempDir(), "bench"), "/nonexistent/outboundmonitor")
	b.tool("a tool", "no-such-tool")
	if err := b.verify(); err == nil {
		t.Error("a run without the product succeeds")
	}
	if table := b.report(fakeNow); !strings.Contains(table, "Not on this machine, so left out: ") || !strings.Contains(table, "no-such-tool") {
		t.Errorf("the table does not name what is missing:\n%s", table)
	}
}

func TestAFolderOfOthersIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "messages"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := &bench{options: options{dir: dir, size: "1m", format: "traditional"}}
	if err := b.corpus(fakeNow); err == nil {
		t.Error("a folder that is no corpus was taken over")
	}
}

func TestAnOldCorpusIsMadeAnew(t *testing.T) {
	b := small(t, filepath.Join(t.TempDir(), "bench"), "")
	for _, c := range []struct {
		sentence string
		later    time.Duration
		end      string
	}{
		{"a week later it is used again", 7 * 24 * time.Hour, "2026-11-05"},
		{"a month later it is made again", 30 * 24 * time.Hour, "2026-12-05"},
	} {
		again := &bench{options: b.options}
		if err := again.corpus(fakeNow.Add(c.later)); err != nil {
			t.Fatal(err)
		}
		if got := again.sum.End.Format(time.DateOnly); got != c.end {
			t.Errorf("%s: it ends %s, want %s", c.sentence, got, c.end)
		}
	}
}

func TestDifferencesAreSaid(t *testing.T) {
	e := truth.Event{Time: fakeNow, Account: "bakery", Src: "192.0.2.10", SrcPort: 40000, Dst: "203.0.113.22", DstPort: 22}
	a := truth.Address{Events: 1, Checksum: fmt.Sprintf("%016x", e.Sum()), Accounts: map[string]int{"bakery": 1}, List: []truth.Event{e}}
	if err := differs(a, []truth.Event{e}); err != nil {
		t.Errorf("the same rows differ: %v", err)
	}
	e.UID = new(uint32(1001))
	if err := differs(a, []truth.Event{e}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a row with another UID: %v", err)
	}
}
