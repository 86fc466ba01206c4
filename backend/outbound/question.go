package outbound

import (
	"net/netip"
	"time"
)

// Question is what a complaint asks: who connected to this address around this
// time.
type Question struct {
	// Prefix is the address or network complained about. The zero Prefix
	// selects all; then SrcPort must be set.
	Prefix netip.Prefix
	// Host is the name that was resolved to Prefix just now; "" if an address
	// was given.
	Host string
	// At is the time asked about; zero means the whole history.
	At time.Time
	// Window reaches to both sides of At, both ends included.
	Window time.Duration
	// Src is our address; the zero Addr selects all.
	Src netip.Addr
	// SrcPort and Port (the remote one): 0 selects all.
	SrcPort, Port uint16
	// Limit is how many events the answer lists at most; 0 means all.
	Limit int
	// Mask hides the prefix key and the counts of gaps, which are root's.
	Mask bool
}

// Query selects the events that bear on the question, oldest first: what came
// first is the better evidence. It has no limit.
func (q Question) Query() Query {
	all := Query{Dst: q.Prefix, SrcPort: q.SrcPort, DstPort: q.Port, OldestFirst: true}
	if q.Src.IsValid() {
		all.Src = netip.PrefixFrom(q.Src, q.Src.BitLen())
	}
	if !q.At.IsZero() {
		all.Since = q.At.Add(-q.Window)
		all.Until = q.At.Add(q.Window + 1)
	}
	return all
}
