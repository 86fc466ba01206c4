package cpanel

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"outboundmonitor/backend/outbound"
)

// timeline tells whose a UID was, as steps in time.
type timeline struct {
	first *outbound.Who // before the first cut
	cuts  []int64       // Unix seconds, ascending
	whos  []*outbound.Who
}

// at gives whose the UID was at t. Most questions are about the last step.
func (l *timeline) at(t time.Time) *outbound.Who {
	s := t.Unix()
	for i := len(l.cuts) - 1; i >= 0; i-- {
		if s >= l.cuts[i] {
			return l.whos[i]
		}
	}
	return l.first
}

// beforeAll is earlier than any cut.
const beforeAll = -1 << 62

// newTimeline lays the lives of one UID side by side.
func newTimeline(uid outbound.UID, lives []*life, whos *interner) *timeline {
	var cuts []int64
	for _, l := range lives {
		cuts = append(cuts, since(l, lives), l.Firm, l.Last+1, l.End)
		for _, s := range l.Names {
			cuts = append(cuts, s.From)
		}
		for _, s := range l.Owners {
			cuts = append(cuts, s.From)
		}
	}
	slices.Sort(cuts)
	line := &timeline{first: whos.get(whoAt(uid, lives, beforeAll))}
	last := line.first
	for _, cut := range slices.Compact(cuts) {
		who := whos.get(whoAt(uid, lives, cut))
		if who == last {
			continue
		}
		line.cuts = append(line.cuts, cut)
		line.whos = append(line.whos, who)
		last = who
	}
	return line
}

// since gives from when a life can hold its UID. A life without a beginning on
// record is taken to have held it always, but only while it is the only one:
// once the UID is seen with two, each holds it from when it was first seen.
func since(l *life, lives []*life) int64 {
	if l.Since == 0 && len(lives) > 1 {
		return l.Seen
	}
	return l.Since
}

// whoAt tells whose a UID was. An account goes before system users; two
// accounts at once make it nobody's.
func whoAt(uid outbound.UID, lives []*life, at int64) outbound.Who {
	var found *life
	accounts := 0
	for _, l := range lives {
		from := since(l, lives)
		if from != 0 && at < from || l.End != 0 && at >= l.End {
			continue
		}
		if l.Account {
			accounts++
		}
		if found == nil || l.Account || !found.Account {
			found = l
		}
	}
	if found == nil || accounts > 1 {
		return outbound.Who{Kind: outbound.Unattributed, Instance: outbound.Instance{UID: uid}}
	}
	return found.who(at)
}

func (l *life) who(at int64) outbound.Who {
	w := outbound.Who{
		Kind: outbound.SystemUser, Instance: outbound.Instance{UID: l.UID, Begin: l.Begin},
		User: valueAt(l.Names, at), Attribution: outbound.Assumed,
	}
	if l.Firm != 0 && at >= l.Firm && (l.End == 0 || at <= l.Last) {
		w.Attribution = outbound.Known
	}
	if l.Account {
		w.Kind, w.Owner, w.Domain = outbound.CPanelAccount, valueAt(l.Owners, at), l.Domain
	}
	return w
}

// interner gives the same pointer for equal content, for as long as a Book
// lives.
type interner struct {
	mu   sync.Mutex
	whos map[outbound.Who]*outbound.Who
	// ghosts are the UIDs that nobody on record ever had. Forged lines can
	// name any number of them, so only maxGhosts are kept.
	ghosts map[outbound.UID]*outbound.Who
	// recent holds ghosts by the low bits of their UID, to be found without a
	// lock.
	recent [1 << 12]atomic.Pointer[outbound.Who]
}

const maxGhosts = 1 << 14

// newInterner knows NoUID from the start.
func newInterner() *interner {
	n := &interner{whos: map[outbound.Who]*outbound.Who{}, ghosts: map[outbound.UID]*outbound.Who{}}
	n.ghost(outbound.NoUID, true)
	return n
}

func (n *interner) get(w outbound.Who) *outbound.Who {
	if w.Kind == outbound.Unattributed {
		return n.ghost(w.UID, true)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if p, ok := n.whos[w]; ok {
		return p
	}
	p := &w
	n.whos[w] = p
	return p
}

// ghost gives the Unattributed of a UID. It is kept if it must be, or if there
// is room.
func (n *interner) ghost(uid outbound.UID, must bool) *outbound.Who {
	slot := &n.recent[int(uid)%len(n.recent)]
	if p := slot.Load(); p != nil && p.UID == uid {
		return p
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.ghosts[uid]
	if p == nil {
		p = &outbound.Who{Kind: outbound.Unattributed, Instance: outbound.Instance{UID: uid}}
		if !must && len(n.ghosts) >= maxGhosts {
			return p
		}
		n.ghosts[uid] = p
	}
	slot.Store(p)
	return p
}
