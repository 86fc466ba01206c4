package backend_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/config"
	"outboundmonitor/backend/daemon"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	whmplugin "outboundmonitor/whm-plugin"
)

const (
	crashRoot  = "OUTBOUNDMONITOR_CRASH_ROOT"
	crashApart = "OUTBOUNDMONITOR_CRASH_APART"
	// crashFree has the daemon leave crashMinFree bytes of the disk free.
	crashFree    = "OUTBOUNDMONITOR_CRASH_FREE"
	crashMinFree = 16 << 20

	followedLog = "/var/log/messages"
)

// TestDaemonInItsOwnProcess is no test but the daemon that the crash tests
// start and kill: this binary started again, with a root in the environment.
// It ends with its standard input, so that it never outlives the test.
func TestDaemonInItsOwnProcess(t *testing.T) {
	dir := os.Getenv(crashRoot)
	if dir == "" {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	o := houseAt(t, dir)
	o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	o.PositionApart = os.Getenv(crashApart) != ""
	if os.Getenv(crashFree) != "" {
		o.MinFree = crashMinFree
	}
	if err := daemon.Run(ctx, o); err != nil {
		t.Fatal(err)
	}
}

// houseAt gives the options of a house below dir.
func houseAt(t *testing.T, dir string) daemon.Options {
	t.Helper()
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Log.Path = followedLog
	return daemon.Options{Root: root, Config: cfg, Version: "crash", Plugin: whmplugin.Files}
}

// newHost makes a host with 40 accounts, UID 1000 and up, and gives its folder.
func newHost(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	passwd := "root:x:0:0:root:/root:/bin/bash\n"
	for i := range 40 {
		name := fmt.Sprintf("acct%02d", i)
		passwd += fmt.Sprintf("%s:x:%d:%d::/home/%s:/bin/bash\n", name, 1000+i, 1000+i, name)
		write(t, root, "/var/cpanel/users/"+name, "USER="+name+"\nDNS="+name+".example.com\nOWNER=root\nSTARTDATE=1700000000\n")
	}
	write(t, root, "/etc/passwd", passwd)
	return dir
}

func write(t *testing.T, root hostfs.Root, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(root.Path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root.Path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// process is a daemon in its own process.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	// following is closed when the daemon began to follow, ended when it ended.
	following, ended chan struct{}
	err              error // after ended

	mu  sync.Mutex
	log bytes.Buffer
}

// startDaemon starts a daemon below dir.
func startDaemon(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{following: make(chan struct{}), ended: make(chan struct{})}
	p.cmd = exec.Command(exe, "-test.run=^TestDaemonInItsOwnProcess$", "-test.timeout=0")
	p.cmd.Env = append(append(os.Environ(), crashRoot+"="+dir), env...)
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.listen(out)
	return p
}

// listen keeps what the daemon says, to its end.
func (p *process) listen(out io.Reader) {
	defer close(p.ended)
	lines := bufio.NewReader(out)
	begun := false
	for {
		line, err := lines.ReadString('\n')
		p.mu.Lock()
		p.log.WriteString(line)
		p.mu.Unlock()
		if !begun && strings.Contains(line, "msg=following") {
			begun = true
			close(p.following)
		}
		if err != nil {
			break
		}
	}
	p.err = p.cmd.Wait()
}

// said gives what the daemon said so far.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the daemon at once, as a power cut would but for what the kernel
// has taken over already.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop asks the daemon to end and tells how long that took.
func (p *process) stop(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		p.kill()
		t.Fatalf("the daemon did not end within 20 s of SIGTERM:\n%s", p.said())
	}
	if p.err != nil {
		t.Fatalf("the daemon ended with %v:\n%s", p.err, p.said())
	}
	return time.Since(began)
}

// healthy fails the test if the daemon said something that it never should.
func (p *process) healthy(t *testing.T) {
	t.Helper()
	said := p.said()
	for _, bad := range []string{"DATA RACE", "panic", "level=ERROR", "could not be found again"} {
		if strings.Contains(said, bad) {
			t.Fatalf("the daemon said %q:\n%s", bad, said)
		}
	}
}

// Calls in which a commit waits for the disk.
const (
	pwrite64  = "18 "
	fsync     = "74 "
	fdatasync = "75 "
)

// committing reports whether a thread of the daemon is writing to the disk.
//
// Source: proc_pid_syscall(5); numbers of x86-64.
func (p *process) committing() bool {
	tasks, _ := filepath.Glob("/proc/" + itoa(p.cmd.Process.Pid) + "/task/*/syscall")
	for _, task := range tasks {
		call, err := os.ReadFile(task)
		if err != nil {
			continue
		}
		for _, number := range []string{pwrite64, fsync, fdatasync} {
			if strings.HasPrefix(string(call), number) {
				return true
			}
		}
	}
	return false
}

// killAtRandom kills the daemon some time after it began to follow, or while
// it starts, or as soon as it is seen to commit. It reports whether a commit
// was under way.
func (p *process) killAtRandom(r *rand.Rand) (inCommit bool) {
	moment := time.Duration(r.Int64N(int64(50 * time.Millisecond)))
	way := r.IntN(10)
	if way > 0 {
		p.begun()
	}
	p.wait(moment)
	inCommit = p.committing()
	if way > 3 && !inCommit {
		inCommit = p.untilCommit(200 * time.Millisecond)
	}
	p.kill()
	return inCommit
}

// begun waits until the daemon follows its log.
func (p *process) begun() {
	select {
	case <-p.following:
	case <-p.ended:
	}
}

func (p *process) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.ended:
	}
}

// untilCommit reports whether the daemon was seen to commit in time.
func (p *process) untilCommit(limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if p.committing() {
			return true
		}
	}
	return false
}

// dial gives a client of the daemon once it listens.
func (p *process) dial(t *testing.T, dir string) *client.Client {
	t.Helper()
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	p.begun()
	rt, err := client.Dial(root)
	if err != nil {
		t.Fatalf("%v:\n%s", err, p.said())
	}
	return client.New(rt)
}

// status asks until the answer is as wanted.
func (p *process) status(t *testing.T, c *client.Client, limit time.Duration, wanted func(outbound.StatusDoc) bool) outbound.StatusDoc {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); ; {
		var doc outbound.StatusDoc
		if err := c.Get(t.Context(), "/api/v1/status", nil, &doc); err != nil {
			t.Fatalf("%v:\n%s", err, p.said())
		}
		if wanted(doc) {
			return doc
		}
		if time.Now().After(end) {
			t.Fatalf("after %v status is still %+v:\n%s", limit, doc, p.said())
		}
		select {
		case <-tick.C:
		case <-p.ended:
		}
	}
}

// caughtUp waits until the daemon has read the log to its end.
func (p *process) caughtUp(t *testing.T, c *client.Client) {
	t.Helper()
	p.status(t, c, 5*time.Minute, func(s outbound.StatusDoc) bool { return s.CaughtUp })
}

// stored gives each line that is stored, as `search --jsonl --limit 0` does.
func stored(t *testing.T, c *client.Client) tallied {
	t.Helper()
	body, err := c.Stream(t.Context(), "/api/v1/events", url.Values{"format": {"jsonl"}, "limit": {"0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	return readTally(t, body)
}
