package backend_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

// smallDisk mounts a disk of its own for the state folder of a host.
func smallDisk(t *testing.T, dir, size string) (state string) {
	t.Helper()
	state = filepath.Join(dir, "var/lib/outboundmonitor")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", state, "tmpfs", 0, "mode=0700,size="+size)
	if errors.Is(err, syscall.EPERM) {
		t.Skip("not root: no disk can be mounted to be filled")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(state, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return state
}

// fill takes all of the disk but for left bytes, and gives what frees it.
func fill(t *testing.T, state string, left int64) (free func()) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(state, &st); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(state, "somebody-elses")
	data := make([]byte, max(0, int64(st.Bavail)*st.Bsize-left))
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}

func refused(s outbound.StatusDoc) bool {
	return !s.Recording && strings.Contains(s.Why, "nothing can be stored")
}

// TestFullDiskLosesNothing fills the disk of the state folder while lines
// arrive, kills or stops the daemon meanwhile, and makes room again.
func TestFullDiskLosesNothing(t *testing.T) {
	s := crashRun(t)
	cycles := 3
	if s.cycles > 100 {
		cycles = 40
	}
	s.fullDisk(t, cycles, "16m", 0)
}

// TestMinFreeLosesNothing does the same with a daemon that leaves a part of the
// disk free: it stops storing long before the disk is full. The days that are
// stored take less than is missing, so none goes.
func TestMinFreeLosesNothing(t *testing.T) {
	s := crashRun(t)
	cycles := 5
	if s.cycles > 100 {
		cycles = 20
	}
	t.Setenv(crashFree, "1")
	s.fullDisk(t, cycles, "32m", 1<<20)
}

// fullDisk leaves so many bytes of a disk of that size, again and again.
func (s crashSize) fullDisk(t *testing.T, cycles int, size string, left int64) {
	t.Helper()
	dir := newHost(t)
	state := smallDisk(t, dir, size)
	c := newCrashesAt(t, s, dir)
	c.w.ways = []string{create, reopenLater, createCompress}
	for range cycles {
		c.fullDisk(t, state, left)
	}
	if d := c.compare(t); d.lost+d.twice > 0 {
		t.Error(d)
	}
	t.Logf("%d lines, rotations %v", c.w.model.lines.total(), c.w.rotations)
}

// fullDisk is one time that the disk is full but for left bytes and a few.
func (c *crashes) fullDisk(t *testing.T, state string, left int64) {
	t.Helper()
	p := startDaemon(t, c.dir)
	cl := p.dial(t, c.dir)
	p.caughtUp(t, cl)
	free := fill(t, state, left+c.r.Int64N(64<<10))
	defer free()
	c.w.lines(25_000) // more than is held in memory
	c.b.start()
	defer c.b.pause()
	p.status(t, cl, 10*time.Second, refused)
	for range 20 {
		p.wait(20 * time.Millisecond)
		if doc := p.status(t, cl, 0, func(outbound.StatusDoc) bool { return true }); !refused(doc) {
			t.Errorf("while the disk is full status says recording %v, %q", doc.Recording, doc.Why)
		} else if left > 0 && !strings.Contains(doc.Why, "min_free") {
			t.Errorf("status says %q, want the limit's name", doc.Why)
		}
	}
	if n := strings.Count(p.said(), "nothing can be stored"); n != 1 {
		t.Errorf("that the disk is full was said %d times", n)
	}
	if c.r.IntN(2) == 0 {
		p.kill()
	} else if took := p.stop(t); took > 5*time.Second {
		t.Errorf("with a full disk the daemon took %v to end", took)
	}
	c.fullFromTheBeginning(t, free)
}

// fullFromTheBeginning starts a daemon on the full disk, and makes room.
func (c *crashes) fullFromTheBeginning(t *testing.T, free func()) {
	t.Helper()
	p := startDaemon(t, c.dir)
	cl := p.dial(t, c.dir)
	doc := p.status(t, cl, 10*time.Second, refused)
	if doc.CaughtUp {
		t.Error("status says caught up, and nothing could be stored")
	}
	free()
	p.status(t, cl, 10*time.Second, func(s outbound.StatusDoc) bool { return s.Recording && s.CaughtUp })
	if took := p.stop(t); took > 5*time.Second {
		t.Errorf("the daemon took %v to end", took)
	}
}
