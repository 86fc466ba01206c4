package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// host gives a host whose path is longer than a socket's address holds.
func host(t *testing.T) hostfs.Root {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func listen(t *testing.T, root hostfs.Root) net.Listener {
	t.Helper()
	l, err := web.Listen(root, web.SocketPath, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// dial connects through the folder, for the same reason as the listener.
func dial(root hostfs.Root) (net.Conn, error) {
	folder, err := os.Open(root.Path(filepath.Dir(web.SocketPath)))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return net.Dial("unix", fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), filepath.Base(web.SocketPath)))
}

func clientOf(root hostfs.Root) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return dial(root) },
	}}
}

// serving runs a server until the test ends.
func serving(t *testing.T, root hostfs.Root) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	l := listen(t, root)
	go func() { done <- web.New(options(world())).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve ended with %v", err)
		}
		if _, err := root.Stat(web.SocketPath); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is left behind: %v", err)
		}
	})
}

func TestSocketIsRootsAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	root := host(t)
	listen(t, root)
	for name, want := range map[string]fs.FileMode{
		"/run/outboundmonitor": fs.ModeDir | 0o700, web.SocketPath: fs.ModeSocket | 0o600,
	} {
		if fi, err := root.Stat(name); err != nil || fi.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, fi.Mode(), err, want)
		}
	}
}

func TestOpenFolderIsClosed(t *testing.T) {
	root := host(t)
	if err := root.MkdirAll("/run/outboundmonitor", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root.Path("/run/outboundmonitor"), 0o777); err != nil {
		t.Fatal(err)
	}
	listen(t, root)
	if fi, err := root.Stat("/run/outboundmonitor"); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
}

func TestRequestThroughTheSocket(t *testing.T) {
	root := host(t)
	serving(t, root)
	r, err := http.NewRequest("GET", "http://daemon/api/v1/events?limit=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(web.ViewerHeader, "root")
	r.Header.Set(web.ViaHeader, "cli")
	resp, err := clientOf(root).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), `"schema":"outboundmonitor/search/1"`) {
		t.Errorf("%d %v %s", resp.StatusCode, err, body)
	}
}

// TestStaleSocketIsReplaced leaves a socket behind as a killed daemon does.
func TestStaleSocketIsReplaced(t *testing.T) {
	root := host(t)
	left := listen(t, root)
	path := root.Path(web.SocketPath)
	if err := os.Rename(path, path+".left"); err != nil {
		t.Fatal(err)
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".left", path); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(root); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("the socket is not stale: %v", err)
	}
	serving(t, root)
	conn, err := dial(root)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// TestLiveSocketIsLeftAlone starts a second daemon beside one of ours, and
// beside a listener that holds no lock.
func TestLiveSocketIsLeftAlone(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, root hostfs.Root){
		"one of ours": func(t *testing.T, root hostfs.Root) { listen(t, root) },
		"one without a lock": func(t *testing.T, root hostfs.Root) {
			if err := root.MkdirAll(filepath.Dir(web.SocketPath), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Chdir(root.Path(filepath.Dir(web.SocketPath)))
			l, err := net.Listen("unix", filepath.Base(web.SocketPath))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := host(t)
			first(t, root)
			conflict(t, root)
			conn, err := dial(root)
			if err != nil {
				t.Fatalf("the first daemon's socket is gone: %v", err)
			}
			_ = conn.Close()
		})
	}
}

func conflict(t *testing.T, root hostfs.Root) {
	t.Helper()
	l, err := web.Listen(root, web.SocketPath, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = l.Close()
		t.Fatal("a second daemon listens")
	}
	if e, ok := errors.AsType[*outbound.Error](err); !ok || e.Code != outbound.Conflict {
		t.Errorf("error %v, want a conflict", err)
	}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"a file":   func(path string) error { return os.WriteFile(path, []byte("keep"), 0o600) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":   func(path string) error { return os.Symlink("/etc/passwd", path) },
		"a FIFO":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			root := host(t)
			if err := root.MkdirAll(filepath.Dir(web.SocketPath), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := plant(root.Path(web.SocketPath)); err != nil {
				t.Fatal(err)
			}
			conflict(t, root)
			if _, err := root.Stat(web.SocketPath); err != nil {
				t.Errorf("it is gone: %v", err)
			}
		})
	}
}

func TestFolderIsNoLink(t *testing.T) {
	root := host(t)
	if err := root.MkdirAll("/run", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), root.Path("/run/outboundmonitor")); err != nil {
		t.Fatal(err)
	}
	if l, err := web.Listen(root, web.SocketPath, slog.New(slog.DiscardHandler)); err == nil {
		_ = l.Close()
		t.Error("the listener follows a link")
	}
}

// TestOthersAreRefused connects as another user through a socket that was
// opened up on purpose: the check of the peer alone stands in the way. The
// child is this test binary, which runs TestConnectsAsChild.
func TestOthersAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to run a child as another user")
	}
	root := reachable(t)
	serving(t, root)
	open(t, root)
	for uid, want := range map[uint32]string{0: "answered", 65534: "cut"} {
		t.Run(fmt.Sprintf("UID %d", uid), func(t *testing.T) {
			exe := copied(t, root)
			cmd := exec.Command(exe, "-test.run=^TestConnectsAsChild$", "-test.v")
			cmd.Dir = root.Path("/")
			cmd.Env = []string{"OUTBOUND_CHILD_SOCKET=" + root.Path(web.SocketPath)}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "child: "+want+"\n") {
				t.Errorf("%v, want %q:\n%s", err, want, out)
			}
		})
	}
}

// TestConnectsAsChild is the other side of TestOthersAreRefused.
func TestConnectsAsChild(t *testing.T) {
	path := os.Getenv("OUTBOUND_CHILD_SOCKET")
	if path == "" {
		t.Skip("runs as a child only")
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, werr := io.WriteString(conn, "GET /api/v1/events?limit=1 HTTP/1.0\r\nOutboundmonitor-Viewer: root\r\nOutboundmonitor-Via: cli\r\n\r\n")
	body, rerr := io.ReadAll(conn)
	switch {
	case strings.HasPrefix(string(body), "HTTP/1.0 200 "):
		fmt.Println("child: answered")
	case len(body) == 0 && !errors.Is(rerr, os.ErrDeadlineExceeded):
		fmt.Println("child: cut")
	default:
		t.Fatalf("%q, %v, %v", body, werr, rerr)
	}
}

// reachable gives a host with a short path that other users can walk to.
func reachable(t *testing.T) hostfs.Root {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "obm-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// open takes away what the modes of folder and socket keep out.
func open(t *testing.T, root hostfs.Root) {
	t.Helper()
	for name, mode := range map[string]fs.FileMode{filepath.Dir(web.SocketPath): 0o755, web.SocketPath: 0o666} {
		if err := os.Chmod(root.Path(name), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// copied puts this test binary where another user can run it.
func copied(t *testing.T, root hostfs.Root) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	exe := root.Path("/child.test")
	if err := os.WriteFile(exe, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return exe
}

// TestLongHeadersAreRefused holds one limit of a connection: a header that is
// too long is refused.
func TestLongHeadersAreRefused(t *testing.T) {
	root := host(t)
	serving(t, root)
	r, err := http.NewRequest("GET", "http://daemon/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(web.ViewerHeader, "root")
	r.Header.Set(web.ViaHeader, "cli")
	r.Header.Set("X-Long", strings.Repeat("a", 40<<10))
	resp, err := clientOf(root).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d, want 431", resp.StatusCode)
	}
}
