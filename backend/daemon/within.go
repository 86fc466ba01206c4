package daemon

import (
	"fmt"
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
	answered := &readTillDone{PipeReader: body, done: make(chan struct{})}
	go func() {
		defer close(answered.done)
		defer in.Body.Close()
		err := w.serve(a, in)
		a.WriteHeader(http.StatusOK)
		_ = pipe.CloseWithError(err)
	}()
	select {
	case <-a.ready:
	case <-r.Context().Done():
		_ = answered.Close()
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: answered, ContentLength: -1, Request: r,
	}, nil
}

// serve runs the handler. One that breaks off its answer, as handlers do of
// which the reader wants no more, ends with a panic that a server takes for
// that; here it is an error, so that a part does not pass for the whole.
func (w *within) serve(a *answer, r *http.Request) (err error) {
	defer func() {
		switch fault := recover(); fault {
		case nil:
		case http.ErrAbortHandler:
			err = io.ErrUnexpectedEOF
		default:
			panic(fault)
		}
	}()
	w.handler.ServeHTTP(a, r)
	return nil
}

// readTillDone is a body whose Close waits for the handler: the store is closed
// after it.
type readTillDone struct {
	*io.PipeReader
	done chan struct{}
}

// Close tells the handler that no more is wanted, and waits for its end.
func (b *readTillDone) Close() error {
	err := b.PipeReader.Close()
	<-b.done
	return err
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
