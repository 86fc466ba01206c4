package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// slowly is a reader that takes ten seconds for each page.
type slowly struct{ *model }

func (s slowly) Events(ctx context.Context, scope outbound.Scope, q outbound.Query) (outbound.Page, error) {
	select {
	case <-time.After(10 * time.Second):
		return s.model.Events(ctx, scope, q)
	case <-ctx.Done():
		return outbound.Page{}, ctx.Err()
	}
}

// pipes is a listener without a network.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "@", Net: "unix"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// TestAnAnswerMayTakeLongerThanARequest streams for two minutes: a deadline
// for reading the request must not end the answer.
func TestAnAnswerMayTakeLongerThanARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 11_500
		o := options(many(n))
		o.Reader = slowly{many(n)}
		l := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- web.New(o).Serve(ctx, l) }()
		client := &http.Client{Transport: &http.Transport{DialContext: l.dial, DisableKeepAlives: true}}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x/api/v1/events?format=jsonl&limit=0", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(web.ViewerHeader, "root")
		req.Header.Set(web.ViaHeader, web.ViaCLI)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if got := strings.Count(string(body), "\n"); err != nil || got != n {
			t.Errorf("%d of %d lines, %v", got, n, err)
		}
		_ = resp.Body.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
