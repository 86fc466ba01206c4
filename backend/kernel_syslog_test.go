//go:build linux

package backend_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// kernelSyslog is how a host writes and rotates its kernel log.
type kernelSyslog struct {
	input    string // of rsyslogd: imkmsg or imklog
	template string // of rsyslogd: which stamps
	// zone is the host's, tz the same for rsyslogd: it needs no zone database
	// that way.
	zone, tz string
	rotate   []string // logrotate's settings
	dated    bool     // rotations are named by the second
	gz       int      // compressed files after two rotations
}

// kernelLog is the host's log, written by a real rsyslogd.
type kernelLog struct {
	how       kernelSyslog
	dir, path string
	rotation  string // logrotate's settings file
}

// newKernelLog starts rsyslogd. It writes all of the kernel's messages, and of
// those that bear our prefix this run's alone: imkmsg begins with what others
// left in the ring buffer.
func newKernelLog(t *testing.T, how kernelSyslog, w *kernelWorld, path string) *kernelLog {
	t.Helper()
	if how.input == "imklog" {
		kernelAlone(t)
	}
	l := &kernelLog{how: how, dir: t.TempDir(), path: path}
	pid := filepath.Join(l.dir, "rsyslogd.pid")
	conf := l.write(t, "rsyslog.conf", fmt.Sprintf(`global(workDirectory=%q)
module(load=%q)
if ($msg contains "CSF-OUTBOUND" and not ($msg contains "OUT=%s ")) then stop
kern.* action(type="omfile" file=%q template=%q fileCreateMode="0600")
`, l.dir, how.input, w.out, path, how.template))
	l.rotation = l.write(t, "logrotate.conf", fmt.Sprintf(`%s {
	rotate 9
	create 0600 root root
	%s
	postrotate
		kill -HUP $(cat %s)
	endscript
}
`, path, strings.Join(how.rotate, "\n\t"), pid))
	cmd := exec.Command("rsyslogd", "-n", "-f", conf, "-i", pid)
	cmd.Env = append(os.Environ(), "TZ="+how.tz)
	kernelProcess(t, cmd)
	kernelUntil(t, "rsyslogd writes its pid", func() bool {
		text, err := os.ReadFile(pid)
		return err == nil && strings.TrimSpace(string(text)) == strconv.Itoa(cmd.Process.Pid)
	})
	return l
}

// kernelAlone sees that nobody else reads /proc/kmsg: the kernel gives each
// message there to one reader only.
func kernelAlone(t *testing.T) {
	t.Helper()
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == "/proc/kmsg" {
			kernelCannot(t, "/proc/kmsg has a reader already: "+fd)
		}
	}
}

func (l *kernelLog) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// turn rotates the log with a real logrotate.
func (l *kernelLog) turn(t *testing.T) {
	t.Helper()
	kernelRun(t, "logrotate", "--force", "--state", filepath.Join(l.dir, "logrotate.state"), l.rotation)
}
