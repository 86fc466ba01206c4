//go:build linux

package backend_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Addresses of the two namespaces: the server whose users connect out, and a
// peer that stands for all other hosts.
var (
	kernelServer4 = netip.MustParseAddr("192.0.2.10")
	kernelServer6 = netip.MustParseAddr("2001:db8::10")
	kernelPeer4   = netip.MustParseAddr("192.0.2.1")
	kernelPeer6   = netip.MustParseAddr("2001:db8::1")
	// kernelElsewhere are the networks that the peer answers for.
	kernelElsewhere = []netip.Prefix{
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:1::/64"),
	}
)

// kernelClosed is a port on which nobody listens; our rules record it too.
const kernelClosed = 9

// kernelOpen are the ports that the peer accepts connections on, and what it
// says first.
var kernelOpen = map[int]string{22: "SSH-2.0-peer\r\n", 21: "220 peer\r\n", 80: "", 443: ""}

// kernelNeeds skips the test where it cannot run, in one line that names what
// is missing. With OUTBOUNDMONITOR_REQUIRE_KERNEL=1 it fails instead.
func kernelNeeds(t *testing.T) {
	t.Helper()
	var missing []string
	for _, program := range []string{"go", "ip", "iptables", "ip6tables", "rsyslogd", "logrotate"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	} else if len(missing) == 0 {
		missing = append(missing, kernelPowers()...)
	}
	if len(missing) > 0 {
		kernelCannot(t, "missing: "+strings.Join(missing, ", "))
	}
}

// kernelCannot skips the test, or fails it where it is required.
func kernelCannot(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("OUTBOUNDMONITOR_REQUIRE_KERNEL") == "1" {
		t.Fatal("the kernel tier cannot run: " + why)
	}
	t.Skip("the kernel tier cannot run: " + why)
}

const kernelLogAll = "/proc/sys/net/netfilter/nf_log_all_netns"

// kernelPowers tries what root may be denied within a container.
func kernelPowers() (missing []string) {
	name := fmt.Sprintf("obm-try-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		return []string{"network namespaces: " + kernelFirstLine(out)}
	}
	defer exec.Command("ip", "netns", "del", name).Run()
	for _, tables := range []string{"iptables", "ip6tables"} {
		if out, err := exec.Command("ip", "netns", "exec", name, tables, "-A", "OUTPUT", "-p", "tcp", "-j", "LOG", "--log-uid").CombinedOutput(); err != nil {
			missing = append(missing, tables+"' LOG target: "+kernelFirstLine(out))
		}
	}
	for path, flag := range map[string]int{kernelLogAll: os.O_WRONLY, "/dev/kmsg": os.O_RDONLY} {
		f, err := os.OpenFile(path, flag|syscall.O_NONBLOCK, 0)
		if err != nil {
			missing = append(missing, err.Error())
			continue
		}
		_ = f.Close()
	}
	return missing
}

func kernelFirstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

// kernelLogsNamespaces lets LOG rules outside the first namespace print, until
// the test ends.
func kernelLogsNamespaces(t *testing.T) {
	t.Helper()
	before, err := os.ReadFile(kernelLogAll)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(kernelLogAll, before, 0); err != nil {
			t.Errorf("%s stays 1: %v", kernelLogAll, err)
		}
	})
	if err := os.WriteFile(kernelLogAll, []byte("1\n"), 0); err != nil {
		t.Fatal(err)
	}
}

// kernelWorld is the two namespaces, joined.
type kernelWorld struct {
	server, peer string // their names
	// out is the server's interface. Its name is new in each run, so that it
	// tells this run's lines from all others in the kernel's log.
	out string
}

// newKernelWorld makes the namespaces and the peer's listeners.
func newKernelWorld(t *testing.T) *kernelWorld {
	t.Helper()
	tag := fmt.Sprintf("obm%08x", uint32(time.Now().UnixNano()))
	w := &kernelWorld{server: tag + "s", peer: tag + "p", out: tag}
	for _, name := range []string{w.server, w.peer} {
		kernelRun(t, "ip", "netns", "add", name)
		t.Cleanup(func() { kernelRun(t, "ip", "netns", "del", name) })
		kernelRun(t, "ip", "-n", name, "link", "set", "lo", "up")
	}
	kernelRun(t, "ip", "-n", w.server, "link", "add", w.out, "type", "veth", "peer", "name", "obmpeer", "netns", w.peer)
	w.address(t, w.server, w.out, kernelServer4, kernelServer6)
	w.address(t, w.peer, "obmpeer", kernelPeer4, kernelPeer6)
	for _, net := range kernelElsewhere {
		via := kernelPeer4
		if net.Addr().Is6() {
			via = kernelPeer6
		}
		kernelRun(t, "ip", "-n", w.peer, "route", "add", "local", net.String(), "dev", "lo")
		kernelRun(t, "ip", "-n", w.server, "route", "add", net.String(), "via", via.String())
	}
	for port, banner := range kernelOpen {
		w.listen(t, port, banner)
	}
	return w
}

// address gives a namespace's interface its addresses. They count at once:
// nobody looks for doubles.
func (w *kernelWorld) address(t *testing.T, namespace, dev string, v4, v6 netip.Addr) {
	t.Helper()
	kernelRun(t, "ip", "-n", namespace, "address", "add", v4.String()+"/24", "dev", dev)
	kernelRun(t, "ip", "-n", namespace, "address", "add", v6.String()+"/64", "dev", dev, "nodad")
	kernelRun(t, "ip", "-n", namespace, "link", "set", dev, "up")
}

// listen accepts connections on a port of all the peer's addresses.
func (w *kernelWorld) listen(t *testing.T, port int, banner string) {
	t.Helper()
	var l net.Listener
	err := kernelInside(w.peer, func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprintf(":%d", port))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go kernelGreet(conn, banner)
		}
	}()
}

// kernelGreet says the banner, hears the client once, answers as a web server
// would, and closes.
func kernelGreet(conn net.Conn, banner string) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	_, _ = conn.Write([]byte(banner))
	n, _ := conn.Read(make([]byte, 4096))
	if banner == "" && n > 0 {
		_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
	}
}

// kernelInside calls f on a thread that is in the namespace. What f starts or
// opens stays in it; the thread ends with f.
func kernelInside(namespace string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: nobody else shall get this thread
		done <- func() error {
			ns, err := os.Open(filepath.Join("/run/netns", namespace))
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("setns %s: %w", namespace, err)
			}
			return f()
		}()
	}()
	return <-done
}

// kernelRun runs a program that must succeed.
func kernelRun(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
}

// kernelUntil waits until ok, which it asks again and again.
func kernelUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatal("waited too long: " + what)
		case <-tick.C:
		}
	}
}

// kernelProcess starts a process and sees to its end, which must be in order.
func kernelProcess(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	var said bytes.Buffer
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", cmd.Path, err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, said.Bytes())
		}
	})
	return cmd
}
