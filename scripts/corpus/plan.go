package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/scripts/truth"
)

// days is how long the log is, accounts how many accounts it names.
const (
	days     = 7
	accounts = 400
)

// fullSize is the size for which the population is planned.
const fullSize = 1_000_000_000

// Addresses with a part in a trap: each of the first is a prefix of the next
// ones, so that a search by plain text finds too much. No everyday traffic
// goes to them.
var (
	prefixRare   = netip.MustParseAddr("203.0.113.2")
	prefixOthers = []netip.Addr{netip.MustParseAddr("203.0.113.22"), netip.MustParseAddr("203.0.113.221")}
	absent       = []netip.Addr{
		netip.MustParseAddr("198.51.100.2"),     // a prefix of attacked ones
		netip.MustParseAddr("198.51.100.250"),   // in noise and forged lines
		netip.MustParseAddr("203.0.113.250"),    // in noise and forged lines
		netip.MustParseAddr("2001:db8:dead::1"), // in noise and forged lines
		netip.MustParseAddr("203.0.113.3"),      // nowhere, but a prefix too
	}
)

// plan is what a corpus will hold.
type plan struct {
	options
	start    time.Time
	r        *demo.Rand
	accounts []demo.Account
	pool     *demo.Pool
	model    *demo.Model
	attacks  []truth.Attack
	// watched are addresses whose events are kept, to choose the sample from.
	watched []netip.Addr
}

func newPlan(o options) *plan {
	p := &plan{options: o, start: o.end.AddDate(0, 0, -days), r: demo.NewRand(o.seed, 2)}
	p.accounts = demo.NewAccounts(p.r, accounts, p.start)
	p.pool = demo.NewPool(p.r, p.scaled(200, 20), p.scaled(5_000, 100), p.scaled(280_000, 600))
	p.model = demo.NewModel(p.r, time.UTC, p.pool, demo.Actors(p.accounts))
	p.model.Forgeries = 20_000 / p.scaled(4_000, 100)
	p.plant()
	p.watch()
	return p
}

// scaled gives n for the full size and less for a smaller one.
func (p *plan) scaled(n, least int) int {
	return min(n, max(least, int(float64(n)*float64(p.size)/fullSize)))
}

// plant adds the attacks, whose sizes follow Zipf's law.
func (p *plan) plant() {
	n := p.scaled(190, 8)
	harmonic := 0.0
	for i := range n {
		harmonic += 1 / float64(i+1)
	}
	budget := float64(p.size) / 220 * 0.6 * 0.15
	for i := range n {
		p.attack(i, max(20, int(budget/harmonic/float64(i+1))))
	}
	p.burst("bruteforce", 22, 4, 2*time.Minute, prefixRare)
	for _, a := range prefixOthers {
		p.burst("bruteforce", 22, p.scaled(900, 30), 20*time.Minute, a)
	}
	for _, a := range []string{"198.51.100.21", "198.51.100.211"} {
		p.burst("bruteforce", 21, p.scaled(700, 25), 20*time.Minute, netip.MustParseAddr(a))
	}
}

// attack plants the i-th attack.
func (p *plan) attack(i, count int) {
	long := time.Duration(10+p.r.IntN(80)) * time.Minute
	if count > 20_000 {
		long *= 3
	}
	target := p.pool.Tail[len(p.pool.Tail)/2+i]
	switch i % 20 {
	case 3, 8, 13, 18: // sweeps
		hosts := min(max(16, count/2), 2_000)
		from := p.r.IntN(max(1, len(p.pool.Tail)-hosts))
		p.burst("sweep", 22, count, long, p.pool.Tail[from:min(from+hosts, len(p.pool.Tail))]...)
	case 4:
		p.burst("bruteforce", 443, count, long, p.pool.Mid6[i%len(p.pool.Mid6)])
	case 1, 5, 9, 14, 19:
		p.burst("bruteforce", 22, count, long, target)
	case 2, 11, 17:
		p.burst("bruteforce", 21, count, long, target)
	default:
		p.burst("bruteforce", 443, count, long, target)
	}
}

func (p *plan) burst(kind string, port uint16, count int, long time.Duration, targets ...netip.Addr) {
	a := p.accounts[p.r.IntN(len(p.accounts))]
	from := p.start.Add(time.Duration(p.r.Int64N(int64(p.end.Sub(p.start) - long)))).Truncate(time.Second)
	p.model.Add(&demo.Burst{UID: a.UID, From: from, To: from.Add(long), Count: count, Port: port, Targets: targets})
	t := truth.Attack{Kind: kind, Account: string(a.Name), UID: uint32(a.UID), Port: port, From: from, To: from.Add(long), Events: count}
	for _, target := range targets[:min(len(targets), count)] {
		t.Targets = append(t.Targets, target.String())
	}
	p.attacks = append(p.attacks, t)
}

// watch chooses addresses of all degrees, and lets noise lines name them.
func (p *plan) watch() {
	spread := func(from []netip.Addr, n int) {
		for i := range min(n, len(from)) {
			p.watched = append(p.watched, from[i*len(from)/n])
		}
	}
	p.watched = append(p.watched, prefixRare)
	p.watched = append(p.watched, prefixOthers...)
	p.watched = append(p.watched, p.pool.Head[:10]...)
	p.watched = append(p.watched, p.pool.Head6[0])
	for _, a := range p.attacks {
		if a.Kind == "bruteforce" {
			p.watched = append(p.watched, netip.MustParseAddr(a.Targets[0]))
		}
	}
	spread(p.pool.Mid, 60)
	spread(p.pool.Mid6, 10)
	spread(p.pool.Tail, 300)
	for i := range 60 {
		p.watched = append(p.watched, p.pool.Sixth(i*p.pool.Tail6/60))
	}
	p.watched = append(p.watched, absent...)
	slices.SortFunc(p.watched, netip.Addr.Compare)
	p.watched = slices.Compact(p.watched)
	for _, a := range p.watched {
		if a != absent[len(absent)-1] {
			p.model.Haunts = append(p.model.Haunts, a)
		}
	}
	// A few more times those that are never a target.
	for range 20 {
		p.model.Haunts = append(p.model.Haunts, absent[:len(absent)-1]...)
	}
}

// host writes the cPanel host.
func (p *plan) host() error {
	dir := filepath.Join(p.dir, "host")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := hostfs.At(dir)
	if err != nil {
		return err
	}
	h := demo.Host{Root: root, Zone: time.UTC, Accounts: p.accounts}
	return h.Write()
}

// logins maps UIDs to login names, and tells which are accounts.
func (p *plan) logins() map[outbound.UID]login {
	all := map[outbound.UID]login{}
	for _, a := range p.accounts {
		all[a.UID] = login{string(a.Name), true}
	}
	for _, u := range demo.SystemUsers {
		all[u.UID] = login{string(u.Name), false}
	}
	return all
}

type login struct {
	name    string
	account bool
}

// shape gives, for each minute, the share of the log that comes before its end.
func (p *plan) shape() []float64 {
	minutes := int(p.end.Sub(p.start) / time.Minute)
	sums := make([]float64, minutes)
	total := 0.0
	for i := range sums {
		total += p.model.Shape(p.start.Add(time.Duration(i) * time.Minute))
		sums[i] = total
	}
	for i := range sums {
		sums[i] /= total
	}
	return sums
}
