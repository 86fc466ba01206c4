package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// longHost gives a host whose socket's path is longer than sun_path.
func longHost(t *testing.T) hostfs.Root {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(filepath.Join(dir, "run/outboundmonitor"), 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// listen opens the daemon's socket below root.
func listen(t *testing.T, root hostfs.Root) net.Listener {
	t.Helper()
	dir, err := os.Open(root.Path("/run/outboundmonitor"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	l, err := net.Listen("unix", fmt.Sprintf("/proc/self/fd/%d/api.sock", dir.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	// The name by which it was opened is gone with the folder's descriptor.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	return l
}

func serve(t *testing.T, l net.Listener, h http.HandlerFunc) {
	t.Helper()
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
}

func TestTheSocketIsReachedBelowALongRoot(t *testing.T) {
	root := longHost(t)
	if n := len(root.Path("/run/outboundmonitor/api.sock")); n <= 108 {
		t.Fatalf("the path has %d bytes: it proves nothing", n)
	}
	serve(t, listen(t, root), func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"viewer":%q}`, r.Header.Get("Outboundmonitor-Viewer"))
	})
	rt, err := client.Dial(root)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Viewer string }
	for range 3 {
		if err := client.New(rt).Get(context.Background(), "/api/v1/status", nil, &doc); err != nil || doc.Viewer != "root" {
			t.Errorf("got %+v, %v", doc, err)
		}
	}
}

func TestNobodyThereIsToldFromOutOfOrder(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, root hostfs.Root)
		none    bool
	}{
		"no folder":          {func(_ *testing.T, r hostfs.Root) { _ = os.Remove(r.Path("/run/outboundmonitor")) }, true},
		"no socket":          {func(*testing.T, hostfs.Root) {}, true},
		"a left-over socket": {func(t *testing.T, r hostfs.Root) { _ = listen(t, r).Close() }, true},
		"a file where the folder should be": {func(t *testing.T, r hostfs.Root) {
			_ = os.Remove(r.Path("/run/outboundmonitor"))
			if err := os.WriteFile(r.Path("/run/outboundmonitor"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, false},
		"a link where the folder should be": {func(t *testing.T, r hostfs.Root) {
			_ = os.Remove(r.Path("/run/outboundmonitor"))
			if err := os.Symlink("/tmp", r.Path("/run/outboundmonitor")); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			root := longHost(t)
			c.prepare(t, root)
			_, err := client.Dial(root)
			var e *outbound.Error
			switch {
			case err == nil:
				t.Error("no error")
			case errors.Is(err, client.ErrNoDaemon) != c.none:
				t.Errorf("no daemon = %v: %v", !c.none, err)
			case !c.none && (!errors.As(err, &e) || e.Code != outbound.Unavailable):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsNoEnd(t *testing.T) {
	root := longHost(t)
	serve(t, listen(t, root), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{}\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	rt, err := client.Dial(root)
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.New(rt).Stream(context.Background(), "/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, err := io.ReadAll(r); err == nil {
		t.Errorf("ended as if whole: %q", data)
	}
}
