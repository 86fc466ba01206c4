package demo

import (
	"net/netip"
	"time"

	"outboundmonitor/backend/outbound"
)

// Burst is a run of connections by one actor: an attack, or a nightly job. Its
// events are spread evenly over its time.
type Burst struct {
	UID      outbound.UID
	From, To time.Time
	Count    int
	Port     uint16
	// Targets are taken in turn.
	Targets []netip.Addr
}

// before counts the burst's events before t.
func (b *Burst) before(t time.Time) int {
	switch {
	case !t.After(b.From):
		return 0
	case !t.Before(b.To):
		return b.Count
	}
	return int(int64(b.Count) * t.Sub(b.From).Microseconds() / b.To.Sub(b.From).Microseconds())
}

// strike gives the i-th event of a burst in a span of time that begins at
// from: less than one step before the moment at which [Burst.before] counts it.
func (m *Model) strike(b *Burst, i int, from int64) Record {
	span, count := b.To.Sub(b.From).Microseconds(), int64(b.Count)
	due := b.From.UnixMicro() + (span*int64(i+1)+count-1)/count - 1
	early := m.r.Int64N(max(1, min(span/count, due-from+1)))
	r := Record{Micros: due - early, Conn: m.conn(b.UID)}
	r.Dst, r.DstPort = b.Targets[i%len(b.Targets)], b.Port
	m.source(&r.Conn)
	return r
}
