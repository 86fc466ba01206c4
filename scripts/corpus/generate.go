package main

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/scripts/truth"
)

// oursShare is the share of lines that are ours.
const oursShare = 0.6

// oneDamagedIn says how rare damage is among our lines of a full corpus; a
// small one has its share of each trap too.
const oneDamagedIn = 4_000

// generate writes a corpus and its truth.
func generate(o options) (truth.Summary, error) {
	p := newPlan(o)
	if err := os.MkdirAll(filepath.Join(o.dir, "truth"), 0o755); err != nil {
		return truth.Summary{}, err
	}
	if err := p.host(); err != nil {
		return truth.Summary{}, err
	}
	out, err := newOutput(o)
	if err != nil {
		return truth.Summary{}, err
	}
	g := &generator{
		plan: p, out: out, tally: newTally(p), damage: demo.NewRand(o.seed, 3),
		print: demo.NewPrinter(o.format, time.UTC, p.start.Add(-19*24*time.Hour-4*time.Hour)),
	}
	if err := g.week(); err != nil {
		return truth.Summary{}, err
	}
	return g.tally.write(p, out.bytes)
}

type generator struct {
	*plan
	out    *output
	tally  *tally
	print  *demo.Printer
	damage *demo.Rand
	buf    []byte
	// stub is the beginning of a line that was cut off; the next line follows
	// it without a line end.
	stub []byte
}

// week writes minute after minute. How many lines a minute gets follows from
// the bytes still to write and the mean length of the lines so far.
func (g *generator) week() error {
	sums := g.shape()
	conns, noise := 0, 0
	for i, share := range sums {
		mean := 220.0
		if g.tally.Lines > 1000 {
			mean = float64(g.out.bytes) / float64(g.tally.Lines)
		}
		minute := g.start.Add(time.Duration(i) * time.Minute)
		left := float64(g.size)*share - float64(g.out.bytes)
		due := g.model.Due(minute)
		lines := float64(conns+noise) + left/mean
		c := max(0, int(lines*oursShare)-conns-due)
		n := max(0, int(lines*(1-oursShare))-noise)
		conns, noise = conns+c+due, noise+n
		if err := g.minute(g.model.Minute(minute, c, n)); err != nil {
			return err
		}
		if err := g.out.minute(minute); err != nil {
			return err
		}
	}
	return g.out.close()
}

// minute writes the lines of a minute.
func (g *generator) minute(records []demo.Record) error {
	for i := range records {
		r := &records[i]
		g.buf = g.print.Append(g.buf[:0], r)
		last := i == len(records)-1
		if err := g.line(r, last); err != nil {
			return err
		}
	}
	return nil
}

// line writes one line, whole or damaged. The last of a minute is never cut,
// so that no line reaches from one rotated file into the next.
func (g *generator) line(r *demo.Record, last bool) error {
	ours := r.Noise == demo.NoNoise
	if len(g.stub) > 0 { // what is glued to a stub is no event, whoever wrote it
		g.tally.Lines++
		g.tally.Damaged++
		g.buf = append(g.stub, g.buf...)
		g.stub = nil
		return g.out.write(g.buf)
	}
	if ours && g.damage.IntN(g.scaled(oneDamagedIn, 100)) == 0 {
		from := bytes.Index(g.buf, []byte("SRC="))
		cut := from + g.damage.IntN(len(g.buf)-from-2)
		if !last && g.damage.IntN(3) > 0 {
			g.stub = append(g.stub, g.buf[:cut]...)
			return nil
		}
		clear(g.buf[cut:min(cut+1+g.damage.IntN(40), len(g.buf)-2)])
		g.tally.Lines++
		g.tally.Damaged++
		return g.out.write(g.buf)
	}
	g.tally.Lines++
	switch {
	case ours:
		g.tally.event(r)
	case r.Noise.Forged():
		g.tally.Forged++
	}
	return g.out.write(g.buf)
}

// owner gives the login of an event, and false for one without a UID.
func owner(names map[outbound.UID]login, uid outbound.UID) (login, bool) {
	if uid == outbound.NoUID {
		return login{}, false
	}
	return names[uid], true
}
