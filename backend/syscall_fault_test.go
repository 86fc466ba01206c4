package backend_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// fault is a system call that fails, and how.
type fault struct{ call, how string }

// faults are those that a store has to live with. A short write is one of no
// byte: strace can leave a call out and say what it gave, but not cut it short.
var faults = []fault{
	{"pwrite64", "error=ENOSPC"},
	{"pwrite64", "error=EIO"},
	{"pwrite64", "error=EINTR"},
	{"pwrite64", "retval=0"},
	{"fdatasync", "error=EIO"},
	{"fdatasync", "error=ENOSPC"},
	{"fdatasync", "error=EINTR"},
	{"fsync", "error=EIO"},
	{"ftruncate", "error=ENOSPC"},
	{"ftruncate", "error=EIO"},
	{"ftruncate", "error=EINTR"},
	{"rename,renameat,renameat2", "error=EIO"},
	{"rename,renameat,renameat2", "error=ENOSPC"},
	{"unlinkat", "error=EIO"},
	{"mkdirat", "error=ENOSPC"},
	{"openat", "error=EIO"},
	{"openat", "error=ENOSPC"},
	{"openat", "error=EMFILE"},
	{"openat", "error=EINTR"},
}

// faulty makes calls fail and keeps count.
type faulty struct {
	size, step int
	seed       uint64
	mu         sync.Mutex // guards what follows
	fired      int
	recovered  int // lives that went on to their end all the same
}

// TestFaultAtTheNthSystemCallLosesNothing lets the n-th call of a kind fail, once
// or from then on, for n up to where none does, and looks at what is stored
// afterwards.
func TestFaultAtTheNthSystemCallLosesNothing(t *testing.T) {
	needStrace(t)
	s := crashRun(t)
	x := &faulty{size: 1600, step: 7, seed: s.seed}
	if s.cycles > 100 {
		x.step = 1
	}
	t.Run("each", func(t *testing.T) {
		for i, f := range faults {
			t.Run(f.call+" "+f.how, func(t *testing.T) {
				t.Parallel()
				x.each(t, f, rand.New(rand.NewPCG(s.seed, 4+uint64(i))))
			})
		}
	})
	t.Logf("%d lives with a fault, %d went on to the end", x.fired, x.recovered)
	if x.fired < 2*len(faults) || x.recovered == 0 || x.recovered == x.fired {
		t.Error("few faults, or none that matters: the test proves little")
	}
}

// each lets one call after the other fail, until none is left.
func (x *faulty) each(t *testing.T, f fault, r *rand.Rand) {
	step := x.step
	if f.call != "pwrite64" && f.call != "fdatasync" && f.call != "openat" {
		step = min(step, 2) // there are few
	}
	n := 1 + r.IntN(step)
	for ; x.at(t, f, n, r.IntN(2) == 0); n += step {
	}
	for n := 1; step == 1 && x.at(t, f, n, true); n++ {
	}
	t.Logf("tried up to the call number %d", n)
}

// count counts a life that had a fault, and one that went on to its end.
func (x *faulty) count(fired, recovered int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fired += fired
	x.recovered += recovered
}

// at lets the n-th call fail, with on all after it too, and reports whether
// any failed.
func (x *faulty) at(t *testing.T, f fault, n int, on bool) bool {
	t.Helper()
	dir, trace := filepath.Join(t.TempDir(), "state"), filepath.Join(t.TempDir(), "trace")
	more := ""
	if on {
		more = "+"
	}
	if on && strings.HasSuffix(f.how, "EINTR") {
		more = fmt.Sprintf("..%d", n+2) // a call that is interrupted is made again, for ever if need be
	}
	what := fmt.Sprintf("%s:%s:when=%d%s", f.call, f.how, n, more)
	cmd := lifeCommand(t, x.seed, x.size, dir, "strace", "-f", "--seccomp-bpf", "-y", "-s", "200", "-e", "trace="+f.call, "-e", "inject="+what, "-o", trace)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	_ = stdin.Close()
	if panicked.Match(out) {
		t.Errorf("%s: %v\n%s", what, err, out)
	}
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("(INJECTED)")) {
		return false
	}
	if !injectedBelow(data, dir) {
		return true // into the runtime's own
	}
	x.count(1, 0)
	p := newPlan(x.seed, x.size)
	var g progress
	for line := range strings.Lines(string(out)) {
		g.hear(line)
	}
	if g.done == len(p.steps) {
		x.count(0, 1)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.verified(dir, g, true); err != nil {
		t.Errorf("OUTBOUNDMONITOR_SEED=%d %s: done %d of %d, open %v: %v\n%s", x.seed, what, g.done, len(p.steps), g.open, err, faultsSaid(out))
	}
	return true
}

// panicked finds what the Go runtime says of a panic.
var panicked = regexp.MustCompile(`(?m)^(panic: |fatal error: |SIG[A-Z]+: |goroutine \d+ \[)`)

func injectedBelow(trace []byte, dir string) bool {
	for in := bufio.NewScanner(bytes.NewReader(trace)); in.Scan(); {
		if strings.Contains(in.Text(), "(INJECTED)") && strings.Contains(in.Text(), dir) {
			return true
		}
	}
	return false
}

// faultsSaid leaves of what a store said its faults.
func faultsSaid(out []byte) string {
	var all strings.Builder
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "error ") || strings.HasPrefix(line, "gave up ") {
			all.WriteString(line)
		}
	}
	return all.String()
}
