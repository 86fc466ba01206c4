package demo

import (
	"fmt"
	"net/netip"
	"time"

	"outboundmonitor/backend/outbound"
)

// Attack is one planted attack. Its lines are all of UID's connections to
// Targets on Port; they lie between From and To.
type Attack struct {
	// Kind is bruteforce or sweep.
	Kind string
	// Account is the login name at the time.
	Account  outbound.Username
	UID      outbound.UID
	Targets  []netip.Addr
	Port     uint16
	From, To time.Time
	Count    int
}

// Story is what happened on the made-up host.
type Story struct {
	Now     time.Time
	Zone    *time.Location
	Attacks []Attack
	// Resellers may look at the demo too.
	Resellers []outbound.Username
	// Removed, Renamed and Moved are what befell accounts in mid-week.
	Removed, Renamed, Moved Change
	// Ask and At are an address that one account alone connected to, and a
	// time; Asked is who it was.
	Ask   netip.Addr
	At    time.Time
	Asked outbound.Username
	// Shared is an address that nearly all accounts connect to.
	Shared netip.Addr
	// Lines counts those written, Events the connections among them.
	Lines, Events int

	model *Model
	print *Printer
}

// Try is one thing worth trying on the made-up host.
type Try struct {
	// Command is what to type after "outboundmonitor --root DIR", in words
	// for a POSIX shell.
	Command string
	// Shows says in words what is to be seen.
	Shows string
}

// Tries lists what to try, the question of a complaint first.
func (s *Story) Tries() []Try {
	at := s.At.In(s.Zone).Format("2006-01-02 15:04:05 -0700")
	sweep := s.Attacks[1]
	return []Try{
		{fmt.Sprintf("who %s --at %q", s.Ask, at), fmt.Sprintf("one account attacked this address: %s", s.Asked)},
		{fmt.Sprintf("who %s", s.Shared), "nearly every account updates itself from this address: candidates, not a culprit"},
		{fmt.Sprintf("search --account %s --port %d --until %q", sweep.Account, sweep.Port, sweep.To.In(s.Zone).Format("2006-01-02 15:04:05 -0700")), fmt.Sprintf("%d hosts tried over SSH in %.0f minutes", len(sweep.Targets), sweep.To.Sub(sweep.From).Minutes())},
		{fmt.Sprintf("account %s", s.Removed.Name), "an account that was removed after its attack"},
		{fmt.Sprintf("account %s", s.Renamed.New), fmt.Sprintf("was called %s until %s", s.Renamed.Old, s.Renamed.At.In(s.Zone).Format("2006-01-02 15:04 -0700"))},
		{"live --port 22", "connections as they come; a minute or so from now an attack over SSH begins"},
	}
}

// plan is a story before it is written down.
type plan struct {
	Story
	host   Host
	gone   Account
	bursts []*Burst
}

// newPlan decides what happens to whom, and when.
func newPlan(r *Rand, o Options, zone *time.Location) *plan {
	p := &plan{host: Host{Zone: zone, Accounts: NewAccounts(r, o.Accounts, o.Now)}}
	p.Now, p.Zone, p.Resellers = o.Now, zone, Resellers
	p.change(o.Now)
	p.attack(o.Now)
	p.chores(r, o)
	for _, a := range p.Attacks {
		p.bursts = append(p.bursts, &Burst{UID: a.UID, From: a.From, To: a.To, Count: a.Count, Port: a.Port, Targets: a.Targets})
	}
	return p
}

// change lets one account be removed, one renamed and one moved.
func (p *plan) change(now time.Time) {
	byName(p.host.Accounts, "vintage").Created = time.Time{}
	ago := func(d time.Duration) time.Time { return now.Add(-d).Truncate(time.Second) }
	p.gone = Account{
		Name: "oldforum", UID: firstUID + outbound.UID(len(p.host.Accounts)), Owner: "northhost", Domain: "oldforum.example.net",
		Created: ago(211*24*time.Hour + 5*time.Hour), Busy: 1,
	}
	p.Removed = Change{At: ago(4*24*time.Hour + 16*time.Hour + 11*time.Minute), Action: "REMOVE", Name: p.gone.Name, UID: p.gone.UID, Domain: p.gone.Domain}

	renamed := byName(p.host.Accounts, "atelier")
	p.Renamed = Change{At: ago(3*24*time.Hour + 10*time.Hour + 25*time.Minute), Action: "CHANGEUSER", Name: "atelier", UID: renamed.UID, Domain: renamed.Domain, Old: "tinashop", New: "atelier"}
	renamed.Busy = 2

	moved := byName(p.host.Accounts, "harbor")
	moved.Owner, moved.Busy = "brightweb", 2
	p.Moved = Change{At: ago(2*24*time.Hour + 20*time.Hour + 3*time.Minute), Action: "CHANGEOWNER", Name: "harbor", UID: moved.UID, Domain: moved.Domain, Old: "northhost", New: "brightweb"}

	born := Change{At: p.gone.Created, Action: "CREATE", Name: p.gone.Name, UID: p.gone.UID, Domain: p.gone.Domain}
	p.host.Past = []Change{born, p.Removed, p.Renamed, p.Moved}
	p.host.Suspended = map[outbound.Username]string{"radverein": "outgoing FTP attack, waiting for the customer"}
}

// attack plants the attacks. Their single targets lie outside of the ranges
// that everyday traffic uses.
func (p *plan) attack(now time.Time) {
	add := func(kind string, name outbound.Username, port uint16, ago, long time.Duration, count int, targets ...netip.Addr) {
		uid := p.gone.UID
		if a := byName(p.host.Accounts, name); a != nil {
			uid = a.UID
		}
		from := now.Add(-ago)
		p.Attacks = append(p.Attacks, Attack{Kind: kind, Account: name, UID: uid, Targets: targets, Port: port, From: from, To: from.Add(long), Count: count})
	}
	const day = 24 * time.Hour
	add("bruteforce", "fotoclub", 443, 17*time.Hour, 52*time.Minute, 5_200, netip.MustParseAddr("203.0.113.22"))
	add("sweep", "kiosk", 22, 5*time.Hour, 25*time.Minute, 1_284, sweep(642)...)
	add("bruteforce", "radverein", 21, 3*day+2*time.Hour, 40*time.Minute, 930, netip.MustParseAddr("198.51.100.21"))
	add("bruteforce", "oldforum", 22, 4*day+21*time.Hour, 35*time.Minute, 1_460, netip.MustParseAddr("203.0.113.221"))
	add("bruteforce", "petfoods", 443, 2*day+3*time.Hour, 20*time.Minute, 1_900, netip.MustParseAddr("2001:db8:bad::80"))
	p.Ask, p.At, p.Asked = p.Attacks[0].Targets[0], p.Attacks[0].From.Add(20*time.Minute), "fotoclub"
}

// sweep gives n neighbours, as somebody tries them who scans.
func sweep(n int) []netip.Addr {
	all := make([]netip.Addr, n)
	for i := range all {
		all[i] = v4(198<<24 | 19<<16 | 212<<8 + uint32(i) + 1)
	}
	return all
}
