package backend_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/web"
)

var (
	isolationSeed = flag.Uint64("isolation.seed", uint64(time.Now().UnixNano()), "seed of the requests that resellers make")
	isolationAsks = flag.Int("isolation.requests", 2000, "how many requests resellers make")
)

// today is when the hosts of these tests are asked.
var today = time.Date(2026, 11, 5, 13, 20, 40, 0, time.UTC)

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
