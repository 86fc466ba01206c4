package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// program gives the program to be run in a script's folder, on its clock.
func program(ts *testscript.TestScript, args ...string) *exec.Cmd {
	path, err := exec.LookPath("outboundmonitor")
	ts.Check(err)
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "NOW="+ts.Getenv("NOW"))
	return cmd
}

// interrupt ends a process as a person at a terminal does, and waits for it.
func interrupt(cmd *exec.Cmd) error {
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return cmd.Wait()
}

var sockets atomic.Int64

// serve starts the daemon and waits until it says to systemd that it answers:
// serve FLAG.... It is interrupted at the script's end and must end well.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve [FLAG...]")
	}
	name := fmt.Sprintf("@outboundmonitor-test-%d-%d", os.Getpid(), sockets.Add(1))
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "\x00" + name[1:], Net: "unixgram"})
	ts.Check(err)
	defer notify.Close()
	log, err := os.Create(filepath.Join(ts.MkAbs("."), "daemon.log"))
	ts.Check(err)
	cmd := program(ts, append(args, "serve")...)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+name)
	cmd.Stderr = log
	ts.Check(cmd.Start())
	ts.Defer(func() {
		if err := interrupt(cmd); err != nil {
			said, _ := os.ReadFile(log.Name())
			ts.Logf("the daemon ended with %v\n%s", err, said)
			ts.Fatalf("the daemon did not end well")
		}
		_ = log.Close()
	})
	said := make([]byte, 64)
	n, err := notify.Read(said)
	ts.Check(err)
	if string(said[:n]) != "READY=1" {
		ts.Fatalf("the daemon said %q", said[:n])
	}
}

// following is a command that prints as things happen.
type following struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

// followed is the key of a script's following, and the file with what it
// printed.
const followed = "followed"

// startFollowing starts a command that goes on until it is interrupted, and waits for
// the first line that it prints: follow COMMAND [ARG...].
func startFollowing(ts *testscript.TestScript, neg bool, args []string) {
	f := ts.Value(followed).(*following)
	if neg || len(args) < 2 || f.cmd != nil {
		ts.Fatalf("usage: follow outboundmonitor ARG..., once")
	}
	f.cmd = program(ts, args[1:]...)
	out, err := f.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(f.cmd.Start())
	f.out = bufio.NewScanner(out)
	if !f.out.Scan() {
		ts.Fatalf("nothing was printed: %v", f.cmd.Wait())
	}
	ts.Check(os.WriteFile(ts.MkAbs(followed), []byte(f.out.Text()+"\n"), 0o600))
}

// endFollowing waits for n more lines of what is followed, interrupts it and leaves
// all that it printed in the file followed: lines N.
func endFollowing(ts *testscript.TestScript, neg bool, args []string) {
	f, n := ts.Value(followed).(*following), 0
	if _, err := fmt.Sscan(strings.Join(args, " "), &n); err != nil || neg || f.cmd == nil {
		ts.Fatalf("usage: lines N, after follow")
	}
	to, err := os.OpenFile(ts.MkAbs(followed), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	defer to.Close()
	for range n {
		if !f.out.Scan() {
			ts.Fatalf("the output ended: %v", f.cmd.Wait())
		}
		_, err := io.WriteString(to, f.out.Text()+"\n")
		ts.Check(err)
	}
	ts.Check(interrupt(f.cmd))
	f.cmd = nil
}
