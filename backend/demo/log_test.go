package demo_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/outbound"
)

// strict is one of our lines as the kernel and rsyslog write it.
var strict = regexp.MustCompile(`^([A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8}) web01 kernel: \[ *([0-9]+)\.([0-9]{6})\] CSF-OUTBOUND:(22|21|80:443):=:IN= OUT=eth0 ` +
	`(?:SRC=(192\.0\.2\.10) DST=([0-9.]+) LEN=(?:60|52) TOS=0x00 PREC=0x00 TTL=64 ID=[0-9]+ DF|` +
	`SRC=(2001:0db8:0010:0000:0000:0000:0000:0010) DST=(2001:0db8(?::[0-9a-f]{4}){6}) LEN=(?:80|72) TC=0 HOPLIMIT=64 FLOWLBL=[0-9]+) ` +
	`PROTO=TCP SPT=([0-9]+) DPT=([0-9]+) WINDOW=[0-9]+ RES=0x00 (?:SYN URGP=0 UID=([0-9]+) GID=([0-9]+) |ACK FIN URGP=0 )$`)

// seen is one event as an independent reader sees it.
type seen struct {
	at     time.Time
	micros int64 // since boot
	uid    outbound.UID
	dst    netip.Addr
	port   uint16
	label  string
}

// parse reads a line, and reports false if it is none of ours.
func parse(line string, zone *time.Location) (seen, bool) {
	m := strict.FindStringSubmatch(line)
	if m == nil {
		return seen{}, false
	}
	at, err := time.ParseInLocation("2006 "+time.Stamp, "2026 "+m[1], zone)
	if err != nil {
		return seen{}, false
	}
	up, _ := strconv.ParseInt(m[2]+m[3], 10, 64)
	port, _ := strconv.Atoi(m[10])
	s := seen{at: at, micros: up, uid: outbound.NoUID, dst: netip.MustParseAddr(m[6] + m[8]), port: uint16(port), label: m[4]}
	if m[11] != "" {
		uid, _ := strconv.Atoi(m[11])
		s.uid = outbound.UID(uid)
	}
	return s, true
}

// lines gives the lines of the whole log, oldest first.
func lines(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "var/log/messages-*"))
	if err != nil || len(names) != 3 {
		t.Fatalf("rotations: %v (%v), want 3", names, err)
	}
	slices.Sort(names)
	var all []string
	for _, name := range append(names, filepath.Join(dir, demo.LogPath)) {
		all = append(all, readLog(t, name)...)
	}
	return all
}

// readLog gives the lines of one file.
func readLog(t *testing.T, name string) []string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for sc := bufio.NewScanner(r); sc.Scan(); {
		all = append(all, sc.Text())
	}
	return all
}

func TestEachLineIsOursOrNoise(t *testing.T) {
	dir, s := make1(t, demo.Options{Seed: 3, Now: now})
	all := lines(t, dir)
	ours, forged, six := 0, 0, 0
	last := seen{at: now.AddDate(0, 0, -7).Truncate(time.Minute)}
	var boot time.Duration
	for _, line := range all {
		e, ok := parse(line, s.Zone)
		if !ok {
			forged += strings.Count(line, "CSF-OUTBOUND:") // in a line that is no record
			continue
		}
		ours++
		if e.dst.Is6() {
			six++
		}
		if e.at.Before(last.at) || e.micros <= last.micros || e.at.After(now) {
			t.Fatalf("seed 3: time runs backwards, stands, or leads: %s", line)
		}
		b := time.Duration(e.at.UnixMicro()-e.micros) * time.Microsecond
		if boot != 0 && (b-boot).Abs() > time.Second {
			t.Fatalf("seed 3: uptime and clock disagree: %s", line)
		}
		if boot == 0 {
			boot = b
		}
		if demo.Label(e.port) != e.label {
			t.Fatalf("seed 3: wrong label: %s", line)
		}
		last = e
	}
	if ours != s.Events || len(all) != s.Lines {
		t.Errorf("seed 3: %d events in %d lines, the story says %d in %d", ours, len(all), s.Events, s.Lines)
	}
	if ours < 60_000 || ours > 120_000 {
		t.Errorf("seed 3: %d events", ours)
	}
	if forged == 0 || six < 1_000 {
		t.Errorf("seed 3: %d forged lines, %d events over IPv6", forged, six)
	}
}

func TestEachAttackIsInTheLog(t *testing.T) {
	dir, s := make1(t, demo.Options{Seed: 4, Now: now})
	all := lines(t, dir)
	for _, a := range s.Attacks {
		hosts := map[netip.Addr]bool{}
		n := 0
		for _, line := range all {
			e, ok := parse(line, s.Zone)
			if !ok || e.uid != a.UID || e.port != a.Port || !slices.Contains(a.Targets, e.dst) {
				continue
			}
			n++
			hosts[e.dst] = true
			if e.at.Before(a.From.Truncate(time.Second)) || e.at.After(a.To) {
				t.Errorf("seed 4: %s by %s: outside of its time: %s", a.Kind, a.Account, line)
			}
		}
		if n != a.Count || len(hosts) != len(a.Targets) {
			t.Errorf("seed 4: %s by %s: %d events on %d hosts, want %d on %d", a.Kind, a.Account, n, len(hosts), a.Count, len(a.Targets))
		}
	}
}

func TestNobodyConnectsWhoDoesNotExist(t *testing.T) {
	dir, s := make1(t, demo.Options{Seed: 5, Now: now})
	passwd := "\n" + read(t, dir, "/etc/passwd")
	uids := map[outbound.UID]int{}
	asked := map[outbound.UID]int{}
	shared := map[outbound.UID]int{}
	for _, line := range lines(t, dir) {
		e, ok := parse(line, s.Zone)
		if !ok || e.uid == outbound.NoUID {
			continue
		}
		uids[e.uid]++
		if e.uid == s.Removed.UID && e.at.After(s.Removed.At) {
			t.Fatalf("seed 5: the removed account still connects: %s", line)
		}
		if e.dst == s.Ask {
			asked[e.uid]++
		}
		if e.dst == s.Shared {
			shared[e.uid]++
		}
	}
	for uid := range uids {
		if uid != s.Removed.UID && !strings.Contains(passwd, fmt.Sprintf(":x:%d:", uid)) {
			t.Errorf("seed 5: UID %d is not in /etc/passwd", uid)
		}
	}
	if uids[s.Removed.UID] == 0 || len(uids) < 42 {
		t.Errorf("seed 5: %d users connect", len(uids))
	}
	if len(asked) != 1 || len(shared) < 35 {
		t.Errorf("seed 5: %d accounts at the address to ask about, %d at the shared one", len(asked), len(shared))
	}
}

// A reader infers the year of a stamp from the file's time, so the last line
// of a file must not be younger than the file, nor much older.
func TestEachFileIsAsOldAsItsLastLine(t *testing.T) {
	newYear := time.Date(2027, 1, 2, 0, 30, 0, 0, time.UTC)
	dir, s := make1(t, demo.Options{Seed: 9, Now: newYear, Events: 30_000})
	names, err := filepath.Glob(filepath.Join(dir, "var/log/messages*"))
	if err != nil || len(names) != 4 {
		t.Fatalf("%v (%v), want 4 files", names, err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		mod := info.ModTime().In(s.Zone)
		all := readLog(t, name)
		stamp := all[len(all)-1][:len(time.Stamp)]
		last, err := time.ParseInLocation("2006 "+time.Stamp, fmt.Sprintf("%d %s", mod.Year(), stamp), s.Zone)
		if err != nil || last.After(mod) || mod.Sub(last) > 5*time.Minute {
			t.Errorf("seed 9: %s is of %s, its last line of %s (%v)", filepath.Base(name), mod, last, err)
		}
	}
}

func TestWhatToTryNamesWhatIsThere(t *testing.T) {
	dir, s := make1(t, demo.Options{Seed: 10, Now: now, Events: 30_000})
	log := strings.Join(lines(t, dir), "\n")
	for _, try := range s.Tries() {
		if try.Shows == "" {
			t.Errorf("%q shows nothing", try.Command)
		}
		if rest, ok := strings.CutPrefix(try.Command, "who "); ok {
			if address := strings.Fields(rest)[0]; !strings.Contains(log, " DST="+address+" ") {
				t.Errorf("%q asks for what is not in the log", try.Command)
			}
		}
	}
	if len(s.Tries()) < 5 || !strings.Contains(s.Tries()[0].Command, "--at") {
		t.Errorf("too little to try: %v", s.Tries())
	}
}
