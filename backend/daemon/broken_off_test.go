package daemon_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"outboundmonitor/backend/daemon"
)

// abort writes a part and breaks off, as a handler does whose reader is gone
// or whose store is damaged.
func abort(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "a part")
	panic(http.ErrAbortHandler)
}

func get(t *testing.T, h http.HandlerFunc) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://outboundmonitor/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := daemon.Within(h).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAPartDoesNotPassForTheWhole(t *testing.T) {
	answer := get(t, abort)
	text, err := io.ReadAll(answer.Body)
	if string(text) != "a part" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v; want a part and an unexpected end", text, err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
}

// TestAReaderMayStop closes an answer of which nothing was read; a write that
// fails is no reason to fall over.
func TestAReaderMayStop(t *testing.T) {
	ended := false
	answer := get(t, func(w http.ResponseWriter, _ *http.Request) {
		defer func() { ended = true }()
		w.WriteHeader(http.StatusOK)
		if _, err := io.WriteString(w, "unread"); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	if !ended {
		t.Error("the answer was closed while the handler still ran")
	}
}
