package backend_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/config"
	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/daemon"
	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/web"
	whmplugin "outboundmonitor/whm-plugin"
)

// world is a made-up host and the daemon that runs on it.
type world struct {
	root  hostfs.Root
	rt    http.RoundTripper
	story demo.Story
}

// answer is what came back, with the cursor that continues it.
type answer struct {
	status int
	header http.Header
	body   string
	cursor string
}

var notifications atomic.Int64

// start runs the daemon on a host until the test ends, and waits until it says
// that it answers.
func start(t *testing.T, root hostfs.Root) http.RoundTripper {
	t.Helper()
	name := fmt.Sprintf("outboundmonitor-isolation-%d-%d", os.Getpid(), notifications.Add(1))
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "\x00" + name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	t.Setenv("NOTIFY_SOCKET", "@"+name)
	cfg := config.Default()
	cfg.Log.Path = demo.LogPath
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{
			Root: root, Config: cfg, Version: "1", Plugin: whmplugin.Files, Logger: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return today },
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	if _, err := notify.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	rt, err := client.Dial(root)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// ask sends one request as a viewer, by the way that WHM takes.
func (w *world) ask(t *testing.T, viewer, method, target string, body io.Reader) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://outboundmonitor"+target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(web.ViewerHeader, viewer)
	r.Header.Set(web.ViaHeader, web.ViaCGI)
	if viewer == "root" {
		r.Header.Set(web.ViaHeader, web.ViaCLI)
	}
	resp, err := w.rt.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", viewer, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", viewer, target, err)
	}
	resp.Header.Del("Date")
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	for _, m := range cursorIn.FindAllStringSubmatch(a.body, -1) {
		if given := m[1] + m[2]; !strings.Contains(target, given) {
			a.cursor = given
		}
	}
	return a
}

// cursorIn finds the cursor that an answer gives: it is sealed, so that it
// differs where what lies between two events differs.
var cursorIn = regexp.MustCompile(`"(?:next|after)":"([A-Za-z0-9_-]{40,})"|[?&;]cursor=([A-Za-z0-9_-]{40,})`)

// comparable gives all of an answer but cursors, asked and given.
func (a answer) comparable(asked string) string {
	body := a.body
	if asked != "" {
		body = strings.ReplaceAll(body, asked, "ASKED")
	}
	if a.cursor != "" {
		body = strings.ReplaceAll(body, a.cursor, "CURSOR")
	}
	a.header.Del("Content-Length")
	return fmt.Sprintf("%d %v\n%s", a.status, a.header, body)
}

// takeIn imports the rotated logs, as root does.
func (w *world) takeIn(t *testing.T, logs [][]byte) {
	t.Helper()
	for i, log := range logs {
		a := w.ask(t, "root", "POST", "/api/v1/import?first_year=2026&name="+strconv.Itoa(i), bytes.NewReader(log))
		if a.status != http.StatusOK {
			t.Fatalf("import: %d %s", a.status, a.body)
		}
	}
}

// made lays a host whose week lies in its logs, and gives these, oldest first;
// the log itself is empty. The register of accounts is that of a program that
// runs since before.
func made(t *testing.T) (hostfs.Root, demo.Story, [][]byte) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "host")
	look := func(at time.Time) error {
		root, err := hostfs.At(dir)
		if err != nil {
			return err
		}
		book, err := cpanel.NewBook(cpanel.Options{Root: root, Register: "/var/lib/outboundmonitor/accounts.json", Now: func() time.Time { return at }})
		if err != nil {
			return err
		}
		_, err = book.Current()
		return err
	}
	story, err := demo.Make(dir, demo.Options{Seed: 3, Now: today, Events: 30_000, AsItWas: look})
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, demo.LogPath) + "-*")
	if err != nil || len(names) != 3 {
		t.Fatalf("rotated logs: %v, %v", names, err)
	}
	var logs [][]byte
	for _, name := range append(names, filepath.Join(dir, demo.LogPath)) {
		f, err := daemon.OpenLog(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		logs = append(logs, text)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, demo.LogPath), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root, story, logs
}

// beside lays a copy of a host that was never started, with its own store, the
// same key and the same register of accounts.
func beside(t *testing.T, from hostfs.Root) hostfs.Root {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "host")
	err := filepath.WalkDir(from.Path("/"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from.Path("/"), path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case d.IsDir() && (rel == "run" || rel == "var/lib/outboundmonitor/events"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, to)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// ours finds a line that the kernel wrote, with its stamp and UID.
var ours = regexp.MustCompile(`^(\w{3} [ \d]\d \d\d:\d\d:\d\d) \S+ kernel: \[ *\d+\.\d+\] CSF-OUTBOUND:[\d:]+=:IN= OUT=eth0 SRC=\S+ DST=\S+ LEN=[^\[\]]* UID=(\d+) GID=\d+ \n?$`)

// estate is what belongs to a reseller, by the host's files and the story.
type estate struct {
	uids  map[string]bool
	moved demo.Change
	zone  *time.Location
	owner string
}

// estateOf reads what the host's files say of a reseller.
func estateOf(t *testing.T, root hostfs.Root, story *demo.Story, reseller string) estate {
	t.Helper()
	e := estate{uids: map[string]bool{}, moved: story.Moved, zone: story.Zone, owner: reseller}
	read := func(name string) string {
		data, err := root.ReadFile(name, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	passwd := read("/etc/passwd")
	for line := range strings.Lines(read("/etc/trueuserowners")) {
		name, owner, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if owner != reseller && name != reseller {
			continue
		}
		m := regexp.MustCompile(`(?m)^` + name + `:x:(\d+):`).FindStringSubmatch(passwd)
		if m == nil {
			t.Fatalf("%s is not in passwd", name)
		}
		e.uids[m[1]] = true
	}
	if len(e.uids) < 5 {
		t.Fatalf("%s owns %d accounts: too few to prove anything", reseller, len(e.uids))
	}
	return e
}

// holds reports whether a line is the reseller's.
func (e estate) holds(line string) bool {
	m := ours.FindStringSubmatch(line)
	if m == nil || !e.uids[m[2]] {
		return false
	}
	if m[2] != strconv.Itoa(int(e.moved.UID)) {
		return true
	}
	at, err := time.ParseInLocation("2006 Jan _2 15:04:05", "2026 "+m[1], e.zone)
	return err == nil && !at.Before(e.moved.At)
}

// of gives the log's lines that are the reseller's.
func (e estate) of(log []byte) []byte {
	var kept bytes.Buffer
	for line := range strings.Lines(string(log)) {
		if e.holds(line) {
			kept.WriteString(line)
		}
	}
	return kept.Bytes()
}
