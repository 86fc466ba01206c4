package backend_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/daemon"
)

// crashSize is how much a run of the crash tests does.
type crashSize struct {
	cycles, rate  int
	rotationEvery time.Duration
	seed          uint64
}

// crashRun gives the size of this run: short, or long for a soak. The seed can
// be set with OUTBOUNDMONITOR_SEED.
func crashRun(t *testing.T) crashSize {
	t.Helper()
	s := crashSize{cycles: 100, rate: 2000, rotationEvery: 300 * time.Millisecond, seed: uint64(time.Now().UnixNano())}
	if os.Getenv("OUTBOUNDMONITOR_SOAK") != "" {
		s.cycles, s.rate, s.rotationEvery = 2000, 5000, time.Second
	}
	if text := os.Getenv("OUTBOUNDMONITOR_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s.seed = seed
	}
	t.Logf("OUTBOUNDMONITOR_SEED=%d", s.seed)
	return s
}

// checkpointEvery is after how many cycles the daemon may catch up, so that
// old rotations can go.
const checkpointEvery = 25

// crashes is a daemon that is killed again and again while its log is written.
type crashes struct {
	dir  string
	env  []string
	r    *rand.Rand
	w    *writer
	b    background
	hits int // kills within a commit
}

func newCrashes(t *testing.T, s crashSize, env ...string) *crashes {
	t.Helper()
	return newCrashesAt(t, s, newHost(t), env...)
}

func newCrashesAt(t *testing.T, s crashSize, dir string, env ...string) *crashes {
	t.Helper()
	c := &crashes{dir: dir, env: env, r: rand.New(rand.NewPCG(s.seed, 1))}
	c.w = newWriter(t, rand.New(rand.NewPCG(s.seed, 2)), dir)
	c.b = background{w: c.w, rate: s.rate, every: s.rotationEvery}
	t.Cleanup(c.b.pause)
	c.w.lines(10)
	c.checkpoint(t, nil)
	return c
}

// cycles kills n daemons while lines arrive.
func (c *crashes) cycles(t *testing.T, n int) {
	t.Helper()
	c.b.start()
	for range n {
		p := startDaemon(t, c.dir, c.env...)
		if p.killAtRandom(c.r) {
			c.hits++
		}
		p.healthy(t)
	}
	c.b.pause()
}

// checkpoint lets a daemon catch up and asks it, if there is a question.
func (c *crashes) checkpoint(t *testing.T, ask func(*client.Client)) {
	t.Helper()
	p := startDaemon(t, c.dir, c.env...)
	cl := p.dial(t, c.dir)
	p.caughtUp(t, cl)
	if ask != nil {
		ask(cl)
	}
	if took := p.stop(t); took > 5*time.Second {
		t.Errorf("the daemon took %v to end", took)
	}
	p.healthy(t)
}

// compare lets a daemon catch up and compares what is stored with what was
// written.
func (c *crashes) compare(t *testing.T) (d difference) {
	t.Helper()
	c.checkpoint(t, func(cl *client.Client) { d = c.w.model.compare(t, stored(t, cl)) })
	return d
}

func TestKilledAtAnyMomentNothingIsLostAndNothingTwice(t *testing.T) {
	s := crashRun(t)
	c := newCrashes(t, s)
	for done := 0; done < s.cycles; done += checkpointEvery {
		c.cycles(t, min(checkpointEvery, s.cycles-done))
		c.checkpoint(t, nil)
		c.w.prune()
	}
	if d := c.compare(t); d.lost+d.twice > 0 {
		t.Errorf("%d cycles: %v", s.cycles, d)
	}
	c.withoutDaemon(t)
	t.Logf("%d cycles, %d lines (%d differ), %d kills within a commit, %d writes across midnight, rotations %v",
		s.cycles, c.w.model.lines.total(), len(c.w.model.lines), c.hits, c.w.straddles, c.w.rotations)
	if c.hits < s.cycles/10 && !inMemory(t, c.dir) {
		t.Errorf("only %d of %d kills fell within a commit: the test proves little", c.hits, s.cycles)
	}
	if c.w.straddles == 0 || len(c.w.rotations) == 0 {
		t.Error("no batch across midnight or no rotation: the test proves little")
	}
}

// inMemory reports whether dir lies on a tmpfs, where a commit takes too short
// a time to be met.
//
// Source: TMPFS_MAGIC in statfs(2).
func inMemory(t *testing.T, dir string) bool {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return st.Type == 0x01021994
}

// withoutDaemon asks the store itself, as a command does when no daemon runs.
func (c *crashes) withoutDaemon(t *testing.T) {
	t.Helper()
	rt, closer, err := daemon.Local(houseAt(t, c.dir))
	if err != nil {
		t.Fatal(err)
	}
	defer closer.Close()
	if d := c.w.model.compare(t, stored(t, client.New(rt))); d.lost+d.twice > 0 {
		t.Errorf("asked without the daemon: %v", d)
	}
	if left, err := filepath.Glob(filepath.Join(c.dir, "var/lib/outboundmonitor/events/*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

// TestPositionKeptApartIsSeenToLoseLines is the control of the test above: a
// store that commits the position before the events has to be found out.
func TestPositionKeptApartIsSeenToLoseLines(t *testing.T) {
	s := crashRun(t)
	c := newCrashes(t, s, crashApart+"=1")
	for range 10 {
		c.cycles(t, 10)
		if d := c.compare(t); d.lost > 0 {
			t.Logf("seen: %d lost, %d twice", d.lost, d.twice)
			return
		}
	}
	t.Errorf("100 cycles lost nothing, %d kills within a commit: the crash tests find nothing", c.hits)
}
