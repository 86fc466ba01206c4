package match

import (
	"net/netip"
	"time"

	"outboundmonitor/backend/outbound"
)

// flow is one connection, as the rows of one sort tell of it: a row that
// counts is explained by rows that count alone.
type flow struct {
	sort         int
	proto        outbound.Protocol
	src, dst     netip.Addr
	sport, dport uint16
}

// owned is whose connection that is.
type owned struct {
	by          *tally // nil if several had it one after another
	first, last time.Time
}

const (
	// maxFlows bounds how many connections are remembered in one answer. Rows
	// without a UID of others count as nobody's.
	maxFlows = 1 << 14
	// A row without a UID belongs to a connection that it follows within
	// lateBy: the kernel gives up an unanswered one by then. It can stand up to
	// earlyBy before the first row: rsyslog's imkmsg reckons stamps from an
	// uptime in whole seconds.
	lateBy  = 20 * time.Minute
	earlyBy = 2 * time.Second
)

// flows finds whose the packets were that the kernel printed without a UID:
// it has none to print for the RST and the last packets of a socket that was
// closed already, and rules that log each packet log those too. They name
// nobody new.
//
// Source: nf_log_dump_sk_uid_gid in Linux net/netfilter/nf_log_syslog.c.
type flows struct {
	owners  map[flow]owned
	without map[flow]*tally
}

func newFlows() flows { return flows{map[flow]owned{}, map[flow]*tally{}} }

func flowOf(e *outbound.Event, sort int) flow {
	return flow{sort, e.Proto, e.Src, e.Dst, e.SrcPort, e.DstPort}
}

// owner remembers that a row with a UID counts for t.
func (f flows) owner(k flow, t *tally, at time.Time) {
	o, had := f.owners[k]
	switch {
	case !had && len(f.owners) >= maxFlows:
		return
	case !had:
		o = owned{by: t, first: at}
	case o.by != t:
		o.by = nil
	}
	o.last = at
	f.owners[k] = o
}

// keep gives the tally of a connection's rows without a UID; nil if there are
// too many connections.
func (f flows) keep(k flow) *tally {
	t := f.without[k]
	if t == nil && len(f.without) < maxFlows {
		t = &tally{key: nobody()}
		f.without[k] = t
	}
	return t
}

// nobody is the party of rows without a UID.
func nobody() party { return party{Instance: outbound.Instance{UID: outbound.NoUID}} }

// settle adds each connection's rows without a UID to its owner, and gives to
// rest those that have none.
func (f flows) settle(rest func(sort int, t *tally)) {
	for k, t := range f.without {
		o := f.owners[k]
		if o.by == nil || t.first.Before(o.first.Add(-earlyBy)) || t.last.After(o.last.Add(lateBy)) {
			rest(k.sort, t)
			continue
		}
		o.by.follow(t)
	}
}
