package backend_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/bits"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/config"
	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/daemon"
	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/web"
	whmplugin "outboundmonitor/whm-plugin"
)

var (
	isolationSeed = flag.Uint64("isolation.seed", uint64(time.Now().UnixNano()), "seed of the requests that resellers make")
	isolationAsks = flag.Int("isolation.requests", 2000, "how many requests resellers make")
)

// today is when the hosts of these tests are asked.
var today = time.Date(2026, 11, 5, 13, 20, 40, 0, time.UTC)

// world is a made-up host and the daemon that runs on it.
type world struct {
	root  hostfs.Root
	rt    http.RoundTripper
	story demo.Story
}

// answer is what came back, with the cursor that continues it.
type answer struct {
	status int
	header http.Header
	body   string
	cursor string
}

var notifications atomic.Int64

// start runs the daemon on a host until the test ends, and waits until it says
// that it answers.
func start(t *testing.T, root hostfs.Root) http.RoundTripper {
	t.Helper()
	name := fmt.Sprintf("outboundmonitor-isolation-%d-%d", os.Getpid(), notifications.Add(1))
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "\x00" + name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	t.Setenv("NOTIFY_SOCKET", "@"+name)
	cfg := config.Default()
	cfg.Log.Path = demo.LogPath
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{
			Root: root, Config: cfg, Version: "1", Plugin: whmplugin.Files, Logger: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return today },
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	if _, err := notify.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	rt, err := client.Dial(root)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// ask sends one request as a viewer, by the way that WHM takes.
func (w *world) ask(t *testing.T, viewer, method, target string, body io.Reader) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://outboundmonitor"+target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(web.ViewerHeader, viewer)
	r.Header.Set(web.ViaHeader, web.ViaCGI)
	if viewer == "root" {
		r.Header.Set(web.ViaHeader, web.ViaCLI)
	}
	resp, err := w.rt.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", viewer, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", viewer, target, err)
	}
	resp.Header.Del("Date")
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	for _, m := range cursorIn.FindAllStringSubmatch(a.body, -1) {
		if given := m[1] + m[2]; !strings.Contains(target, given) {
			a.cursor = given
		}
	}
	return a
}

// cursorIn finds the cursor that an answer gives: it is sealed, so that it
// differs where what lies between two events differs.
var cursorIn = regexp.MustCompile(`"(?:next|after)":"([A-Za-z0-9_-]{40,})"|[?&;]cursor=([A-Za-z0-9_-]{40,})`)

// comparable gives all of an answer but cursors, asked and given.
func (a answer) comparable(asked string) string {
	body := a.body
	if asked != "" {
		body = strings.ReplaceAll(body, asked, "ASKED")
	}
	if a.cursor != "" {
		body = strings.ReplaceAll(body, a.cursor, "CURSOR")
	}
	a.header.Del("Content-Length")
	return fmt.Sprintf("%d %v\n%s", a.status, a.header, body)
}

// takeIn imports the rotated logs, as root does.
func (w *world) takeIn(t *testing.T, logs [][]byte) {
	t.Helper()
	for i, log := range logs {
		a := w.ask(t, "root", "POST", "/api/v1/import?first_year=2026&name="+strconv.Itoa(i), bytes.NewReader(log))
		if a.status != http.StatusOK {
			t.Fatalf("import: %d %s", a.status, a.body)
		}
	}
}

// made lays a host whose week lies in its logs, and gives these, oldest first;
// the log itself is empty. The register of accounts is that of a program that
// runs since before.
func made(t *testing.T) (hostfs.Root, demo.Story, [][]byte) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "host")
	look := func(at time.Time) error {
		root, err := hostfs.At(dir)
		if err != nil {
			return err
		}
		book, err := cpanel.NewBook(cpanel.Options{Root: root, Register: "/var/lib/outboundmonitor/accounts.json", Now: func() time.Time { return at }})
		if err != nil {
			return err
		}
		_, err = book.Current()
		return err
	}
	story, err := demo.Make(dir, demo.Options{Seed: 3, Now: today, Events: 30_000, AsItWas: look})
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, demo.LogPath) + "-*")
	if err != nil || len(names) != 3 {
		t.Fatalf("rotated logs: %v, %v", names, err)
	}
	var logs [][]byte
	for _, name := range append(names, filepath.Join(dir, demo.LogPath)) {
		f, err := daemon.OpenLog(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		logs = append(logs, text)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, demo.LogPath), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root, story, logs
}

// beside lays a copy of a host that was never started, with its own store, the
// same key and the same register of accounts.
func beside(t *testing.T, from hostfs.Root) hostfs.Root {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "host")
	err := filepath.WalkDir(from.Path("/"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from.Path("/"), path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case d.IsDir() && (rel == "run" || rel == "var/lib/outboundmonitor/events"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, to)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// ours finds a line that the kernel wrote, with its stamp and UID.
var ours = regexp.MustCompile(`^(\w{3} [ \d]\d \d\d:\d\d:\d\d) \S+ kernel: \[.*CSF-OUTBOUND:.* UID=(\d+) `)

// estate is what belongs to a reseller, by the host's files and the story.
type estate struct {
	uids  map[string]bool
	moved demo.Change
	zone  *time.Location
	owner string
}

// estateOf reads what the host's files say of a reseller.
func estateOf(t *testing.T, root hostfs.Root, story *demo.Story, reseller string) estate {
	t.Helper()
	e := estate{uids: map[string]bool{}, moved: story.Moved, zone: story.Zone, owner: reseller}
	read := func(name string) string {
		data, err := root.ReadFile(name, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	passwd := read("/etc/passwd")
	for line := range strings.Lines(read("/etc/trueuserowners")) {
		name, owner, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if owner != reseller && name != reseller {
			continue
		}
		m := regexp.MustCompile(`(?m)^` + name + `:x:(\d+):`).FindStringSubmatch(passwd)
		if m == nil {
			t.Fatalf("%s is not in passwd", name)
		}
		e.uids[m[1]] = true
	}
	if len(e.uids) < 5 {
		t.Fatalf("%s owns %d accounts: too few to prove anything", reseller, len(e.uids))
	}
	return e
}

// holds reports whether a line is the reseller's.
func (e estate) holds(line string) bool {
	m := ours.FindStringSubmatch(line)
	if m == nil || !e.uids[m[2]] {
		return false
	}
	if m[2] != strconv.Itoa(int(e.moved.UID)) {
		return true
	}
	at, err := time.ParseInLocation("2006 Jan _2 15:04:05", "2026 "+m[1], e.zone)
	return err == nil && !at.Before(e.moved.At)
}

// of gives the log's lines that are the reseller's.
func (e estate) of(log []byte) []byte {
	var kept bytes.Buffer
	for line := range strings.Lines(string(log)) {
		if e.holds(line) {
			kept.WriteString(line)
		}
	}
	return kept.Bytes()
}

// TestResellersLearnNothingOfOthers asks two hosts the same: one with
// everybody's week, one on which the others never connected anywhere. What a
// reseller is told must be the same to the byte.
func TestResellersLearnNothingOfOthers(t *testing.T) {
	t.Logf("-isolation.seed=%d", *isolationSeed)
	root, story, logs := made(t)
	full := &world{root: root, rt: start(t, root), story: story}
	// The register and the key come into being with the first question.
	full.ask(t, "root", "GET", "/api/v1/status", nil)
	hosts := map[string]hostfs.Root{}
	for _, reseller := range story.Resellers {
		hosts[string(reseller)] = beside(t, root)
	}
	full.takeIn(t, logs)
	var pairs []*pair
	for i, reseller := range story.Resellers {
		e := estateOf(t, root, &story, string(reseller))
		alone := &world{root: hosts[string(reseller)], story: story}
		alone.rt = start(t, alone.root)
		var own [][]byte
		for _, log := range logs {
			own = append(own, e.of(log))
		}
		alone.takeIn(t, own)
		p := &pair{full: full, alone: alone, viewer: string(reseller), estate: e}
		p.pool = newPool(rand.New(rand.NewPCG(*isolationSeed, uint64(i))), &story, logs, e)
		pairs = append(pairs, p)
	}
	asks := *isolationAsks
	if testing.Short() {
		asks /= 5
	}
	for _, p := range pairs {
		p.compareAll(t, asks/len(pairs))
		p.sealed(t)
	}
	p := pairs[int(*isolationSeed%uint64(len(pairs)))]
	p.watch(t)
}

// pair is the two hosts that a reseller asks.
type pair struct {
	full, alone *world
	viewer      string
	estate      estate
	pool        *pool
	// found counts answers that held events of the reseller's.
	found, paged int
}

// cursors are those that the two hosts gave for the same question.
type cursors struct{ full, alone string }

// compareAll makes n requests, those that follow a cursor included.
func (p *pair) compareAll(t *testing.T, n int) {
	for made := 0; made < n && !t.Failed(); {
		path, q := p.pool.request()
		given := p.compare(t, path, q, cursors{})
		made++
		for given.full != "" && p.pool.r.IntN(4) > 0 && !t.Failed() {
			next := given
			if p.pool.r.IntN(8) == 0 {
				next = cursors{mutate(p.pool.r, given.full), mutate(p.pool.r, given.alone)}
			}
			given = p.compare(t, path, q, next)
			p.paged++
			made++
		}
	}
	if p.found < n/10 || p.paged < n/10 {
		t.Errorf("of %d requests %d found events and %d followed a cursor: too few to prove anything", n, p.found, p.paged)
	}
}

// compare asks both and gives the cursors that they answered.
func (p *pair) compare(t *testing.T, path string, q url.Values, at cursors) cursors {
	t.Helper()
	name := "cursor"
	if path == "/api/v1/live" {
		name = "after"
	}
	target := func(cursor string) string {
		q.Del(name)
		if cursor != "" {
			q.Set(name, cursor)
		}
		return path + "?" + q.Encode()
	}
	a := p.full.ask(t, p.viewer, "GET", target(at.full), nil)
	b := p.alone.ask(t, p.viewer, "GET", target(at.alone), nil)
	if got, want := a.comparable(at.full), b.comparable(at.alone); got != want {
		from := 0
		for from < min(len(got), len(want)) && got[from] == want[from] {
			from++
		}
		from = max(0, from-200)
		t.Errorf("%s as %s: with the others there:\n%.600s\nwithout:\n%.600s", target(at.full), p.viewer, got[from:], want[min(from, len(want)):])
	}
	if strings.Contains(b.body, `"line"`) {
		p.found++
	}
	return cursors{a.cursor, b.cursor}
}

// sealed walks through all that is the reseller's: nothing of a cursor may
// follow from the one before, as a number of a row would.
func (p *pair) sealed(t *testing.T) {
	for path, name := range map[string]string{"/api/v1/events?limit=1": "&cursor=", "/api/v1/live?limit=1": "&after="} {
		var last []byte
		same, of := 0, 0
		cursor := ""
		for range 40 {
			target := path
			if cursor != "" {
				target += name + cursor
			}
			ans := p.full.ask(t, p.viewer, "GET", target, nil)
			if cursor != "" && strings.Contains(ans.body, cursor) {
				break // at the same place it is the same: that tells nothing
			}
			cursor = ans.cursor
			raw, err := base64.RawURLEncoding.DecodeString(cursor)
			if err != nil || len(raw) < 20 {
				t.Fatalf("%s: cursor %q, %v", target, cursor, err)
			}
			for i := range min(len(last), len(raw)) {
				same += 8 - bits.OnesCount8(last[i]^raw[i])
				of += 8
			}
			last = raw
		}
		if share := float64(same) / float64(of); share > 0.55 {
			t.Errorf("%s: %.0f %% of a cursor's bits are those of the one before, want half", path, 100*share)
		}
	}
}

// watch follows both hosts while everybody connects on one and the reseller's
// accounts alone on the other.
func (p *pair) watch(t *testing.T) {
	at := cursors{
		p.full.ask(t, p.viewer, "GET", "/api/v1/live", nil).cursor,
		p.alone.ask(t, p.viewer, "GET", "/api/v1/live", nil).cursor,
	}
	var all bytes.Buffer
	for i, line := range p.pool.lines[:400] {
		line = regexp.MustCompile(`SPT=\d+`).ReplaceAllString(line, fmt.Sprintf("SPT=%d", 20_000+i))
		all.WriteString(today.In(p.estate.zone).Format(time.Stamp) + line[len(time.Stamp):])
	}
	own := p.estate.of(all.Bytes())
	if n := bytes.Count(own, []byte("\n")); n < 10 || n > 390 {
		t.Fatalf("%d of 400 lines are the reseller's: too few or too many to prove anything", n)
	}
	p.full.grow(t, all.Bytes())
	p.alone.grow(t, own)
	given := p.compare(t, "/api/v1/live", url.Values{"limit": {"5"}}, at)
	p.compare(t, "/api/v1/live", url.Values{"limit": {"1000"}}, given)
	p.compare(t, "/api/v1/live", url.Values{"dst": {"0.0.0.0/0"}, "limit": {"1000"}}, at)
	p.compare(t, "/api/v1/events", url.Values{"since": {"-1m"}}, cursors{})
}

// grow appends to the log and waits until root is told of the last line.
func (w *world) grow(t *testing.T, lines []byte) {
	t.Helper()
	after := w.ask(t, "root", "GET", "/api/v1/live", nil).cursor
	f, err := os.OpenFile(w.root.Path(demo.LogPath), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(lines); err != nil {
		t.Fatal(err)
	}
	for seen, n := 0, bytes.Count(lines, []byte("\n")); seen < n; {
		a := w.ask(t, "root", "GET", "/api/v1/live?wait=60s&limit=1000&after="+after, nil)
		if got := strings.Count(a.body, `"line":`); got > 0 {
			seen += got
		} else {
			t.Fatalf("root was told of %d of %d lines: %s", seen, n, a.body)
		}
		after = a.cursor
	}
}

func mutate(r *rand.Rand, cursor string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := []byte(cursor)
	i := r.IntN(len(b))
	b[i] = alphabet[(strings.IndexByte(alphabet, b[i])+1+r.IntN(63))%64]
	return string(b)
}

// TestTheComparisonCanFail asks as root, who is told of everybody.
func TestTheComparisonCanFail(t *testing.T) {
	root, story, logs := made(t)
	full := &world{root: root, rt: start(t, root), story: story}
	full.ask(t, "root", "GET", "/api/v1/status", nil)
	other := beside(t, root)
	alone := &world{root: other, rt: start(t, other), story: story}
	e := estateOf(t, root, &story, string(story.Resellers[0]))
	full.takeIn(t, logs[:1])
	alone.takeIn(t, [][]byte{e.of(logs[0])})
	for _, target := range []string{"/api/v1/events", "/api/v1/top?of=targets", "/api/v1/accounts", "/api/v1/summary?day=2026-10-30", "/", "/search"} {
		a, b := full.ask(t, "root", "GET", target, nil), alone.ask(t, "root", "GET", target, nil)
		if a.comparable("") == b.comparable("") {
			t.Errorf("%s: root is told the same of two hosts that differ", target)
		}
	}
	outsiders(t, full)
}

// outsiders asks everything as those who may not, each of whom gets the answer
// of a name that nobody has.
func outsiders(t *testing.T, w *world) {
	pool := newPool(rand.New(rand.NewPCG(*isolationSeed, 9)), &w.story, nil, estate{})
	for range 300 {
		path, q := pool.request()
		want := w.ask(t, "nosuchuser", "GET", path+"?"+q.Encode(), nil)
		if want.status != http.StatusForbidden {
			t.Errorf("%s?%s: an unknown name got %d", path, q.Encode(), want.status)
		}
		for _, viewer := range []string{"fotoclub", "nobody", "Root", string(w.story.Removed.Name)} {
			if a := w.ask(t, viewer, "GET", path+"?"+q.Encode(), nil); a.comparable("") != want.comparable("") {
				t.Errorf("%s?%s as %s: %.300s\nwant %.300s", path, q.Encode(), viewer, a.comparable(""), want.comparable(""))
			}
		}
	}
	for _, viewer := range []string{"root\n", " root", "ro ot", "../root", ""} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://outboundmonitor/api/v1/events", nil)
		r.Header[web.ViewerHeader] = []string{viewer}
		r.Header.Set(web.ViaHeader, web.ViaCGI)
		resp, err := w.rt.RoundTrip(r)
		if err != nil {
			continue // not a header at all
		}
		text, _ := bufio.NewReader(resp.Body).ReadString('\n')
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden && strings.TrimSpace(viewer) != "root" {
			t.Errorf("%q: %d %s", viewer, resp.StatusCode, text)
		}
	}
}

// pool is what requests are made of.
type pool struct {
	r     *rand.Rand
	lines []string
	// values are what a parameter can be, by its name.
	values map[string][]string
}

// newPool gathers values that are somebody's, the reseller's or nobody's.
func newPool(r *rand.Rand, story *demo.Story, logs [][]byte, e estate) *pool {
	p := &pool{r: r, values: map[string][]string{
		"account":  {"fotoclub", "kiosk", "harbor", "atelier", "tinashop", "oldforum", "northhost", "brightweb", "nobody", "root", "nosuchuser", "vintage", "petfoods"},
		"dst":      {"0.0.0.0/0", "::/0", "198.51.100.0/24", "203.0.113.0/25", "2001:db8::/32", "192.0.2.99", "198.19.212.7", story.Ask.String(), story.Shared.String()},
		"src":      {demo.Server, demo.Server6, "192.0.2.0/24", "192.0.2.77"},
		"uid":      {"0", "65534", "47", "1001", "1002", "1003", "1007", "1041", "60000", "4294967295"},
		"port":     {"22", "21", "80", "443", "25"},
		"sport":    {"33000", "40000", "50000"},
		"rule":     {"22", "21", "80:443", "other"},
		"since":    {"-1h", "-1d", "-3d", "-6d", "-30d", "2026-10-30", story.Moved.At.UTC().Format(time.RFC3339)},
		"until":    {"-30m", "now", "-2d", "2026-11-02", story.Moved.At.UTC().Format(time.RFC3339)},
		"limit":    {"1", "2", "3", "7", "20", "100"},
		"tz":       {"UTC", "Europe/Berlin", "America/New_York", "Mars"},
		"group_by": {"account", "dst", "port", "hour"}, "format": {"jsonl", "csv", "json"},
		"of": {"accounts", "targets"}, "day": {"2026-10-30", "2026-11-02", "2026-11-03", "2026-11-05", "2026-12-01"},
		"at": {"-1h", "-17h", "-2d", "-3d"}, "window": {"30s", "5m", "2h", "7d"}, "wait": {"1s"}, "order": {"oldest"}, "days": {"1", "7"},
	}}
	for _, log := range logs {
		for line := range strings.Lines(string(log)) {
			if ours.MatchString(line) && r.IntN(40) == 0 {
				p.lines = append(p.lines, line)
			}
		}
	}
	r.Shuffle(len(p.lines), func(i, j int) { p.lines[i], p.lines[j] = p.lines[j], p.lines[i] })
	field := regexp.MustCompile(`DST=(\S+).* SPT=(\d+).* UID=(\d+)`)
	own := 0
	for i, line := range p.lines {
		mine := e.holds(line)
		if m := field.FindStringSubmatch(line); m != nil && (i < 40 || mine && own < 40) {
			p.values["dst"] = append(p.values["dst"], m[1])
			p.values["sport"] = append(p.values["sport"], m[2])
			p.values["uid"] = append(p.values["uid"], m[3])
			p.values["at"] = append(p.values["at"], line[:len(time.Stamp)])
			if mine {
				own++
			}
		}
	}
	p.values["address"], p.values["name"], p.values["q"] = p.values["dst"], p.values["account"], append(p.values["dst"], p.values["account"]...)
	return p
}

// routes lists what a reseller can ask, with the parameters of each, the
// likely ones twice.
var routes = map[string][]string{
	"/api/v1/events":   {"dst", "src", "account", "uid", "port", "sport", "rule", "since", "until", "limit", "limit", "tz", "group_by", "format"},
	"/api/v1/who":      {"address", "address", "at", "at", "window", "src", "sport", "port", "limit", "limit", "tz"},
	"/api/v1/top":      {"of", "of", "since", "until", "limit", "tz"},
	"/api/v1/account":  {"name", "name", "name", "since", "until", "tz"},
	"/api/v1/accounts": {"since", "until", "tz"},
	"/api/v1/summary":  {"day", "day", "tz"},
	"/api/v1/live":     {"dst", "account", "uid", "limit", "wait"},
	"/api/v1/status":   {"tz"},
	"/api/v1/findings": {"account"},
	"/":                {"q", "at", "window", "since", "until", "tz", "days"},
	"/search":          {"dst", "src", "account", "uid", "port", "sport", "rule", "since", "until", "limit", "limit", "tz", "group_by", "order"},
	"/account":         {"name", "name", "since", "until", "tz", "days"},
	"/health":          {"tz"},
}

// weights are the routes as often as they are asked.
var weights = []string{
	"/api/v1/events", "/api/v1/events", "/api/v1/events", "/api/v1/events", "/api/v1/events", "/api/v1/who", "/api/v1/who", "/api/v1/top",
	"/api/v1/account", "/api/v1/accounts", "/api/v1/summary", "/api/v1/live", "/api/v1/status", "/api/v1/findings", "/", "/", "/search", "/search", "/search", "/account", "/health",
}

// request gives one request at random. Most have few parameters, so that most
// find something.
func (p *pool) request() (string, url.Values) {
	path := weights[p.r.IntN(len(weights))]
	q := url.Values{}
	for range p.r.IntN(4) {
		name := routes[path][p.r.IntN(len(routes[path]))]
		q.Set(name, p.values[name][p.r.IntN(len(p.values[name]))])
	}
	need := map[string]string{"/api/v1/who": "address", "/api/v1/account": "name", "/account": "name"}[path]
	if need != "" && p.r.IntN(10) > 0 {
		q.Set(need, p.values[need][p.r.IntN(len(p.values[need]))])
	}
	return path, q
}
