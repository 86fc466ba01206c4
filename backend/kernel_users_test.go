//go:build linux

package backend_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kernelUser is a user of the host, with addresses elsewhere that nobody else
// connects to.
type kernelUser struct {
	uid  uint32
	name string // "" if nobody on record has the UID
	// owner and attribution are those of a cPanel account; both are "" for
	// others.
	owner, attribution string
	v4, v6             netip.Addr
}

// kernelUsers stand in testdata/host/small, but for the last, who stands
// nowhere.
var kernelUsers = []kernelUser{
	kernelUserAt(1043, "alice", "reseller7", "known"),
	kernelUserAt(1044, "bob", "reseller7", "known"),
	kernelUserAt(1045, "carol", "reseller8", "known"),
	kernelUserAt(1046, "dave", "reseller8", "known"),
	kernelUserAt(1047, "erin", "root", "known"),
	kernelUserAt(1048, "frank", "root", "assumed"),
	kernelUserAt(1050, "backupper", "", ""),
	kernelUserAt(0, "root", "", ""),
	kernelUserAt(2001, "", "", ""),
}

func kernelUserAt(uid uint32, name, owner, attribution string) kernelUser {
	host := byte(uid % 200)
	return kernelUser{
		uid: uid, name: name, owner: owner, attribution: attribution,
		v4: netip.AddrFrom4([4]byte{198, 51, 100, host + 1}),
		v6: netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 15: host + 1}),
	}
}

func kernelUserNamed(name string) kernelUser {
	for _, u := range kernelUsers {
		if u.name == name {
			return u
		}
	}
	panic("no user " + name)
}

// Addresses that belong to no user. kernelHello and kernelDone show how far
// the log has come; to kernelNever nobody connects.
var (
	kernelHello = netip.MustParseAddr("203.0.113.1")
	kernelDone  = netip.MustParseAddr("203.0.113.2")
	kernelNever = []netip.Addr{netip.MustParseAddr("203.0.113.99"), netip.MustParseAddr("2001:db8:1::ff")}
)

// kernelErrand is what a user's process is told to do: to connect to each
// target, Times over, or every Pace until its standard input ends.
type kernelErrand struct {
	Targets []netip.AddrPort
	Times   int
	Pace    time.Duration
}

// kernelMade is one connection that was tried, with its own port.
type kernelMade struct {
	UID    uint32
	To     netip.AddrPort
	Port   uint16
	Refuse bool // nobody listened
}

const kernelErrandEnv = "OUTBOUNDMONITOR_KERNEL_ERRAND"

// TestKernelErrand is no test: it is what a user's process does when the
// kernel tier starts this program anew as that user.
func TestKernelErrand(t *testing.T) {
	text := os.Getenv(kernelErrandEnv)
	if text == "" {
		return
	}
	var e kernelErrand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	if e.Pace == 0 {
		for range e.Times {
			e.round(t)
		}
		return
	}
	tick := time.NewTicker(e.Pace)
	defer tick.Stop()
	for {
		e.round(t)
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}

// round connects to each target once and says so.
func (e kernelErrand) round(t *testing.T) {
	for _, to := range e.Targets {
		made := kernelMade{UID: uint32(os.Getuid()), To: to}
		err := made.connect()
		made.Refuse = err != nil
		if err != nil && to.Port() != kernelClosed {
			t.Fatal(err)
		}
		raw, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("made %s\n", raw)
	}
}

// connect connects once. It binds first, so that the port is known of a
// connection that is refused too.
func (m *kernelMade) connect() error {
	d := net.Dialer{Timeout: 5 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if outer := c.Control(func(fd uintptr) { m.Port, err = kernelBind(int(fd), m.To.Addr().Is4()) }); outer != nil {
			return outer
		}
		return err
	}}
	conn, err := d.Dial("tcp", m.To.String())
	if err != nil {
		return err
	}
	return conn.Close()
}

func kernelBind(fd int, v4 bool) (uint16, error) {
	var any unix.Sockaddr = &unix.SockaddrInet6{}
	if v4 {
		any = &unix.SockaddrInet4{}
	}
	if err := unix.Bind(fd, any); err != nil {
		return 0, err
	}
	got, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	if a, ok := got.(*unix.SockaddrInet4); ok {
		return uint16(a.Port), nil
	}
	return uint16(got.(*unix.SockaddrInet6).Port), nil
}

// start starts a program in the server's namespace as the user, who finds the
// host's /etc/passwd there: ssh asks it who he is.
func (w *kernelWorld) start(u kernelUser, root string, cmd *exec.Cmd) error {
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=/"}, cmd.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: u.uid, Gid: u.uid}}
	return kernelInside(w.server, func() error {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return err
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Mount(filepath.Join(root, "etc/passwd"), "/etc/passwd", "", unix.MS_BIND, ""); err != nil {
			return err
		}
		return cmd.Start()
	})
}

// client runs a real client to its end, whatever that is.
func (w *kernelWorld) client(t *testing.T, u kernelUser, root string, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Logf("%s is missing: its connections are left out", name)
		return
	}
	cmd := exec.Command(name, args...)
	if err := w.start(u, root, cmd); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the peer is no real server
}

// kernelWalk is a user's process under way.
type kernelWalk struct {
	stop func() // tells an errand without end to come home
	made chan []kernelMade
	errs chan error
}

// send sends a user on an errand.
func (w *kernelWorld) send(t *testing.T, u kernelUser, root string, e kernelErrand) *kernelWalk {
	t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	// The program lies where ordinary users may not look, so it is handed over.
	cmd := exec.Command("/proc/self/fd/3", "-test.run=^TestKernelErrand$", "-test.count=1")
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = []string{kernelErrandEnv + "=" + string(raw)}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.start(u, root, cmd); err != nil {
		t.Fatal(err)
	}
	walk := &kernelWalk{stop: func() { _ = in.Close() }, made: make(chan []kernelMade, 1), errs: make(chan error, 1)}
	go func() {
		made, said, err := kernelTold(out)
		walk.made <- made
		if failed := cmd.Wait(); failed != nil {
			err = fmt.Errorf("%s's errand: %w\n%s", u.name, failed, said)
		}
		walk.errs <- err
	}()
	t.Cleanup(func() {
		walk.stop()
		_ = cmd.Process.Kill() // in vain, unless the test broke off
	})
	return walk
}

// kernelTold reads what an errand says.
func kernelTold(r io.Reader) (all []kernelMade, said string, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text, ours := strings.CutPrefix(lines.Text(), "made ")
		if !ours {
			said += lines.Text() + "\n"
			continue
		}
		var made kernelMade
		if err := json.Unmarshal([]byte(text), &made); err != nil {
			return all, said, fmt.Errorf("%w in %q", err, text)
		}
		all = append(all, made)
	}
	return all, said, lines.Err()
}

// home waits for the user's process and gives what it did.
func (w *kernelWalk) home(t *testing.T) []kernelMade {
	t.Helper()
	w.stop()
	made := <-w.made
	if err := <-w.errs; err != nil {
		t.Fatal(err)
	}
	return made
}
