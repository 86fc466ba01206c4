package demo

import (
	"context"
	"io"
	"net/netip"
	"time"
)

// longestStep bounds what one tick writes: a machine that slept does not wake
// to a flood.
const longestStep = 10 * time.Second

// Rates of the lines that come live, per second.
const (
	liveConns = 2.5
	liveNoise = 0.7
)

// Live writes what happens after s.Now to w, at each tick the lines since the
// one before, until ctx ends or ticks is closed; the clock is whoever sends
// the ticks. Each call of w.Write gets whole lines. A minute after the first
// tick an attack begins and goes on for six. A story lives once: Live may not
// be called twice. It changes nothing in s that others can see.
func (s *Story) Live(ctx context.Context, w io.Writer, ticks <-chan time.Time) error {
	l := live{Story: s, last: s.Now}
	for {
		select {
		case <-ctx.Done():
			return nil
		case now, open := <-ticks:
			if !open {
				return nil
			}
			if err := l.tick(w, now); err != nil {
				return err
			}
		}
	}
}

// live is a story that goes on.
type live struct {
	*Story
	last         time.Time
	conns, noise float64 // what is owed of a line
	planted      bool
	buf          []byte
}

func (l *live) tick(w io.Writer, now time.Time) error {
	if !l.planted {
		l.planted = true
		l.strikeAt(now.Add(time.Minute))
	}
	from := l.last
	if now.Sub(from) > longestStep {
		from = now.Add(-longestStep)
	}
	if !now.After(from) {
		return nil
	}
	l.last = now
	l.conns += now.Sub(from).Seconds() * liveConns
	l.noise += now.Sub(from).Seconds() * liveNoise
	c, n := int(l.conns), int(l.noise)
	l.conns, l.noise = l.conns-float64(c), l.noise-float64(n)
	records := l.model.between(from.UnixMicro(), now.UnixMicro(), c, n)
	if len(records) == 0 {
		return nil
	}
	l.buf = l.buf[:0]
	for i := range records {
		l.buf = l.print.Append(l.buf, &records[i])
	}
	_, err := w.Write(l.buf)
	return err
}

// strikeAt plants the attack that is seen as it happens: whoever swept the
// week before tries one host now.
func (l *live) strikeAt(from time.Time) {
	b := &Burst{
		UID: l.Attacks[1].UID, From: from, To: from.Add(6 * time.Minute), Count: 900, Port: 22,
		Targets: []netip.Addr{netip.MustParseAddr("198.51.100.222")},
	}
	l.model.Add(b)
}
