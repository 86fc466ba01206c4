package daemon

import (
	"context"
	"sync"
	"syscall"
	"time"

	"outboundmonitor/backend/coverage"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/tail"
)

// rateOver is the time over which status gives the rate.
const rateOver = 5 * time.Minute

// monitor tells of the program itself.
type monitor struct {
	h *House

	mu      sync.Mutex
	started time.Time // zero within a command
	log     string
	atEnd   bool          // the end of the log was reached once
	reached chan struct{} // closed then
	refused error         // what the store says
	stopped error         // why the log is not followed
	lines   outbound.Counts
	arrived []arrival
}

// arrival is how many events were stored at a time.
type arrival struct {
	at time.Time
	n  int
}

func newMonitor(h *House) *monitor { return &monitor{h: h, reached: make(chan struct{})} }

// wait waits until the end of the log was reached once.
func (m *monitor) wait(ctx context.Context) error {
	select {
	case <-m.reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start says that the daemon runs from now on.
func (m *monitor) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.started = m.h.o.Now()
}

// follows says that a log is followed from now on.
func (m *monitor) follows(log string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log, m.stopped = log, nil
}

// stop says why a log is not followed.
func (m *monitor) stop(log string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log, m.stopped = log, err
}

func (m *monitor) caughtUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.atEnd {
		m.atEnd = true
		close(m.reached)
	}
}

func (m *monitor) storing(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = err
}

// count counts lines.
func (m *monitor) count(c outbound.Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines.Add(c)
}

// add counts lines that were followed, and when they came.
func (m *monitor) add(c outbound.Counts) {
	if c.Read == 0 {
		return
	}
	m.count(c)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.atEnd {
		return // history, not what happens now
	}
	now := m.h.o.Now()
	if n := len(m.arrived); n > 0 && now.Sub(m.arrived[n-1].at) < time.Second {
		m.arrived[n-1].n += c.Stored
	} else {
		m.arrived = append(m.arrived, arrival{now, c.Stored})
	}
	for len(m.arrived) > 0 && now.Sub(m.arrived[0].at) > rateOver {
		m.arrived = m.arrived[1:]
	}
}

// rate gives events a minute.
func (m *monitor) rate(now time.Time) float64 {
	n := 0
	for _, a := range m.arrived {
		if now.Sub(a.at) <= rateOver {
			n += a.n
		}
	}
	over := min(rateOver, max(time.Minute, now.Sub(m.started)))
	return float64(n) / over.Minutes()
}

// Status tells whether events are recorded, and what is stored.
func (m *monitor) Status(ctx context.Context) (outbound.StatusDoc, error) {
	h := m.h
	x, err := h.store.Extent(ctx, outbound.Everything())
	if err != nil {
		return outbound.StatusDoc{}, err
	}
	used, days, err := h.store.Usage()
	if err != nil {
		return outbound.StatusDoc{}, err
	}
	aside, err := h.store.SetAside()
	if err != nil {
		return outbound.StatusDoc{}, err
	}
	free, _ := space(h.o.Root.Path(stateDir))
	now := h.o.Now()
	doc := outbound.StatusDoc{
		Schema: outbound.SchemaStatus, Version: h.o.Version, Events: x.Events, First: x.First, Last: x.Last,
		Disk: outbound.DiskDoc{
			Used: used, Free: free, Days: days, RetentionDays: h.o.Config.Store.RetentionDays,
			SetAside: aside, Max: h.o.Config.Store.MaxBytes(), MinFree: minFree(h.o),
		},
		Coverage: coverage.NotCounted(now.Add(-24*time.Hour), now, now, x),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	doc.Daemon = !m.started.IsZero()
	if m.log == "" {
		m.log, _, _ = tail.Find(h.o.Root, h.o.Config.Log.Path)
	}
	doc.Log, doc.CaughtUp, doc.Lines = m.log, m.atEnd, m.lines.Clone()
	doc.Why = m.why()
	doc.Recording = doc.Why == ""
	if doc.Daemon {
		doc.Started, doc.Rate = &m.started, m.rate(now)
	}
	return doc, nil
}

// why says why nothing is recorded, or "".
func (m *monitor) why() string {
	switch {
	case m.started.IsZero():
		return "the daemon is not running"
	case m.stopped != nil:
		return "the log is not followed: " + m.stopped.Error()
	case m.refused != nil:
		return "nothing can be stored: " + m.refused.Error()
	}
	return ""
}

// space gives the bytes that are free where dir lies, and those of the whole
// disk; zeros if that cannot be told.
func space(dir string) (free, disk int64) {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0, 0
	}
	return int64(st.Bavail) * st.Bsize, int64(st.Blocks) * st.Bsize
}
