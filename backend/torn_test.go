package backend_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// lifeCommand is a store in its own process, below program and its arguments.
func lifeCommand(t *testing.T, seed uint64, size int, dir string, program ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append(program, exe, "-test.run=^TestStoreInItsOwnProcess$", "-test.timeout=0")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), lifeDir+"="+dir, lifeSeed+"="+strconv.FormatUint(seed, 10), lifeSize+"="+itoa(size), "GOMAXPROCS=2")
	return cmd
}

// needStrace leaves the test out where system calls cannot be traced.
func needStrace(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strace", "-o", os.DevNull, "--seccomp-bpf", "-f", "true").CombinedOutput(); err != nil {
		t.Skipf("system calls cannot be traced here: %v %s", err, bytes.TrimSpace(out))
	}
}

// recordLife has a store live under strace, and gives the trace.
func recordLife(t *testing.T, seed uint64, size int, dir string, env ...string) (trace string) {
	t.Helper()
	needStrace(t)
	trace = filepath.Join(t.TempDir(), "trace")
	cmd := lifeCommand(t, seed, size, dir, "strace", "-f", "--seccomp-bpf", "-xx", "-s", "67108864", "-e", "trace="+traced, "-o", trace)
	cmd.Env = append(cmd.Env, env...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	_ = stdin.Close()
	if err != nil || bytes.Contains(out, []byte("\nerror")) {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("\nsqueezed [2")) {
		t.Error("no day's file was worth to be squeezed: the test proves little")
	}
	return trace
}

// tearing lays crash images out and counts what is wrong with them.
type tearing struct {
	r       *rand.Rand
	plan    *plan
	root    string
	dir     string // of the images
	key     []byte
	changes []string // of the disk: within which kind of step, or ""
	chances []bool   // which of the changes are to be tried
	seen    int      // changes
	images  int
	loose   int // images with something to lose
	ways    map[string]int
	open    map[string]int // images within a step, by its kind
	bad     []string
}

// run replays a trace and tries the images of the moments that are chosen.
func (x *tearing) run(trace []call) error {
	p := newReplay(x.root)
	for _, c := range trace {
		if err := p.take(c); err != nil {
			return err
		}
		if !p.changed {
			continue
		}
		n := x.seen
		x.seen++
		if x.chances == nil {
			x.changes = append(x.changes, x.within(p))
		}
		if x.chances == nil || !x.chances[n] {
			continue
		}
		if err := x.image(p); err != nil {
			return err
		}
	}
	return nil
}

func (x *tearing) within(p *replay) string {
	if !p.g.open {
		return ""
	}
	return x.plan.steps[p.g.done].what
}

// choose takes n of all moments at which the disk changed, a third of them
// outside of what there is most of.
func (x *tearing) choose(n int) {
	x.chances = make([]bool, x.seen)
	taken := 0
	for _, i := range x.r.Perm(x.seen) {
		if x.changes[i] != follow && taken < n/3 {
			x.chances[i] = true
			taken++
		}
	}
	for _, i := range x.r.Perm(x.seen) {
		if !x.chances[i] && taken < n {
			x.chances[i] = true
			taken++
		}
	}
	x.seen = 0
}

// image tries one crash.
func (x *tearing) image(p *replay) error {
	way := ways[x.images%waysTaken]
	dir := filepath.Join(x.dir, itoa(x.images))
	if err := errors.Join(os.MkdirAll(dir, 0o700), p.disk.crash(x.r, way, x.root, dir)); err != nil {
		return err
	}
	x.images++
	x.ways[way]++
	if p.disk.loose() > 0 {
		x.loose++
	}
	x.open[x.within(p)]++
	err := x.plan.verified(dir, p.g, x.images%4 == 0)
	if key, _ := os.ReadFile(filepath.Join(dir, "store.key")); p.g.done > 0 && !bytes.Equal(key, x.key) {
		err = errors.Join(err, errors.New("the key is another one: events have other names now"))
	}
	if err != nil {
		x.bad = append(x.bad, fmt.Sprintf("image %d, change %d, %s, step %d open %v: %v", x.images-1, x.seen-1, way, p.g.done, p.g.open, err))
		if len(x.bad) == 1 {
			return nil // left for the eye
		}
	}
	return os.RemoveAll(dir)
}

// tear records a life and tries n crashes in it.
func tear(t *testing.T, s crashSize, n int, env ...string) *tearing {
	t.Helper()
	const size = 36_000
	x := &tearing{
		r: rand.New(rand.NewPCG(s.seed, 3)), plan: newPlan(s.seed, size), root: filepath.Join(t.TempDir(), "state"), dir: t.TempDir(),
		ways: map[string]int{}, open: map[string]int{},
	}
	x.plan.unsynced = len(env) > 0
	if err := os.Mkdir(x.root, 0o700); err != nil {
		t.Fatal(err)
	}
	trace, err := readTrace(recordLife(t, s.seed, size, x.root, env...))
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(x.root, "store.key"))
	if err != nil {
		t.Fatal(err)
	}
	x.key = key
	if err := x.run(trace); err != nil {
		t.Fatal(err)
	}
	changes := x.seen
	x.choose(n)
	if err := x.run(trace); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events in %d steps, %d changes of the disk; %d images, %d with something to lose, %v, within %v, %d bad",
		len(x.plan.events), len(x.plan.steps), changes, x.images, x.loose, x.ways, x.open, len(x.bad))
	return x
}

// TestTornAndReorderedWritesLoseNothingThatWasAcknowledged replays the recorded
// writes of a store up to moments at random, and loses or tears of those that
// no sync covers what a power cut could.
func TestTornAndReorderedWritesLoseNothingThatWasAcknowledged(t *testing.T) {
	s := crashRun(t)
	lives, images := 1, 60
	if s.cycles > 100 {
		lives, images = 4, 500
	}
	for range lives {
		x := tear(t, s, images)
		for _, bad := range x.bad[:min(8, len(x.bad))] {
			t.Errorf("seed %d: %s", s.seed, bad)
		}
		if x.loose < images/3 || x.images < images {
			t.Errorf("%d images, %d with something to lose: the test proves little", x.images, x.loose)
		}
		s.seed++
	}
}

// TestUnsyncedWritesAreSeenToBeLost is the control of the test above: a store
// that syncs nothing has to be found out.
func TestUnsyncedWritesAreSeenToBeLost(t *testing.T) {
	x := tear(t, crashRun(t), 12, lifeUnsynced+"=1")
	if len(x.bad) < x.images/3 {
		t.Errorf("only %d of %d images are bad: the test finds nothing", len(x.bad), x.images)
	}
	panics := slices.DeleteFunc(x.bad, func(b string) bool { return !strings.Contains(b, thePanic) })
	for _, p := range panics {
		t.Error("a damaged store is a fault and no panic:", p)
	}
}
