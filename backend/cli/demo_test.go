package cli_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/cli"
)

// TestTheDemoKeepsItsWord starts the demo, does each thing that it says in a
// shell, and ends it.
func TestTheDemoKeepsItsWord(t *testing.T) {
	if testing.Short() {
		t.Skip("the demo takes seconds to make up its week")
	}
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("NOW", time.Now().Format(time.RFC3339))
	ctx, interrupt := context.WithCancel(context.Background())
	said, to := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, []string{"demo", "--listen", "127.0.0.1:0"}, cli.Env{
			Stdout: to, Stderr: to, IsTerminal: func(io.Writer) bool { return false }, Now: time.Now, Getenv: os.Getenv,
		}, cli.Put("1.0.0", time.Now))
		_ = to.Close()
	}()
	lines := bufio.NewScanner(said)
	var function string
	var commands []string
	for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C") {
		line := strings.TrimSpace(lines.Text())
		switch {
		case len(commands) == 0 && function == "" && strings.HasPrefix(line, "obm() {"):
			function = line
		case strings.HasPrefix(line, "obm "):
			commands = append(commands, line)
		}
	}
	if function == "" || len(commands) < 6 {
		t.Fatalf("the demo said %q and %d commands", function, len(commands))
	}
	// The program that the demo names is this test's, which runs tests.
	function = regexp.MustCompile(`\{ \S+ --root`).ReplaceAllString(function, "{ exec outboundmonitor --root")
	for _, command := range commands {
		out, status := firstOf(t, function+"\n"+command)
		if status != 0 && status != 6 || len(out) == 0 || strings.Contains(out, "hint:") {
			t.Errorf("%s: status %d\n%s", command, status, out)
		}
	}
	interrupt()
	go func() { _, _ = io.Copy(io.Discard, said) }()
	if status := <-ended; status != 0 {
		t.Errorf("the demo ended with status %d", status)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
		t.Errorf("the demo left %v", left)
	}
}

// firstOf runs a line of shell and gives the first line that it prints, and
// its status after it was interrupted.
func firstOf(t *testing.T, script string) (string, int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	line, _ := r.ReadString('\n')
	if strings.Contains(script, " live") {
		_ = cmd.Process.Signal(os.Interrupt)
	}
	_, _ = io.Copy(io.Discard, r)
	_ = cmd.Wait()
	return line, cmd.ProcessState.ExitCode()
}
