package demo

import (
	"net/netip"
	"slices"
	"sort"
	"time"

	"outboundmonitor/backend/outbound"
)

// Actor is somebody who connects: an account or a system user.
type Actor struct {
	UID  outbound.UID
	Busy float64
	// From and To bound the actor's life; zero means open.
	From, To time.Time
	System   bool
}

// Model is what everybody on the host does. It is read minute by minute, in
// order.
type Model struct {
	// Haunts are addresses that noise lines like to name, so that a search by
	// plain text finds more than the connections.
	Haunts []netip.Addr
	// Forgeries is the share of noise lines that carry our prefix, in 1/10,000.
	Forgeries int

	r       *Rand
	zone    *time.Location
	pool    *Pool
	actors  []Actor
	sums    []float64 // running sums of Busy
	habits  map[outbound.UID]*habit
	bursts  []*Burst
	pending []Record // retransmissions that fall into a later minute
	src4    netip.Addr
	src6    netip.Addr
}

// habit is what one actor returns to.
type habit struct{ own, feeds []netip.Addr }

// NewModel gives the model of a host in zone. All that is random comes from r.
func NewModel(r *Rand, zone *time.Location, pool *Pool, actors []Actor) *Model {
	m := &Model{
		Forgeries: 5, r: r, zone: zone, pool: pool, actors: actors, habits: map[outbound.UID]*habit{},
		src4: netip.MustParseAddr(Server), src6: netip.MustParseAddr(Server6),
	}
	sum := 0.0
	for _, a := range actors {
		sum += a.Busy
		m.sums = append(m.sums, sum)
		h := &habit{own: m.some(pool.Mid, 3+r.IntN(4)), feeds: m.some(pool.Tail, 8+r.IntN(20))}
		if r.IntN(4) == 0 {
			h.own = append(h.own, m.some(pool.Mid6, 2)...)
		}
		m.habits[a.UID] = h
	}
	return m
}

func (m *Model) some(from []netip.Addr, n int) []netip.Addr {
	all := make([]netip.Addr, n)
	for i := range all {
		all[i] = from[m.r.IntN(len(from))]
	}
	return all
}

// Add plants a burst. It must begin after the minutes already read.
func (m *Model) Add(b *Burst) { m.bursts = append(m.bursts, b) }

// hours is how busy an hour of the day is; the night keeps what cron does.
var hours = [24]float64{5, 4, 4, 5, 4, 4, 5, 7, 10, 12, 13, 13, 12, 13, 13, 12, 12, 11, 11, 12, 13, 11, 9, 7}

// Shape tells how busy a minute is, relative to others.
func (m *Model) Shape(minute time.Time) float64 {
	local := minute.In(m.zone)
	h, next := local.Hour(), (local.Hour()+1)%24
	part := float64(local.Minute()) / 60
	busy := hours[h]*(1-part) + hours[next]*part
	if day := local.Weekday(); day == time.Saturday || day == time.Sunday {
		busy *= 0.8
	}
	if local.Minute()%5 == 0 {
		busy *= 1.5 // cron
	}
	return busy
}

// Due counts the lines that bursts and retransmissions add to the minute.
func (m *Model) Due(minute time.Time) int {
	n := 0
	for _, b := range m.bursts {
		n += b.before(minute.Add(time.Minute)) - b.before(minute)
	}
	end := minute.Add(time.Minute).UnixMicro()
	for i := range m.pending {
		if m.pending[i].Micros < end {
			n++
		}
	}
	return n
}

// Minute gives the records of the minute in order of time: conns of everyday
// traffic, noise lines of other daemons, and what is due besides.
func (m *Model) Minute(minute time.Time, conns, noise int) []Record {
	from := minute.UnixMicro()
	return m.between(from, from+60e6, conns, noise)
}

// between gives the records from one microsecond up to another.
func (m *Model) between(from, to int64, conns, noise int) []Record {
	var all []Record
	later := m.pending[:0]
	for _, r := range m.pending {
		if r.Micros < to {
			all = append(all, r)
		} else {
			later = append(later, r)
		}
	}
	m.pending = later
	for range conns {
		all = m.everyday(all, from+m.r.Int64N(to-from), to)
	}
	for range noise {
		all = append(all, m.other(from+m.r.Int64N(to-from)))
	}
	for _, b := range m.bursts {
		for i, end := b.before(time.UnixMicro(from)), b.before(time.UnixMicro(to)); i < end; i++ {
			all = append(all, m.strike(b, i, from))
		}
	}
	slices.SortFunc(all, func(a, b Record) int { return int(a.Micros - b.Micros) })
	return all
}

// everyday adds one ordinary connection, and now and then what follows when
// nobody answers: the same packet again after one and three seconds.
func (m *Model) everyday(all []Record, micros, to int64) []Record {
	a := m.actor(micros)
	r := Record{Micros: micros, Conn: m.conn(a.UID)}
	m.choose(&r.Conn, a)
	if m.r.IntN(700) == 0 {
		r.UID, r.GID = outbound.NoUID, outbound.NoGID
	} else if m.r.IntN(120) == 0 {
		for _, wait := range []int64{1_020_000, 3_060_000} {
			again := r
			again.Micros += wait + m.r.Int64N(9_000)
			again.IPID += uint16(wait / 1_000_000)
			if again.Micros < to {
				all = append(all, again)
			} else {
				m.pending = append(m.pending, again)
			}
		}
	}
	return append(all, r)
}

// actor chooses who connects, by weight, among those who are there.
func (m *Model) actor(micros int64) *Actor {
	t := time.UnixMicro(micros)
	for {
		x := m.r.Float64() * m.sums[len(m.sums)-1]
		a := &m.actors[sort.SearchFloat64s(m.sums, x)]
		if (a.From.IsZero() || !t.Before(a.From)) && (a.To.IsZero() || t.Before(a.To)) {
			return a
		}
	}
}

// conn gives a connection whose target is still open.
func (m *Model) conn(uid outbound.UID) Conn {
	c := Conn{UID: uid, GID: outbound.GID(uid), SrcPort: 32768 + uint16(m.r.IntN(28_232)), IPID: uint16(m.r.Uint32())}
	c.Flow = m.r.Uint32() & 0xfffff
	c.Window = windows[m.r.IntN(len(windows))]
	return c
}

// windows are the first windows that the kernel offers; most are the default.
var windows = []uint16{64240, 64240, 64240, 64240, 64240, 64240, 64240, 64240, 64240, 64240, 65535, 29200, 43690, 26883}

// choose sets the target of an ordinary connection.
func (m *Model) choose(c *Conn, a *Actor) {
	h := m.habits[a.UID]
	c.DstPort = 443
	switch x := m.r.IntN(1000); {
	case a.System || x < 300: // core, plugin and package updates, licences
		c.Dst = m.head()
		c.DstPort = pick(a.System && m.r.IntN(3) == 0, uint16(80), 443)
	case x < 570: // payment gateways, mail services, the shop's own API
		c.Dst = h.own[m.r.IntN(len(h.own))]
	case x < 650: // feed readers
		c.Dst = h.feeds[m.r.IntN(len(h.feeds))]
		c.DstPort = pick(m.r.IntN(4) == 0, uint16(80), 443)
	case x < 680:
		c.Dst = m.pool.Sixth(m.r.IntN(m.pool.Tail6))
	default: // pingbacks, link checks, previews
		c.Dst = m.pool.Tail[m.r.IntN(len(m.pool.Tail))]
		c.DstPort = pick(m.r.IntN(7) == 0, uint16(80), 443)
	}
	m.source(c)
}

// head chooses a shared target; the first ones are met far more often.
func (m *Model) head() netip.Addr {
	from := pick(m.r.IntN(30) == 0, m.pool.Head6, m.pool.Head)
	x := m.r.Float64()
	return from[int(x*x*x*float64(len(from)))]
}

func (m *Model) source(c *Conn) { c.Src = pick(c.Dst.Is4(), m.src4, m.src6) }

// other gives a line of another daemon.
func (m *Model) other(micros int64) Record {
	r := Record{Micros: micros, Salt: m.r.Uint32()}
	r.Noise = kinds[m.r.IntN(len(kinds))]
	if m.r.IntN(10_000) < m.Forgeries {
		r.Noise = ForgedUser + Noise(m.r.IntN(int(lastNoise-ForgedUser)+1))
	}
	a := m.actor(micros)
	r.Conn = m.conn(a.UID)
	r.DstPort = []uint16{22, 443, 21, 25}[m.r.IntN(4)]
	if r.Noise.Forged() {
		r.DstPort = 22
	}
	r.Dst = m.pool.Tail[m.r.IntN(len(m.pool.Tail))]
	if len(m.Haunts) > 0 && m.r.IntN(8) == 0 {
		r.Dst = m.Haunts[m.r.IntN(len(m.Haunts))]
	}
	if r.Noise == CSFIn && !r.Dst.Is4() {
		r.Noise = CSFOut
	}
	m.source(&r.Conn)
	return r
}
