package web_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// growing is a model that events are added to while it is read.
type growing struct {
	*model
	mu sync.Mutex
}

func (g *growing) After(ctx context.Context, s outbound.Scope, q outbound.Query, cursor string) (outbound.Page, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.model.After(ctx, s, q, cursor)
}

func (g *growing) add(e outbound.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, e)
}

func liveOf(t *testing.T, a answer) outbound.LiveDoc {
	t.Helper()
	var doc outbound.LiveDoc
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || a.status != 200 {
		t.Fatalf("%d %v %s", a.status, err, a.body)
	}
	return doc
}

func TestLiveGivesWhatCameSince(t *testing.T) {
	g := &growing{model: world()}
	o := options(g.model)
	o.Reader = g
	h := web.New(o).Handler()
	first := liveOf(t, ask(t, h, "root", "GET", "/api/v1/live"))
	g.add(event(21, alice, 90, "203.0.113.22", 22))
	g.add(event(22, carol, 80, "203.0.113.22", 22))
	second := liveOf(t, ask(t, h, "root", "GET", "/api/v1/live?limit=1&after="+first.After))
	third := liveOf(t, ask(t, h, "root", "GET", "/api/v1/live?limit=1&after="+second.After))
	fourth := liveOf(t, ask(t, h, "root", "GET", "/api/v1/live?limit=1&after="+third.After))
	if len(first.Events) != 0 || len(second.Events) != 1 || second.Events[0].ID[:2] != "15" || len(third.Events) != 1 || third.Events[0].ID[:2] != "16" || len(fourth.Events) != 0 {
		t.Errorf("%+v\n%+v\n%+v\n%+v", first, second, third, fourth)
	}
}

// TestCommandLineWaits adds an event ten seconds into the wait.
func TestCommandLineWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &growing{model: world()}
		o := options(g.model)
		o.Reader = g
		h := web.New(o).Handler()
		begin := time.Now()
		time.AfterFunc(10*time.Second, func() { g.add(event(21, alice, 0, "203.0.113.22", 22)) })
		doc := liveOf(t, ask(t, h, "root", "GET", "/api/v1/live?wait=30s"))
		if took := time.Since(begin); len(doc.Events) != 1 || took < 10*time.Second || took > 11*time.Second {
			t.Errorf("%d events after %v", len(doc.Events), took)
		}
		begin = time.Now()
		doc = liveOf(t, ask(t, h, "root", "GET", "/api/v1/live?wait=30s&after="+doc.After))
		if took := time.Since(begin); len(doc.Events) != 0 || took < 30*time.Second || took > 31*time.Second {
			t.Errorf("%d events after %v", len(doc.Events), took)
		}
	})
}

// TestWaitEndsWithTheRight takes the viewer's ACL away during the wait.
func TestWaitEndsWithTheRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(world())
		o.Directory = &shrinking{everybody(), 5}
		begin := time.Now()
		a := ask(t, web.New(o).Handler(), "reseller1", "GET", "/api/v1/live?wait=30s")
		if took := time.Since(begin); a.status != 403 || took > 5*time.Second {
			t.Errorf("status %d after %v", a.status, took)
		}
	})
}

func TestPagesMayNotWait(t *testing.T) {
	h := web.New(options(world())).Handler()
	for _, via := range []string{"cgi", "demo"} {
		problemIn(t, askVia(t, h, "root", via, "GET", "/api/v1/live?wait=1s", ""), 400, "wait=")
	}
}

// TestOneViewerCannotKeepOthersOut has one viewer wait with as many requests
// as he may, and one more: the further one waits too, and another viewer is
// answered at once.
func TestOneViewerCannotKeepOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := web.New(options(world())).Handler()
		begin, took := time.Now(), make(chan time.Duration, 9)
		for range 9 {
			go func() {
				ask(t, h, "reseller1", "GET", "/api/v1/live?wait=30s")
				took <- time.Since(begin)
			}()
		}
		synctest.Wait()
		if a := ask(t, h, "root", "GET", "/api/v1/top"); a.status != 200 || time.Since(begin) > time.Second {
			t.Errorf("root: %d after %v", a.status, time.Since(begin))
		}
		late := 0
		for range 9 {
			if d := <-took; d > 59*time.Second {
				late++
			}
		}
		if late != 1 {
			t.Errorf("%d requests waited for a turn, want 1", late)
		}
	})
}

func TestImportTakesTheBody(t *testing.T) {
	box := &inbox{}
	o := options(world())
	o.Importer = box
	h := web.New(o).Handler()
	text := strings.Repeat("Nov  5 02:11:03 web01 kernel: CSF-OUTBOUND\n", 10_000) // more than a body of other routes may hold
	a := askVia(t, h, "root", "cli", "POST", "/api/v1/import?name=messages-20261101&first_year=2026", text)
	if a.status != 200 || box.text != text || box.spec != (outbound.ImportSpec{Name: "messages-20261101", FirstYear: 2026}) {
		t.Errorf("%d %s: %d bytes, %+v", a.status, a.body, len(box.text), box.spec)
	}
	for name, c := range map[string]struct {
		viewer, via, query string
		status             int
	}{
		"a reseller":       {"reseller1", "cli", "", 403},
		"through WHM":      {"root", "cgi", "", 403},
		"in the demo":      {"root", "demo", "", 403},
		"an odd year":      {"root", "cli", "?first_year=9999", 400},
		"a year of two":    {"root", "cli", "?first_year=26", 400},
		"an odd parameter": {"root", "cli", "?file=/etc/shadow", 400},
	} {
		t.Run(name, func(t *testing.T) {
			box.text = ""
			a := askVia(t, h, c.viewer, c.via, "POST", "/api/v1/import"+c.query, "text")
			if a.status != c.status || box.text != "" {
				t.Errorf("%d, %q was read", a.status, box.text)
			}
		})
	}
}
