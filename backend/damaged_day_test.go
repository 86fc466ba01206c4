package backend_test

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/outbound"
)

// newestDay gives the day file that was written to last.
func newestDay(t *testing.T, dir string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "var/lib/outboundmonitor/events/*.db"))
	if err != nil || len(all) == 0 {
		t.Fatalf("day files %v, %v", all, err)
	}
	slices.Sort(all)
	return all[len(all)-1]
}

// TestADamagedNewestDayComesBackFromTheLog damages the newest day file while no
// daemon runs, and under a daemon: what the log still holds is stored again,
// and recording goes on.
func TestADamagedNewestDayComesBackFromTheLog(t *testing.T) {
	for name, running := range map[string]bool{"while no daemon runs": false, "under the daemon": true} {
		t.Run(name, func(t *testing.T) {
			c := newCrashes(t, crashRun(t))
			c.w.now = time.Now().UTC().Add(-20 * time.Second)
			if c.w.now.Day() != time.Now().UTC().Day() {
				t.Skip("the day has just begun: the lines would fall on two")
			}
			c.oneDay(6000)
			c.checkpoint(t, nil)
			if !running {
				spoil(t, newestDay(t, c.dir))
			}
			p := startDaemon(t, c.dir)
			cl := p.dial(t, c.dir)
			if running {
				p.caughtUp(t, cl)
				spoil(t, newestDay(t, c.dir))
				var doc outbound.SearchDoc
				if err := cl.Get(t.Context(), "/api/v1/events", url.Values{"port": {"9"}, "since": {"-30d"}}, &doc); err == nil || !strings.Contains(err.Error(), "set aside") {
					t.Fatalf("the question that meets the damage is answered with %v", err)
				}
			}
			c.oneDay(300)
			p.status(t, cl, 20*time.Second, func(s outbound.StatusDoc) bool {
				return s.Recording && len(s.Disk.SetAside) == 1 && s.Events == c.w.model.lines.total()
			})
			if d := c.w.model.compare(t, stored(t, cl)); d.lost+d.twice > 0 {
				t.Errorf("after the damage: %v\n%s", d, p.said())
			}
			damagedGap(t, cl)
			if n := strings.Count(p.said(), "damaged and was set aside"); n != 1 {
				t.Errorf("the damage was said %d times:\n%s", n, p.said())
			}
			p.stop(t)
		})
	}
}

// oneDay writes n lines of one day.
func (c *crashes) oneDay(n int) {
	var text strings.Builder
	for range n {
		c.w.now = c.w.now.Add(time.Millisecond)
		line := c.w.stamped(c.w.now)
		c.w.model.add(line)
		text.WriteString(line + "\n")
	}
	c.w.put(text.String())
}

// spoil overwrites all pages of a file but the first two, in place.
func spoil(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(2 * 4096); at < fi.Size(); at += 4096 {
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 4096), at); err != nil {
			t.Fatal(err)
		}
	}
}

// damagedGap wants the gap in the coverage of an answer.
func damagedGap(t *testing.T, cl *client.Client) {
	t.Helper()
	var doc outbound.SearchDoc
	if err := cl.Get(t.Context(), "/api/v1/events", url.Values{"since": {"-30d"}}, &doc); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(doc.Coverage.Gaps, func(g outbound.Gap) bool { return g.Reason == outbound.Damaged }) {
		t.Errorf("the gaps are %v, want one that is damaged", doc.Coverage.Gaps)
	}
}
