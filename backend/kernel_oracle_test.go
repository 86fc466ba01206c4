//go:build linux

package backend_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

// kernelOracle reads the log's files by itself, and knows nothing of how the
// program does.
type kernelOracle struct {
	path string
	out  string // the interface that this run's lines name
	zone *time.Location
	// written are all files that the log ever was, held open: what rsyslogd
	// wrote to one after its rotation, even after gzip had read it, is there.
	written []*os.File
}

// kernelLine is what a line says.
type kernelLine struct {
	text, rule   string
	when         time.Time
	src, dst     netip.Addr
	sport, dport uint16
	hasUID       bool
	uid          uint32
}

// hold opens the file that the log is now.
func (o *kernelOracle) hold(t *testing.T) {
	t.Helper()
	f, err := os.Open(o.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	o.written = append(o.written, f)
}

// now gives the lines of the file that the log is now.
func (o *kernelOracle) now(t *testing.T) []kernelLine {
	t.Helper()
	return o.lines(t, o.content(t, o.written[len(o.written)-1]))
}

// may gives all lines that were ever written, in their order.
func (o *kernelOracle) may(t *testing.T) (all []kernelLine) {
	t.Helper()
	for _, f := range o.written {
		all = append(all, o.lines(t, o.content(t, f))...)
	}
	return all
}

// must gives the lines that the log and its rotations hold on disk: all that
// were written, but for what came to a file while gzip was at it.
func (o *kernelOracle) must(t *testing.T) (all []kernelLine, compressed int) {
	t.Helper()
	names, err := filepath.Glob(o.path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		data := o.content(t, f)
		if strings.HasSuffix(name, ".gz") {
			compressed++
			data = kernelUnzip(t, data)
		}
		all = append(all, o.lines(t, data)...)
		_ = f.Close()
	}
	if len(names) != len(o.written) {
		t.Fatalf("%d files after %d rotations: %v", len(names), len(o.written)-1, names)
	}
	return all, compressed
}

func (o *kernelOracle) content(t *testing.T, f *os.File) []byte {
	t.Helper()
	data, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func kernelUnzip(t *testing.T, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// kernelLineForm is naive and strict: one form of one line.
var kernelLineForm = regexp.MustCompile(`^(?:([A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8})|([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+[+-][0-9]{2}:[0-9]{2})) ` +
	`\S+ kernel: (?:\[ *[0-9]+\.[0-9]{6}\] )?CSF-OUTBOUND:(22|21|80:443|other):=:IN= OUT=(\S+) SRC=(\S+) DST=(\S+) LEN=[^=]+=.* ` +
	`PROTO=TCP SPT=([0-9]+) DPT=([0-9]+) WINDOW=[0-9]+ RES=0x00 (?:[A-Z]{3} )+URGP=0 (?:UID=([0-9]+) GID=[0-9]+ )?$`)

// lines gives this run's lines. Each line that names its interface must have
// the form.
func (o *kernelOracle) lines(t *testing.T, data []byte) (all []kernelLine) {
	t.Helper()
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	for text := range strings.Lines(string(whole)) {
		if !strings.Contains(text, "OUT="+o.out+" ") {
			continue
		}
		line, err := o.read(strings.TrimSuffix(text, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	return all
}

func (o *kernelOracle) read(text string) (kernelLine, error) {
	m := kernelLineForm.FindStringSubmatch(text)
	if m == nil {
		return kernelLine{}, fmt.Errorf("no line of the form that the oracle knows: %q", text)
	}
	l := kernelLine{text: text, rule: m[3], src: netip.MustParseAddr(m[5]), dst: netip.MustParseAddr(m[6]), hasUID: m[9] != ""}
	var err error
	number := func(s string, bits int) uint64 {
		n, bad := strconv.ParseUint(s, 10, bits)
		if bad != nil {
			err = bad
		}
		return n
	}
	l.sport, l.dport = uint16(number(m[7], 16)), uint16(number(m[8], 16))
	if l.hasUID {
		l.uid = uint32(number(m[9], 32))
	}
	if err != nil {
		return kernelLine{}, err
	}
	if m[2] != "" {
		l.when, err = time.Parse(time.RFC3339Nano, m[2])
		return l, err
	}
	// The year that brings the stamp nearest to now is meant.
	for _, year := range []int{time.Now().Year(), time.Now().Year() - 1} {
		l.when, err = time.ParseInLocation("2006 Jan _2 15:04:05", fmt.Sprint(year, " ", m[1]), o.zone)
		if err != nil || time.Until(l.when) < time.Hour {
			break
		}
	}
	return l, err
}

// kernelCounts counts lines by their text.
func kernelCounts(lines []kernelLine) map[string]int {
	counts := map[string]int{}
	for _, l := range lines {
		counts[l.text]++
	}
	return counts
}

// kernelDifferences says in what the events found are not the lines: each one
// that is on disk found as often as it is there, none that was never written,
// and each saying what its line says.
func kernelDifferences(must, may []kernelLine, found []outbound.EventDoc) (all []string) {
	byText, ids := map[string]kernelLine{}, map[string]bool{}
	for _, l := range may {
		byText[l.text] = l
	}
	counts := map[string]int{}
	for _, e := range found {
		counts[e.Line]++
		if ids[e.ID] {
			all = append(all, fmt.Sprintf("id %s was given twice, the second time to %q", e.ID, e.Line))
		}
		ids[e.ID] = true
		l, written := byText[e.Line]
		if !written {
			all = append(all, fmt.Sprintf("found, but never written: %q", e.Line))
			continue
		}
		if got, want := kernelSaid(e), l.said(); got != want {
			all = append(all, fmt.Sprintf("%q\n\tsays %s\n\tfound as %s", e.Line, want, got))
		}
	}
	least, most := kernelCounts(must), kernelCounts(may)
	for _, text := range slices.Sorted(maps.Keys(most)) {
		if n := counts[text]; n < least[text] || n > most[text] {
			all = append(all, fmt.Sprintf("found %d times, written %d times: %q", n, most[text], text))
		}
	}
	return all
}

// kernelSaid gives what an event says in the form of kernelLine.said.
func kernelSaid(e outbound.EventDoc) string {
	text := func(s *string) string {
		if s == nil {
			return "null"
		}
		return strconv.Quote(*s)
	}
	uid := "null"
	if e.UID != nil {
		uid = fmt.Sprint(*e.UID)
	}
	return fmt.Sprintf("%s %s %s:%d %s:%d rule=%s uid=%s account=%s user=%s owner=%s attribution=%s witness=%s",
		e.Time.UTC().Format(time.RFC3339Nano), e.Proto, e.Src, e.SrcPort, e.Dst, e.DstPort, e.Rule, uid,
		text(e.Account), text(e.User), text(e.Owner), e.Attribution, e.Witness)
}

// said gives what the line says, by the table of users.
func (l kernelLine) said() string {
	uid, account, user, owner, attribution := "null", "null", "null", "null", "unknown"
	if l.hasUID {
		uid = fmt.Sprint(l.uid)
	}
	for _, u := range kernelUsers {
		if !l.hasUID || u.uid != l.uid || u.name == "" {
			continue
		}
		user, attribution = strconv.Quote(u.name), "assumed"
		if u.owner != "" {
			account, owner, attribution = user, strconv.Quote(u.owner), u.attribution
		}
	}
	return fmt.Sprintf("%s tcp %s:%d %s:%d rule=%s uid=%s account=%s user=%s owner=%s attribution=%s witness=text",
		l.when.UTC().Format(time.RFC3339Nano), l.src, l.sport, l.dst, l.dport, l.rule, uid, account, user, owner, attribution)
}

// TestTheKernelOracleCanFail shows the oracle each fault that it is there for.
func TestTheKernelOracleCanFail(t *testing.T) {
	o := &kernelOracle{out: "eth0", zone: time.UTC}
	const form = "2026-11-05T02:11:03.204417+01:00 web01 kernel: CSF-OUTBOUND:22:=:IN= OUT=eth0 SRC=192.0.2.10 DST=203.0.113.22 " +
		"LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=%d DF PROTO=TCP SPT=51514 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 UID=1043 GID=1043 \n"
	lines := o.lines(t, fmt.Appendf(nil, form+form+form, 1, 2, 2)) // the second has a twin
	alice := func(id string, i int) outbound.EventDoc {
		l := lines[i]
		return outbound.EventDoc{
			ID: id, Time: l.when, Account: new("alice"), User: new("alice"), Owner: new("reseller7"), Attribution: "known", UID: new(uint32(1043)),
			Src: "192.0.2.10", SrcPort: 51514, Dst: "203.0.113.22", DstPort: 22, Proto: "tcp", Rule: "22", Witness: "text", Line: l.text,
		}
	}
	right := func() []outbound.EventDoc { return []outbound.EventDoc{alice("a", 0), alice("b", 1), alice("c", 2)} }
	if all := kernelDifferences(lines, lines, right()); len(all) > 0 {
		t.Fatalf("what is right differs: %q", all)
	}
	for name, spoil := range map[string]func([]outbound.EventDoc) []outbound.EventDoc{
		"a line is lost":           func(f []outbound.EventDoc) []outbound.EventDoc { return f[1:] },
		"a twin is lost":           func(f []outbound.EventDoc) []outbound.EventDoc { return f[:2] },
		"a line is found twice":    func(f []outbound.EventDoc) []outbound.EventDoc { return append(f, alice("d", 0)) },
		"an id is given twice":     func(f []outbound.EventDoc) []outbound.EventDoc { f[1].ID = "a"; return f },
		"the account is another's": func(f []outbound.EventDoc) []outbound.EventDoc { f[0].Account = new("bob"); return f },
		"the account is missing":   func(f []outbound.EventDoc) []outbound.EventDoc { f[0].Account = nil; return f },
		"the UID is another":       func(f []outbound.EventDoc) []outbound.EventDoc { f[0].UID = new(uint32(1044)); return f },
		"the target is another":    func(f []outbound.EventDoc) []outbound.EventDoc { f[0].Dst = "203.0.113.23"; return f },
		"the time is an hour off":  func(f []outbound.EventDoc) []outbound.EventDoc { f[0].Time = f[0].Time.Add(time.Hour); return f },
		"the blank at the end is cut": func(f []outbound.EventDoc) []outbound.EventDoc {
			f[0].Line = strings.TrimSpace(f[0].Line)
			return f
		},
	} {
		if len(kernelDifferences(lines, lines, spoil(right()))) == 0 {
			t.Errorf("%s, and the oracle does not see it", name)
		}
	}
	if _, err := o.read(lines[0].text[:100]); err == nil {
		t.Error("the oracle reads a line that was cut")
	}
}
