package tail_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestAnyOrderOfEvents runs random sequences of what writers, logrotate and
// the follower's end do. After each the caller must have each line written
// once and in order, without a gap. TAIL_SEED repeats one run.
func TestAnyOrderOfEvents(t *testing.T) {
	runs := 200
	if testing.Short() {
		runs = 50
	}
	first := uint64(time.Now().UnixNano()) % 1e9
	if seed, err := strconv.ParseUint(os.Getenv("TAIL_SEED"), 10, 64); err == nil {
		first, runs = seed, 1
	}
	for i := range runs {
		seed := first + uint64(i)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, func(w *world) { newModel(w, seed).run(60) })
		})
	}
}

type model struct {
	*world
	rnd   *rand.Rand
	dates bool
	day   int
	// untold means that the writer writes to a renamed file; which is its name.
	untold string
	told   []string // what was done, for the log
}

func newModel(w *world, seed uint64) *model {
	rnd := rand.New(rand.NewPCG(seed, seed))
	return &model{world: w, rnd: rnd, dates: rnd.IntN(2) == 0, day: 20261101}
}

func (m *model) run(steps int) {
	m.t.Helper()
	defer func() {
		if m.t.Failed() {
			m.t.Log(strings.Join(m.told, ", "))
		}
	}()
	m.line(1) // a position at 0 has no content to be found by
	m.start()
	for range steps {
		m.step()
	}
	m.look()
	m.check()
	m.noGap()
}

func (m *model) step() {
	for _, s := range []struct {
		weight int
		name   string
		f      func()
	}{
		{30, "lines", func() { m.line(1 + m.rnd.IntN(5)) }},
		{1, "burst", func() { m.line(5000) }},
		{15, "half", m.begin},
		{8, "overlong", m.overlong},
		{25, "look", m.look},
		{12, "rename", m.turn},
		{15, "hup", func() { m.reopen(); m.untold = "" }},
		{8, "restart", m.restart},
		{6, "crash", m.crash},
		{8, "gzip", m.gzip},
		{4, "copytruncate", m.copyAndTruncate},
		{3, "replace", m.replace},
		{0, "", nil},
	} {
		if s.f == nil {
			break
		}
		if m.rnd.IntN(135) < s.weight {
			m.told = append(m.told, s.name)
			s.f()
		}
	}
}

// overlong begins a line, or goes on with one, that is never given.
func (m *model) overlong() {
	if m.half != "" {
		return
	}
	m.put(strings.Repeat("o", 8200+m.rnd.IntN(300<<10)) + "\n")
}

// turn renames and creates without telling the writer.
func (m *model) turn() {
	name := "messages.1"
	if m.dates {
		m.day++
		name = fmt.Sprint("messages-", m.day)
		m.rename("messages", name)
		if m.rnd.IntN(3) > 0 {
			m.create()
		} else {
			m.reopen()
			m.untold = ""
			return
		}
	} else {
		m.shift()
		if m.untold != "" {
			m.untold = next(m.untold)
		}
	}
	if m.untold == "" {
		m.untold = name
	}
}

func next(name string) string {
	var n int
	_, _ = fmt.Sscanf(name, "messages.%d", &n)
	return fmt.Sprintf("messages.%d", n+1)
}

// crash makes the caller fail at one of the next chunks.
func (m *model) crash() {
	m.refuse = m.rnd.IntN(3)
	m.look()
	if err := m.stop(); err != nil && err != errRefused {
		m.t.Fatalf("Run = %v", err)
	}
	m.refuse = -1
	if m.rnd.IntN(2) == 0 {
		m.start()
		return
	}
	for range m.rnd.IntN(4) {
		m.line(1)
		m.turn()
		m.gzip()
		m.reopen()
		m.untold = ""
	}
	m.start()
}

// gzip compresses a rotated file that the writer has left.
func (m *model) gzip() {
	entries, err := os.ReadDir(m.dir)
	m.must(err)
	for _, e := range entries {
		name := e.Name()
		if name != "messages" && name != m.untold && !strings.HasSuffix(name, ".gz") {
			m.compress(name)
			return
		}
	}
}

// copyAndTruncate rotates as copytruncate does, between two lines.
func (m *model) copyAndTruncate() {
	if m.untold != "" || m.half != "" || m.writer == nil {
		return
	}
	data, err := os.ReadFile(m.path("messages"))
	m.must(err)
	if len(data) == 0 {
		return
	}
	m.turnAway(data)
	m.must(m.writer.Truncate(0))
}

// turnAway puts data where a rotated log belongs.
func (m *model) turnAway(data []byte) {
	name := "messages.1"
	if m.dates {
		m.day++
		name = fmt.Sprint("messages-", m.day)
	} else {
		m.makeRoom()
	}
	m.must(os.WriteFile(m.path(name), data, 0o600))
}

// replace puts a copy of the log in its place, as some editors do.
func (m *model) replace() {
	if m.untold != "" || m.half != "" {
		return
	}
	data, err := os.ReadFile(m.path("messages"))
	m.must(err)
	m.must(os.WriteFile(m.path("aside"), data, 0o600))
	m.rename("aside", "messages")
	m.reopen()
}
