package cpanel

import (
	"slices"

	"outboundmonitor/backend/outbound"
)

// life is one holder of one UID, from its beginning to its end. All times are
// in Unix seconds. (UID, Begin) is its identity and never changes.
type life struct {
	UID   outbound.UID `json:"uid"`
	Begin int64        `json:"begin"` // 0: none on record
	// Account is false for a system user.
	Account bool `json:"account,omitempty"`
	// Since is when the UID can first have been this life's; 0: not known.
	// From Firm on that is sure; 0: never, it is only assumed.
	Since int64 `json:"since,omitempty"`
	Firm  int64 `json:"firm,omitempty"`
	// Start is STARTDATE as it was last read; 0 if there was none. It tells a
	// rename from a new account.
	Start int64 `json:"start,omitempty"`
	// Seen is when the register first saw the life.
	Seen int64 `json:"seen"`
	// Last is until when the life surely lasted, End when it is over; both 0
	// while it lasts. They are equal if the removal is on record.
	Last int64 `json:"last,omitempty"`
	End  int64 `json:"end,omitempty"`
	// Names are the login names, Owners the owners, each from a time on. The
	// first name holds from the beginning, whatever its From.
	Names  []spell `json:"names"`
	Owners []spell `json:"owners,omitempty"`
	Domain string  `json:"domain,omitempty"`
}

// spell is a value from a time on.
type spell struct {
	Value outbound.Username `json:"value"`
	From  int64             `json:"from"`
}

func (l *life) alive() bool             { return l.End == 0 }
func (l *life) name() outbound.Username { return l.Names[len(l.Names)-1].Value }

// owner gives the present owner with the time from which he owns; zero for a
// system user.
func (l *life) owner() spell {
	if len(l.Owners) == 0 {
		return spell{}
	}
	return l.Owners[len(l.Owners)-1]
}

// anchor is the latest time at which the life is known to have been young.
func (l *life) anchor() int64 {
	if at := max(l.Begin, l.Since); at != 0 {
		return at
	}
	return l.Seen
}

// named gives since when the life has surely had its present name: what is on
// record of that name from before can be somebody else's.
func (l *life) named() int64 { return max(l.anchor(), l.Names[len(l.Names)-1].From) }

// valueAt gives the value at a time; before the first From the first one.
func valueAt(spells []spell, at int64) outbound.Username {
	if len(spells) == 0 {
		return ""
	}
	v := spells[0].Value
	for _, s := range spells[1:] {
		if at >= s.From {
			v = s.Value
		}
	}
	return v
}

// own brings the owners up to date: changes on record, then the present owner
// if that is somebody else, from now.
func (l *life) own(e *evidence, now int64) {
	from := max(l.Begin, l.Since) - hour
	for _, c := range e.changes {
		if c.at >= from && c.old != c.new {
			l.change(c.old, spell{Value: c.new, From: min(c.at, now)})
		}
	}
	l.Owners = slices.CompactFunc(l.Owners, func(a, b spell) bool { return a.Value == b.Value })
	if e.owner != "" && l.owner().Value != e.owner {
		l.Owners = append(l.Owners, spell{Value: e.owner, From: max(now, l.owner().From)})
	}
}

// change enters one change of the owner that is on record. Where the register
// says that the new owner was it already, the record is right: he is it from
// then on, and before that the old one was.
func (l *life) change(old outbound.Username, s spell) {
	if slices.Contains(l.Owners, s) {
		return
	}
	i := 0 // the spell in force
	for i+1 < len(l.Owners) && l.Owners[i+1].From <= s.From {
		i++
	}
	switch first := l.Owners[i]; {
	case first.Value == s.Value && i > 0:
		l.Owners[i].From = s.From
	case first.Value == s.Value:
		l.Owners[0].From = s.From
		l.Owners = slices.Insert(l.Owners, 0, spell{Value: old, From: min(first.From, s.From)})
	case first.From > s.From:
		l.Owners = slices.Insert(l.Owners, 0, s)
	default:
		l.Owners = slices.Insert(l.Owners, i+1, s)
	}
}

// firstOwner gives the first owner on record of a life that is just entered,
// and since when he surely owned: the beginning if the log tells of it or goes
// back so far, else from where the log begins, else now.
func firstOwner(l *life, f *files, e *evidence, now int64, fresh bool) spell {
	s := spell{Value: e.owner, From: now}
	switch {
	case fresh || e.create != 0 || f.log.covers(l.Begin):
		s.From = l.Begin
	case f.log.first != 0:
		s.From = max(f.log.first, l.Begin)
	}
	if len(e.changes) > 0 {
		s.Value = e.changes[0].old
		return s
	}
	// A plain reseller creates accounts for nobody but himself.
	if acls, ok := f.resellers[e.creator]; ok && e.create != 0 && !slices.Contains(acls, "all") {
		s.Value = e.creator
	}
	return s
}
