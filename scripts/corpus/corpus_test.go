package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"outboundmonitor/scripts/truth"
)

// corpus makes a small one and gives its folder.
func corpus(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := run(append([]string{"-o", dir, "-size", "2m"}, flags...)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func load[T any](t *testing.T, dir, name string) T {
	t.Helper()
	var v T
	if err := truth.Read(filepath.Join(dir, "truth", name), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var strict = regexp.MustCompile(`^([A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8}|2026-[0-9T:.-]+\+00:00) web01 kernel: \[ *[0-9]+\.[0-9]{6}\] CSF-OUTBOUND:(22|21|80:443):=:IN= OUT=eth0 ` +
	`SRC=([0-9a-f.:]+) DST=([0-9a-f.:]+) (?:LEN=(?:60|52) TOS=0x00 PREC=0x00 TTL=64 ID=[0-9]+ DF|LEN=(?:80|72) TC=0 HOPLIMIT=64 FLOWLBL=[0-9]+) ` +
	`PROTO=TCP SPT=([0-9]+) DPT=([0-9]+) WINDOW=[0-9]+ RES=0x00 (?:SYN URGP=0 UID=([0-9]+) GID=[0-9]+ |ACK FIN URGP=0 )$`)

// reader is an independent and naive one: what it finds is held against the
// truth that the generator wrote.
type reader struct {
	sum       truth.Summary
	addresses map[string][]truth.Event
	users     map[string]string // UID -> login
	accounts  map[string]bool
}

func readAll(t *testing.T, dir string) *reader {
	t.Helper()
	r := &reader{addresses: map[string][]truth.Event{}, users: map[string]string{}, accounts: map[string]bool{}}
	r.sum = truth.Summary{Accounts: map[string]int{}, Rules: map[string]int{}, Days: map[string]int{}}
	passwd, err := os.ReadFile(filepath.Join(dir, "host/etc/passwd"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(passwd)) {
		f := strings.Split(line, ":")
		r.users[f[2]] = f[0]
		if _, err := os.Stat(filepath.Join(dir, "host/var/cpanel/users", f[0])); err == nil {
			r.accounts[f[0]] = true
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "messages"))
	if err != nil {
		t.Fatal(err)
	}
	r.sum.Bytes = int64(len(log))
	for line := range bytes.Lines(log) {
		r.line(strings.TrimSuffix(string(line), "\n"))
	}
	r.sum.Addresses = len(r.addresses)
	return r
}

func (r *reader) line(line string) {
	r.sum.Lines++
	if strings.Contains(line, "CSF-OUTBOUND:") {
		r.sum.Ours++
	}
	m := strict.FindStringSubmatch(line)
	if m == nil {
		return
	}
	r.sum.Events++
	at, err := time.Parse(time.RFC3339Nano, m[1])
	if err != nil {
		at, _ = time.Parse("2006 "+time.Stamp, "2026 "+m[1])
	}
	sport, _ := strconv.Atoi(m[5])
	dport, _ := strconv.Atoi(m[6])
	dst := netip.MustParseAddr(m[4])
	e := truth.Event{Time: at.UTC(), Src: netip.MustParseAddr(m[3]).String(), SrcPort: uint16(sport), Dst: dst.String(), DstPort: uint16(dport)}
	login := ""
	if m[7] != "" {
		uid, _ := strconv.Atoi(m[7])
		e.UID, login = new(uint32(uid)), r.users[m[7]]
		if r.accounts[login] {
			e.Account = login
		}
	}
	r.sum.Accounts[login]++
	r.sum.Rules[m[2]]++
	r.sum.Days[at.Format(time.DateOnly)]++
	if dst.Is6() {
		r.sum.IPv6++
	}
	r.addresses[e.Dst] = append(r.addresses[e.Dst], e)
}

func TestTheTruthIsWhatANaiveReaderFinds(t *testing.T) {
	for _, format := range []string{"traditional", "rfc3339"} {
		dir := corpus(t, "-format", format)
		want, got := load[truth.Summary](t, dir, "summary.json"), readAll(t, dir)
		s := got.sum
		s.Seed, s.Format, s.From, s.End, s.Damaged, s.Forged = want.Seed, format, want.From, want.End, want.Damaged, want.Forged
		if !reflect.DeepEqual(s, want) {
			t.Errorf("%s: the log holds\n%+v\nthe truth says\n%+v", format, s, want)
		}
		if want.Ours != want.Events+want.Damaged+want.Forged || want.Damaged < 10 || want.Forged < 10 {
			t.Errorf("%s: %d of ours, %d events, %d damaged, %d forged", format, want.Ours, want.Events, want.Damaged, want.Forged)
		}
		if want.Bytes < 1_980_000 || want.Bytes > 2_020_000 {
			t.Errorf("%s: %d bytes, want about 2 MB", format, want.Bytes)
		}
		sample := load[[]truth.Address](t, dir, "addresses.json")
		classes := map[string]int{}
		for _, a := range sample {
			classes[a.Class]++
			compare(t, a, got.addresses[a.Address])
		}
		if full := map[string]int{"frequent": 10, "medium": 15, "rare": 15, "ipv6": 5, "absent": 5}; !maps.Equal(classes, full) {
			t.Errorf("%s: sampled %v, want %v", format, classes, full)
		}
	}
}

func compare(t *testing.T, a truth.Address, got []truth.Event) {
	t.Helper()
	sum := uint64(0)
	by := map[string]int{}
	for _, e := range got {
		sum += e.Sum()
		by[e.Account]++
	}
	if len(got) != a.Events || fmt.Sprintf("%016x", sum) != a.Checksum || !maps.Equal(by, a.Accounts) {
		t.Errorf("%s (%s): %d events %016x %v, the truth says %d %s %v", a.Address, a.Class, len(got), sum, by, a.Events, a.Checksum, a.Accounts)
	}
	if !slices.EqualFunc(got, a.List, func(x, y truth.Event) bool { return x.Key() == y.Key() }) {
		t.Errorf("%s (%s): the lists differ", a.Address, a.Class)
	}
}

func TestPlainSearchFallsIntoTheTraps(t *testing.T) {
	dir := corpus(t)
	log, err := os.ReadFile(filepath.Join(dir, "messages"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log, []byte{0}) {
		t.Error("no line has NULs")
	}
	fooled, named, absentees := 0, 0, 0
	for _, a := range load[[]truth.Address](t, dir, "addresses.json") {
		found := 0
		for line := range bytes.Lines(log) {
			if bytes.Contains(line, []byte(a.Address)) {
				found++
			}
			// Noise has no reason to name a shared target but to fool.
			if len(a.Accounts) > 20 && !bytes.Contains(line, []byte("CSF-OUTBOUND:")) && bytes.Contains(line, []byte(a.Address+" ")) {
				named++
			}
		}
		if found > a.Events {
			fooled++
			if a.Class == "absent" {
				absentees++
			}
		}
	}
	if fooled < 20 || absentees < 4 || named < 3 {
		t.Errorf("plain search finds too much for %d addresses, %d of them absent; noise names shared ones %d times", fooled, absentees, named)
	}
}

func TestEachAttackIsInTheLog(t *testing.T) {
	dir := corpus(t, "-seed", "5")
	got := readAll(t, dir)
	for _, a := range load[[]truth.Attack](t, dir, "attacks.json") {
		n := 0
		for _, target := range a.Targets {
			for _, e := range got.addresses[target] {
				if e.DstPort == a.Port && e.UID != nil && *e.UID == a.UID && !e.Time.Before(a.From) && e.Time.Before(a.To) {
					n++
				}
			}
		}
		// A damaged line is no event, and everyday traffic may fall in.
		if n < a.Events*9/10-1 || n > a.Events+2 {
			t.Errorf("seed 5: %s by %s on port %d: %d events, planted %d", a.Kind, a.Account, a.Port, n, a.Events)
		}
	}
}

func TestTheSameFlagsGiveTheSameBytes(t *testing.T) {
	a, b, c := hash(t, corpus(t)), hash(t, corpus(t)), hash(t, corpus(t, "-seed", "2"))
	if a != b {
		t.Error("two runs differ")
	}
	if a == c {
		t.Error("two seeds give the same")
	}
}

func hash(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		fmt.Fprintf(h, "%s %d\n%s", path, len(data), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestTheRotatedSetHoldsTheSameLines(t *testing.T) {
	dir := corpus(t, "-rotated")
	whole, err := os.ReadFile(filepath.Join(dir, "messages"))
	if err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "rotated", "messages-*.gz"))
	if len(names) != 6 {
		t.Fatalf("%d compressed days, want 6", len(names))
	}
	slices.Sort(names)
	var parts []byte
	for _, name := range append(names, filepath.Join(dir, "rotated", "messages")) {
		parts = append(parts, unpack(t, name)...)
	}
	if !bytes.Equal(whole, parts) {
		t.Errorf("%d bytes in the log, %d in the rotated set, or others", len(whole), len(parts))
	}
}

func unpack(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for sentence, flags := range map[string][]string{
		"no folder":             {},
		"a size that is no one": {"-o", "x", "-size", "1t"},
		"a size below one":      {"-o", "x", "-size", "0"},
		"an unknown format":     {"-o", "x", "-format", "iso"},
		"an end that is no day": {"-o", "x", "-end", "soon"},
	} {
		if _, err := parse(flags); err == nil {
			t.Errorf("%s: accepted", sentence)
		}
	}
}
