package tail_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/tail"
)

var notFiles = map[string]func(w *world, name string){
	"a FIFO":          func(w *world, name string) { w.must(syscall.Mkfifo(w.path(name), 0o600)) },
	"a folder":        func(w *world, name string) { w.must(os.Mkdir(w.path(name), 0o700)) },
	"a symbolic link": func(w *world, name string) { w.must(os.Symlink("syslog", w.path(name))) },
	"a socket": func(w *world, name string) {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		w.must(err)
		w.t.Cleanup(func() { _ = syscall.Close(fd) })
		dir, err := os.Open(w.dir)
		w.must(err)
		defer dir.Close()
		w.must(syscall.Fchdir(int(dir.Fd())))
		w.must(syscall.Bind(fd, &syscall.SockaddrUnix{Name: name}))
	},
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	for name, put := range notFiles {
		t.Run(name, func(t *testing.T) {
			t.Chdir(".") // a socket is bound by a name relative to its folder
			inBubble(t, func(w *world) {
				put(w, "messages")
				w.start()
				err := w.stop()
				if !errors.Is(err, hostfs.ErrNotRegular) || !strings.Contains(err.Error(), logPath) {
					t.Errorf("Run = %v, want %v and the log's name", err, hostfs.ErrNotRegular)
				}
			})
		})
	}
}

func TestLogThatBecomesNoFileIsRefused(t *testing.T) {
	for name, put := range notFiles {
		t.Run(name, func(t *testing.T) {
			t.Chdir(".")
			inBubble(t, func(w *world) {
				w.line(3)
				w.start()
				w.rename("messages", "messages.1")
				w.line(2)
				put(w, "messages")
				w.look()
				w.check()
				if err := w.stop(); !errors.Is(err, hostfs.ErrNotRegular) {
					t.Errorf("Run = %v, want %v", err, hostfs.ErrNotRegular)
				}
			})
		})
	}
}

// TestRotationsThatAreNoFilesAreGoneOver: names like those of rotations.
func TestRotationsThatAreNoFilesAreGoneOver(t *testing.T) {
	for name, put := range notFiles {
		t.Run(name, func(t *testing.T) {
			t.Chdir(".")
			inBubble(t, func(w *world) {
				w.line(3)
				w.start()
				w.must(w.stop())
				w.rotate()
				w.line(3)
				w.rename("messages.1", "messages.2")
				put(w, "messages.1")
				w.start()
				w.check()
				w.noGap()
			})
		})
	}
}

func TestLogThatDoesNotExistIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { _ = w.stop() }()
		var said bytes.Buffer
		w.logger = slog.New(slog.NewTextHandler(&said, nil))
		w.start()
		w.look()
		w.look()
		if n := strings.Count(said.String(), logPath); n != 1 {
			t.Errorf("said %d times, want once: %s", n, said.String())
		}
		if len(w.chunks) != 0 {
			t.Errorf("chunks %+v of no log", w.chunks)
		}
		w.line(3)
		w.must(w.writer.Close())
		w.look()
		w.check()
	})
}

func TestTheLogIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		files      map[string]string
		configured string
		want, how  string
		code       outbound.Code
	}{
		"configured":                  {configured: "/srv/log", want: "/srv/log", how: "settings", files: map[string]string{"/var/log/messages": ""}},
		"configured with a wildcard":  {configured: "/srv/*/log", want: "/srv/b/log", how: "settings", files: map[string]string{"/srv/b/log": "", "/srv/c/log": "", "/srv/a/log/folder": ""}},
		"a wildcard without a match":  {configured: "/srv/*", code: outbound.NotFound, files: map[string]string{"/var/log/messages": ""}},
		"named by csf":                {want: "/var/log/kern.log", how: "csf.conf", files: map[string]string{"/etc/csf/csf.conf": "# IPTABLES_LOG = \"/no\"\nIPTABLES = \"/sbin/iptables\"\nIPTABLES_LOG = \"/var/log/kern.log\"\n", "/var/log/kern.log": "", "/var/log/messages": ""}},
		"named by csf, a wildcard":    {want: "/var/log/kern.log", how: "csf.conf", files: map[string]string{"/etc/csf/csf.conf": "IPTABLES_LOG=\"/var/log/k*.log\"", "/var/log/kern.log": ""}},
		"csf names what is not there": {want: "/var/log/syslog", how: "usual", files: map[string]string{"/etc/csf/csf.conf": "IPTABLES_LOG = \"/var/log/messages\"", "/var/log/syslog": ""}},
		"messages before syslog":      {want: "/var/log/messages", how: "usual", files: map[string]string{"/var/log/messages": "", "/var/log/syslog": ""}},
		"csf's value is empty":        {want: "/var/log/messages", how: "usual", files: map[string]string{"/etc/csf/csf.conf": "IPTABLES_LOG = \"\"", "/var/log/messages": ""}},
		"none":                        {code: outbound.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for name, text := range c.files {
				w.must(w.root.MkdirAll(name[:strings.LastIndexByte(name, '/')], 0o700))
				w.must(os.WriteFile(w.root.Path(name), []byte(text), 0o600))
			}
			got, how, err := tail.Find(w.root, c.configured)
			var person *outbound.Error
			if c.code != "" {
				if !errors.As(err, &person) || person.Code != c.code {
					t.Errorf("Find = %q, %v; want code %s", got, err, c.code)
				}
				return
			}
			if err != nil || got != c.want || !strings.Contains(how, c.how) {
				t.Errorf("Find = %q, %q, %v; want %q, %q", got, how, err, c.want, c.how)
			}
		})
	}
}
