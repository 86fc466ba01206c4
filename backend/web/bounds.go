package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// safeHeaders keeps every answer out of caches, frames and guesses about its
// type. Pages put their own policy in place of the one set here.
func safeHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		return next(c)
	}
}

// bound lets GET and POST pass, the only methods there are under WHM, and
// gives each request its deadlines, a longest query and body, and its turn
// among those of the same viewer.
func (s *Server) bound(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			return echo.ErrNotFound // also where echo would answer by itself
		}
		if len(r.URL.RawQuery) > maxQuery {
			return &outbound.Error{Code: outbound.TooLarge, Message: "the query is longer than 8 KiB"}
		}
		deadlines(c, readTimeout, writeTimeout)
		if c.Path() != importPath {
			r.Body = http.MaxBytesReader(c.Response(), r.Body, maxBody)
		}
		leave, err := s.turn.enter(r.Context(), viewerOf(c).Name)
		if err != nil {
			return err
		}
		defer leave()
		return next(c)
	}
}

// deadlines moves the connection's deadlines. A recorder in a test has none.
func deadlines(c echo.Context, read, write time.Duration) {
	rc, now := http.NewResponseController(c.Response()), time.Now()
	if read > 0 {
		_ = rc.SetReadDeadline(now.Add(read))
	}
	if write > 0 {
		_ = rc.SetWriteDeadline(now.Add(write))
	}
}

// turnstile lets a number of requests of each viewer run at once, so that one
// viewer cannot keep the others out.
type turnstile struct {
	each int
	mu   sync.Mutex
	in   map[outbound.Username]*queue
}

// queue is one viewer's requests; it is forgotten with the last.
type queue struct {
	seats chan struct{}
	users int
}

func newTurnstile(each int) *turnstile {
	return &turnstile{each: each, in: map[outbound.Username]*queue{}}
}

// enter waits for a turn and gives what ends it.
func (t *turnstile) enter(ctx context.Context, who outbound.Username) (func(), error) {
	t.mu.Lock()
	q := t.in[who]
	if q == nil {
		q = &queue{seats: make(chan struct{}, t.each)}
		t.in[who] = q
	}
	q.users++
	t.mu.Unlock()
	select {
	case q.seats <- struct{}{}:
		return func() { <-q.seats; t.forget(who, q) }, nil
	case <-ctx.Done():
		t.forget(who, q)
		return nil, ctx.Err()
	}
}

func (t *turnstile) forget(who outbound.Username, q *queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(t.in, who)
	}
}

// writeJSON answers with one document. A Content-Type that is set stays.
func writeJSON(c echo.Context, status int, doc any) error {
	body, err := marshal(doc)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	if h.Get(echo.HeaderContentType) == "" {
		h.Set(echo.HeaderContentType, "application/json")
	}
	c.Response().WriteHeader(status)
	_, err = c.Response().Write(body)
	return err
}

// marshal gives a document as one line of JSON that does no harm on a
// terminal: encoding/json leaves DEL and the C1 controls as they are, and
// some terminals take those for escapes. In JSON they occur in strings alone.
func marshal(doc any) ([]byte, error) {
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	if bytes.ContainsAny(body, controls) {
		body = escapeControls(body)
	}
	return append(body, '\n'), nil
}

// controls are DEL and the C1 set.
const controls = "\u007f\u0080\u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f" +
	"\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f"

func escapeControls(body []byte) []byte {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(body)+64)
	for _, r := range string(body) {
		if r >= 0x7f && r <= 0x9f {
			out = append(out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
			continue
		}
		out = append(out, string(r)...)
	}
	return out
}

// livelyReader moves the read deadline with each read: an import may take as
// long as it needs while bytes come.
type livelyReader struct {
	io.Reader
	c echo.Context
}

func (r livelyReader) Read(p []byte) (int, error) {
	deadlines(r.c, importTimeout, importTimeout)
	return r.Reader.Read(p)
}
