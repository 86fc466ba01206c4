package demo

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Make lays a small cPanel host below dir, which must be empty or absent: its
// files, and a kernel log with three older rotations that ends at o.Now.
//
// It returns an [outbound.Error] with code Conflict if dir holds anything.
func Make(dir string, o Options) (Story, error) {
	o = o.withDefaults()
	root, err := emptyRoot(dir)
	if err != nil {
		return Story{}, err
	}
	zone, err := time.LoadLocation(o.Zone)
	if err != nil {
		zone = time.UTC
	}
	r := NewRand(o.Seed, 1)
	p := newPlan(r, o, zone)
	p.host.Root = root
	start := o.Now.AddDate(0, 0, -o.Days).Truncate(time.Minute)
	if err := p.lay(start, o.AsItWas); err != nil {
		return Story{}, fmt.Errorf("demo: %w", err)
	}
	p.model = NewModel(r, zone, NewPool(r, 40, 300, 4_000), p.actors())
	p.model.Haunts = []netip.Addr{p.Ask, p.Shared, p.Attacks[3].Targets[0]}
	p.model.Forgeries = 20
	planted := 0
	for _, b := range p.bursts {
		if !b.From.Before(start) {
			p.model.Add(b)
			planted += b.Count
		}
	}
	p.print = NewPrinter(Traditional, zone, start.Add(-16*24*time.Hour-time.Duration(r.IntN(86_400))*time.Second))
	logs := newLogs(root, zone, o.Now)
	if err := p.week(logs, start, max(o.Events-planted, 0)); err != nil {
		return Story{}, fmt.Errorf("demo: %w", err)
	}
	return p.Story, nil
}

// lay writes the host's files as they were when the week began, lets whoever
// wants to look at them, and writes them as they are.
func (p *plan) lay(start time.Time, look func(time.Time) error) error {
	if look != nil {
		was := p.asItWas()
		if err := was.Write(); err != nil {
			return err
		}
		if err := look(start); err != nil {
			return err
		}
		for _, name := range []outbound.Username{p.Removed.Name, p.Renamed.Old} {
			if err := os.Remove(p.host.Root.Path(usersDir + string(name))); err != nil {
				return err
			}
		}
	}
	return p.host.Write()
}

// asItWas gives the host before any of the week's changes.
func (p *plan) asItWas() Host {
	was := p.host
	was.Accounts = append(slices.Clone(was.Accounts), p.gone)
	byName(was.Accounts, p.Renamed.New).Name = p.Renamed.Old
	byName(was.Accounts, p.Moved.Name).Owner = p.Moved.Old
	was.Past, was.Suspended = nil, nil
	return was
}

func emptyRoot(dir string) (hostfs.Root, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return hostfs.Root{}, fmt.Errorf("demo: %w", err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		return root, err
	}
	held, err := root.ReadDir("/")
	if err != nil {
		return root, fmt.Errorf("demo: %w", err)
	}
	if len(held) > 0 {
		return root, &outbound.Error{Code: outbound.Conflict, Message: fmt.Sprintf("%s is not empty", dir), Hint: "name a new folder for the made-up host"}
	}
	return root, nil
}

// actors gives all who connect, the removed account until its end.
func (p *plan) actors() []Actor {
	all := Actors(p.host.Accounts)
	return append(all, Actor{UID: p.gone.UID, Busy: p.gone.Busy, To: p.Removed.At})
}

// Actors gives the accounts and the system users as actors of a model.
func Actors(accounts []Account) []Actor {
	var all []Actor
	for _, a := range accounts {
		all = append(all, Actor{UID: a.UID, Busy: a.Busy})
	}
	for _, u := range SystemUsers {
		if u.Busy > 0 {
			all = append(all, Actor{UID: u.UID, Busy: u.Busy * float64(len(accounts)) / 400, System: true})
		}
	}
	return all
}

// week writes the log from start to now, with so many everyday connections
// and a third as many lines of noise.
func (p *plan) week(logs *logs, start time.Time, everyday int) error {
	total := 0.0
	for t := start; t.Before(p.Now); t = t.Add(time.Minute) {
		total += p.model.Shape(t)
	}
	passed, conns, noise := 0.0, 0, 0
	var buf []byte
	for t := start; t.Before(p.Now); t = t.Add(time.Minute) {
		passed += p.model.Shape(t)
		c, n := int(passed/total*float64(everyday)), int(passed/total*float64(everyday)/3)
		end := min(t.Add(time.Minute).UnixMicro(), p.Now.UnixMicro())
		records := p.model.between(t.UnixMicro(), end, c-conns, n-noise)
		conns, noise = c, n
		buf = p.render(buf[:0], records)
		if err := logs.write(t, buf); err != nil {
			return err
		}
	}
	return logs.close(p.Now)
}

// render appends the lines of records and counts them.
func (s *Story) render(buf []byte, records []Record) []byte {
	for i := range records {
		buf = s.print.Append(buf, &records[i])
		s.Lines++
		if records[i].Noise == NoNoise {
			s.Events++
		}
	}
	return buf
}
