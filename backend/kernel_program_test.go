//go:build linux

package backend_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

// kernelProgram is the real program on a host in a folder.
type kernelProgram struct{ path, root string }

// kernelBuild builds the program.
func kernelBuild(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "outboundmonitor")
	kernelRun(t, "go", "build", "-o", path, "outboundmonitor/backend/cmd/outboundmonitor")
	return path
}

func (p *kernelProgram) command(args ...string) *exec.Cmd {
	return exec.Command(p.path, append([]string{"--root", p.root}, args...)...)
}

// serve starts the daemon and waits until it follows the log.
func (p *kernelProgram) serve(t *testing.T) {
	t.Helper()
	kernelProcess(t, p.command("serve"))
	kernelUntil(t, "the daemon follows the log", func() bool {
		out, err := p.command("status", "--json").Output()
		var doc outbound.StatusDoc
		return err == nil && json.Unmarshal(out, &doc) == nil && doc.Daemon && doc.CaughtUp
	})
}

// ask runs a command and gives what it printed and its exit status.
func (p *kernelProgram) ask(t *testing.T, args ...string) ([]byte, int) {
	t.Helper()
	var said bytes.Buffer
	cmd := p.command(args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out, exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, said.Bytes())
	}
	return out, 0
}

// all gives every event that search finds.
func (p *kernelProgram) all(t *testing.T) []outbound.EventDoc {
	t.Helper()
	out, exit := p.ask(t, "search", "--jsonl", "--limit", "0")
	if exit != 0 {
		t.Fatalf("search ended with exit status %d", exit)
	}
	events, err := kernelEvents(out)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// shows reports whether search finds a connection to an address.
func (p *kernelProgram) shows(t *testing.T, dst netip.Addr) bool {
	t.Helper()
	out, _ := p.ask(t, "search", "--dst", dst.String(), "--json")
	var doc outbound.SearchDoc
	return json.Unmarshal(out, &doc) == nil && len(doc.Events) > 0
}

// who asks the question of a complaint.
func (p *kernelProgram) who(t *testing.T, dst netip.Addr, at time.Time) (doc outbound.WhoDoc, exit int) {
	t.Helper()
	out, exit := p.ask(t, "who", dst.String(), "--at", at.Format(time.RFC3339Nano), "--json")
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("who %s: %v in %q", dst, err, out)
	}
	return doc, exit
}

func kernelEvents(jsonl []byte) (all []outbound.EventDoc, err error) {
	for line := range bytes.Lines(jsonl) {
		var e outbound.EventDoc
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("%w in %q", err, line)
		}
		all = append(all, e)
	}
	return all, nil
}

// kernelLive is what `live` has printed so far.
type kernelLive struct {
	mu   sync.Mutex
	text []byte
}

// Write takes what was printed.
func (l *kernelLive) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

// events gives the events of the whole lines.
func (l *kernelLive) events(t *testing.T) []outbound.EventDoc {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	all, err := kernelEvents(l.text[:bytes.LastIndexByte(l.text, '\n')+1])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// live starts to watch connections as they come.
func (p *kernelProgram) live(t *testing.T) *kernelLive {
	t.Helper()
	l := &kernelLive{}
	cmd := p.command("live", "--jsonl")
	cmd.Stdout = l
	kernelProcess(t, cmd)
	return l
}

// kernelHost copies the small host and gives it a zone and an empty log.
func kernelHost(t *testing.T, zone string) (root, log string) {
	t.Helper()
	root = t.TempDir()
	if err := os.CopyFS(root, os.DirFS("../testdata/host/small")); err != nil {
		t.Fatal(err)
	}
	log = filepath.Join(root, "var/log/messages")
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../usr/share/zoneinfo/"+zone, filepath.Join(root, "etc/localtime")); err != nil {
		t.Fatal(err)
	}
	return root, log
}
