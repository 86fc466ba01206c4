package demo

import (
	"net/netip"
	"time"

	"outboundmonitor/backend/outbound"
)

// chores plans what recurs each day by the clock: a backup over SSH, uploads
// over FTP, a deployment, and everybody's updates at night.
func (p *plan) chores(r *Rand, o Options) {
	local := o.Now.In(p.Zone)
	for back := range o.Days + 1 {
		midnight := time.Date(local.Year(), local.Month(), local.Day()-back, 0, 0, 0, 0, p.Zone)
		p.chore("backupco", 22, midnight.Add(130*time.Minute), 25*time.Minute, 36, "198.51.100.22")
		p.chore("choirnet", 21, midnight.Add(18*time.Hour), 4*time.Minute, 5, "198.51.100.210")
		p.chore("smithlaw", 22, midnight.Add(7*time.Hour), 12*time.Hour, 24, "198.51.100.8")
		for i := range p.host.Accounts {
			from := midnight.Add(210*time.Minute + time.Duration(r.IntN(50*60))*time.Second)
			p.chore(string(p.host.Accounts[i].Name), 443, from, 3*time.Minute, 8+r.IntN(8), "203.0.113.200", "203.0.113.201", "198.51.100.200", "2001:db8:5::200")
		}
	}
	p.Shared = netip.MustParseAddr("203.0.113.200")
}

// chore adds a daily job that lies within the week.
func (p *plan) chore(name string, port uint16, from time.Time, long time.Duration, count int, targets ...string) {
	a := byName(p.host.Accounts, outbound.Username(name))
	if a == nil || from.Add(long).After(p.Now) {
		return
	}
	b := &Burst{UID: a.UID, From: from, To: from.Add(long), Count: count, Port: port}
	for _, t := range targets {
		b.Targets = append(b.Targets, netip.MustParseAddr(t))
	}
	p.bursts = append(p.bursts, b)
}
