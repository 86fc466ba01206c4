package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/outbound"
)

// handler carries requests to an http.Handler without a network.
type handler func(http.ResponseWriter, *http.Request)

func (h handler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h(w, r)
	return w.Result(), nil
}

func TestEachRequestSaysWhoAsks(t *testing.T) {
	var got *http.Request
	var sent string
	c := client.New(handler(func(w http.ResponseWriter, r *http.Request) {
		got = r
		if r.Body != nil {
			b, _ := io.ReadAll(r.Body)
			sent = string(b)
		}
		_, _ = w.Write([]byte(`{"n":7}`))
	}))
	ctx := context.Background()
	var doc struct{ N int }
	for name, ask := range map[string]func() error{
		"GET": func() error { return c.Get(ctx, "/api/v1/who", url.Values{"at": {"a b&c"}}, &doc) },
		"POST": func() error {
			return c.Post(ctx, "/api/v1/who", url.Values{"at": {"a b&c"}}, strings.NewReader("bytes"), &doc)
		},
	} {
		doc.N = 0
		if err := ask(); err != nil || doc.N != 7 {
			t.Errorf("%s: %v, n = %d", name, err, doc.N)
		}
		if got.Method != name || got.URL.Path != "/api/v1/who" || got.URL.Query().Get("at") != "a b&c" {
			t.Errorf("%s: asked %s %s", name, got.Method, got.URL)
		}
		if v := got.Header.Values("Outboundmonitor-Viewer"); len(v) != 1 || v[0] != "root" {
			t.Errorf("%s: viewer %q", name, v)
		}
		if v := got.Header.Values("Outboundmonitor-Via"); len(v) != 1 || v[0] != "cli" {
			t.Errorf("%s: via %q", name, v)
		}
	}
	if sent != "bytes" {
		t.Errorf("sent %q", sent)
	}
}

func TestProblemsBecomeErrors(t *testing.T) {
	const problem = "application/problem+json"
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       outbound.Error
	}{
		"a problem document is taken at its word": {422, problem + "; charset=utf-8",
			`{"type":"about:blank","title":"Invalid","status":422,"detail":"at=\"x\": no time","hint":"use RFC 3339","code":"invalid"}`,
			outbound.Error{Code: outbound.Invalid, Message: `at="x": no time`, Hint: "use RFC 3339"}},
		"without a detail the title speaks": {404, problem, `{"title":"not found","code":"not_found"}`,
			outbound.Error{Code: outbound.NotFound, Message: "not found"}},
		"without a code the status tells": {403, problem, `{"detail":"not yours"}`,
			outbound.Error{Code: outbound.NotPermitted, Message: "not yours"}},
		"a page is not shown": {502, "text/html", `<h1>boo</h1>`,
			outbound.Error{Code: outbound.Unavailable, Message: "the daemon answered 502 Bad Gateway"}},
		"broken JSON is told by its status": {500, problem, `{"detail":`,
			outbound.Error{Code: outbound.Internal, Message: "the daemon answered 500 Internal Server Error"}},
		"a redirect is not followed": {302, "", "",
			outbound.Error{Code: outbound.Internal, Message: "the daemon answered 302 Found"}},
		"an unknown status is a fault": {418, "", "",
			outbound.Error{Code: outbound.Internal, Message: "the daemon answered 418 I'm a teapot"}},
	} {
		t.Run(name, func(t *testing.T) {
			cl := client.New(handler(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			err := cl.Get(context.Background(), "/x", nil, new(any))
			var e *outbound.Error
			if !errors.As(err, &e) || *e != c.want {
				t.Errorf("got %#v, want %#v", err, c.want)
			}
			if _, err := cl.Stream(context.Background(), "/x", nil); !errors.As(err, &e) || *e != c.want {
				t.Errorf("stream: got %#v, want %#v", err, c.want)
			}
		})
	}
}

func TestAnAnswerThatIsNoDocumentIsUnavailable(t *testing.T) {
	c := client.New(handler(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	err := c.Get(context.Background(), "/x", nil, new(outbound.WhoDoc))
	var e *outbound.Error
	if !errors.As(err, &e) || e.Code != outbound.Unavailable || e.Hint == "" {
		t.Errorf("got %#v", err)
	}
}
