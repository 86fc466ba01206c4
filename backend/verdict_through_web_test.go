package backend_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/match"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// onlyWho is a web.Reader of which the question of a complaint uses two
// methods; it holds one event.
type onlyWho struct {
	web.Reader
	event outbound.Event
}

func (r onlyWho) Walk(_ context.Context, s outbound.Scope, _ outbound.Query, f func(*outbound.Event) error) error {
	if e := r.event; s.Sees(e.Who, e.Time) {
		return f(&e)
	}
	return nil
}

func (r onlyWho) Coverage(context.Context, outbound.Scope, outbound.Query) (outbound.Coverage, error) {
	return outbound.Coverage{Complete: true, Covered: 1, Watched: outbound.Watched{TCP: "all", Families: []int{4, 6}}}, nil
}

// onlyRoot is a web.Directory that knows root and a reseller of nothing.
type onlyRoot struct{ web.Directory }

func (onlyRoot) Scope(viewer outbound.Username) (outbound.Scope, error) {
	if viewer == "root" {
		return outbound.Everything(), nil
	}
	return outbound.Scope{}, nil
}

// TestVerdictThroughTheAPI joins match and web as the roof does, which neither
// room's tests can.
func TestVerdictThroughTheAPI(t *testing.T) {
	alice := &outbound.Who{Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: 1043}, User: "alice", Attribution: outbound.Known}
	r := onlyWho{event: outbound.Event{
		Time: time.Date(2026, 11, 5, 1, 11, 3, 0, time.UTC), Who: alice, UID: 1043, Dst: netip.MustParseAddr("203.0.113.22"), Witness: outbound.Kernel,
	}}
	h := web.New(web.Options{Reader: r, Directory: onlyRoot{}, Who: func(ctx context.Context, s outbound.Scope, q outbound.Question) (outbound.WhoDoc, error) {
		return match.Who(ctx, r, s, func(outbound.Username) string { return "" }, q)
	}}).Handler()
	for viewer, want := range map[string]string{"root": `"verdict":"identified"`, "reseller1": `"verdict":"none"`} {
		req := httptest.NewRequest("GET", "/api/v1/who?address=203.0.113.22&at=2026-11-05T01:11:03Z", nil)
		req.Header.Set(web.ViewerHeader, viewer)
		req.Header.Set(web.ViaHeader, web.ViaCLI)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", viewer, w.Code, w.Body, want)
		}
	}
}
