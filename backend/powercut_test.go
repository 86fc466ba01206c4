package backend_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// loopSize is how large the disk is that the power of is cut, in bytes.
const loopSize = 48 << 20

// loopDisk makes an ext4 in a file and gives the file, not mounted.
func loopDisk(t *testing.T) (image string) {
	t.Helper()
	image = filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, loopSize); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput(); err != nil {
		t.Skipf("no ext4 can be made here: %v %s", err, bytes.TrimSpace(out))
	}
	return image
}

// mountLoop mounts a disk that lies in a file, until unmount or the test's end.
func mountLoop(t *testing.T, image, options string) (dir string, unmount func()) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-o", "loop"+options, image, dir).CombinedOutput(); err != nil {
		t.Skipf("no disk in a file can be mounted here: %v %s", err, bytes.TrimSpace(out))
	}
	mounted := true
	unmount = func() {
		if !mounted {
			return
		}
		mounted = false
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("%s: %v", dir, err)
			_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		}
	}
	t.Cleanup(unmount)
	return dir, unmount
}

// powered is a store in its own process whose power is cut.
type powered struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	asked int // steps that it was asked for
	out   *os.File
	lines *bufio.Reader
	plan  *plan
	g     progress
}

func startPowered(t *testing.T, seed uint64, size int, dir string, env ...string) *powered {
	t.Helper()
	p := &powered{cmd: lifeCommand(t, seed, size, dir), plan: newPlan(seed, size)}
	p.plan.unsynced = len(env) > 0
	p.cmd.Env = append(append(p.cmd.Env, lifeAsked+"=1"), env...)
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out, p.lines, p.cmd.Stdout = out, bufio.NewReader(out), w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(p.end)
	return p
}

// end kills the process and waits for it.
func (p *powered) end() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
	_ = p.out.Close()
}

// hear reads one line, and reports whether there was one.
func (p *powered) hear() bool {
	line, err := p.lines.ReadString('\n')
	p.g.hear(line)
	return err == nil
}

// stop holds the process still with all its threads, and hears what it said by
// then. A system call that is under way is finished first.
func (p *powered) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the store did not stop: %v, %v", status, err)
	}
	for {
		waiting, err := p.waiting()
		if err != nil {
			t.Fatal(err)
		}
		if waiting == 0 {
			return
		}
		p.hear()
	}
}

// ask has the store take the step that it stands before, once.
func (p *powered) ask(t *testing.T) {
	t.Helper()
	if p.asked > p.g.done {
		return
	}
	p.asked = p.g.done + 1
	if _, err := p.stdin.Write([]byte{'\n'}); err != nil {
		t.Fatal(err)
	}
}

// spin lets the store come a little further.
func (p *powered) spin(t *testing.T, n int) {
	t.Helper()
	for range n {
		if _, err := p.waiting(); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting is how many bytes the store has said that were not heard.
func (p *powered) waiting() (int, error) {
	n, err := unix.IoctlGetInt(int(p.out.Fd()), unix.TIOCINQ)
	return n + p.lines.Buffered(), err
}

func (p *powered) goOn(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// copyDisk copies what came to a disk by now. The system may write to it
// meanwhile: a copy is one of a moment when a second reading finds the same.
func copyDisk(t *testing.T, image string) (copied string) {
	t.Helper()
	before, err := os.ReadFile(image)
	for {
		after, err2 := os.ReadFile(image)
		if err = errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(before, after) {
			break
		}
		before = after
	}
	copied = filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(copied, before, 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

// cuts cuts the power of one life n times, and gives what was wrong with the
// disk after each.
func cuts(t *testing.T, r *rand.Rand, seed uint64, n int, env ...string) (wrong []error) {
	t.Helper()
	const size = 6000
	image := loopDisk(t)
	commit := []string{"1", "5", "1000"}[r.IntN(3)]
	disk, unmount := mountLoop(t, image, ",commit="+commit)
	p := startPowered(t, seed, size, filepath.Join(disk, "state"), env...)
	at := map[progress]bool{}
	for _, i := range r.Perm(2 * len(p.plan.steps))[:n] {
		at[progress{done: i / 2, open: i%2 == 0}] = true
	}
	within := 0
	for p.g.done < len(p.plan.steps) && p.hear() {
		chosen := at[p.g]
		if p.g.open {
			p.ask(t)
		}
		if !chosen {
			continue
		}
		delete(at, p.g)
		p.spin(t, r.IntN(8000))
		p.stop(t)
		if p.g.open {
			within++
		}
		wrong = append(wrong, cut(t, p, image))
		p.goOn(t)
		if p.g.open {
			p.ask(t) // it may have said so just before it stopped
		}
	}
	p.end()
	unmount()
	t.Logf("%d cuts, %d of them within a step, commit=%s", len(wrong), within, commit)
	return wrong
}

// cut copies the disk as a power cut would leave it, and looks at the copy.
func cut(t *testing.T, p *powered, image string) error {
	t.Helper()
	copied := copyDisk(t, image)
	dir, unmount := mountLoop(t, copied, "")
	defer os.Remove(copied)
	defer unmount()
	state := filepath.Join(dir, "state")
	if _, err := os.Stat(state); errors.Is(err, os.ErrNotExist) && p.g.done == 0 {
		return os.Mkdir(state, 0o700)
	}
	return p.plan.verified(state, p.g, true)
}

// TestPowerCutLosesNothingThatWasAcknowledged stops a store, takes its disk as
// it is without what the system still holds in memory, and opens that.
func TestPowerCutLosesNothingThatWasAcknowledged(t *testing.T) {
	s := crashRun(t)
	lives := 1
	if s.cycles > 100 {
		lives = 15
	}
	r := rand.New(rand.NewPCG(s.seed, 5))
	done := 0
	for range lives {
		wrong := cuts(t, r, r.Uint64(), 8)
		for _, err := range wrong {
			if err != nil {
				t.Errorf("cut %d: %v", done, err)
			}
			done++
		}
	}
	if done < 6*lives {
		t.Errorf("%d cuts in %d lives: the test proves little", done, lives)
	}
}

// TestPowerCutOfAnUnsyncedStoreIsSeen is the control of the test above.
func TestPowerCutOfAnUnsyncedStoreIsSeen(t *testing.T) {
	s := crashRun(t)
	r := rand.New(rand.NewPCG(s.seed, 6))
	if errors.Join(cuts(t, r, s.seed, 4, lifeUnsynced+"=1")...) == nil {
		t.Error("a store that syncs nothing lost nothing: the test finds nothing")
	}
}
