package daemon

import (
	"io"
	"net/http"
	"sync"
)

// within is a transport to a handler of the same process. Answers stream.
type within struct{ handler http.Handler }

// RoundTrip serves one request.
func (w *within) RoundTrip(r *http.Request) (*http.Response, error) {
	body, pipe := io.Pipe()
	a := &answer{header: http.Header{}, pipe: pipe, ready: make(chan struct{})}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.RequestURI = in.URL.RequestURI()
	in.RemoteAddr = "@"
	go func() {
		defer in.Body.Close()
		defer pipe.Close()
		defer a.WriteHeader(http.StatusOK)
		w.handler.ServeHTTP(a, in)
	}()
	select {
	case <-a.ready:
	case <-r.Context().Done():
		_ = body.Close()
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: body, ContentLength: -1, Request: r,
	}, nil
}

// answer is the handler's side of a response.
type answer struct {
	header, sent http.Header
	status       int
	pipe         *io.PipeWriter
	once         sync.Once
	ready        chan struct{}
}

// Header gives the headers to be sent.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sends the headers, once.
func (a *answer) WriteHeader(status int) {
	a.once.Do(func() {
		a.status, a.sent = status, a.header.Clone()
		close(a.ready)
	})
}

// Write sends a part of the body.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.pipe.Write(p)
}

// Flush does nothing: each part is sent as it is written.
func (a *answer) Flush() {}
