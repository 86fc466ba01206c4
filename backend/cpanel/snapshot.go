package cpanel

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
)

// Snapshot is who is who as the files told it at one moment, with the history
// that the register keeps. It never changes and may be used by many at once.
type Snapshot struct {
	files  *files
	lines  map[outbound.UID]*timeline
	lives  map[outbound.Username][]outbound.Life
	grants map[outbound.Username][]outbound.Grant
	alive  int
	whos   *interner
}

func newSnapshot(f *files, lives []*life, whos *interner) *Snapshot {
	s := &Snapshot{
		files: f, whos: whos,
		lines:  map[outbound.UID]*timeline{},
		lives:  map[outbound.Username][]outbound.Life{},
		grants: map[outbound.Username][]outbound.Grant{},
	}
	byUID := map[outbound.UID][]*life{}
	for _, l := range lives {
		byUID[l.UID] = append(byUID[l.UID], l)
		if l.Account {
			s.addLives(l)
		}
		if l.Account && l.alive() {
			s.alive++
			s.addGrants(l)
		}
	}
	for uid, of := range byUID {
		s.lines[uid] = newTimeline(uid, of, whos)
	}
	for _, all := range s.lives {
		slices.SortStableFunc(all, func(a, b outbound.Life) int { return cmp.Compare(a.Begin, b.Begin) })
	}
	return s
}

// addLives enters an account under each name it had.
func (s *Snapshot) addLives(l *life) {
	for i, n := range l.Names {
		life := outbound.Life{
			Instance: outbound.Instance{UID: l.UID, Begin: l.Begin},
			Owner:    l.owner().Value, Domain: l.Domain, End: unix(l.End),
		}
		if i+1 < len(l.Names) {
			life.End, life.After = unix(l.Names[i+1].From), l.Names[i+1].Value
		}
		if i > 0 {
			life.Named, life.Before = unix(n.From), l.Names[i-1].Value
		}
		s.lives[n.Value] = append(s.lives[n.Value], life)
	}
}

// addGrants gives the account to its owner, from when he owns it, and to
// itself, from its beginning.
func (s *Snapshot) addGrants(l *life) {
	i := outbound.Instance{UID: l.UID, Begin: l.Begin}
	s.grants[l.name()] = append(s.grants[l.name()], outbound.Grant{Instance: i, From: unix(l.Begin)})
	if o := l.owner(); o.Value != l.name() {
		s.grants[o.Value] = append(s.grants[o.Value], outbound.Grant{Instance: i, From: unix(o.From)})
	}
}

// unix gives the zero time for 0.
func unix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// Who tells whose a UID was at a time. It is never nil, and the same pointer
// for equal content from every snapshot of a Book. It is Unattributed, bearing
// the UID, where nobody on record had the UID then, and where two accounts
// share it.
func (s *Snapshot) Who(uid outbound.UID, at time.Time) *outbound.Who {
	if l, ok := s.lines[uid]; ok {
		return l.at(at)
	}
	return s.whos.ghost(uid, false)
}

// Lives lists the account instances that ever had this name, oldest first;
// those that were gone before the register began are not known.
func (s *Snapshot) Lives(name outbound.Username) []outbound.Life { return slices.Clone(s.lives[name]) }

// Reseller gives a reseller's ACLs; ok is false for a user who is none. The
// name must match exactly.
func (s *Snapshot) Reseller(name outbound.Username) (acls []string, ok bool) {
	acls, ok = s.files.resellers[name]
	return slices.Clone(acls), ok
}

// Exists reports whether passwd has the name.
func (s *Snapshot) Exists(name outbound.Username) bool {
	_, ok := s.files.uids[name]
	return ok
}

// Owned lists the accounts that exist now and belong to exactly this owner,
// each from when the ownership began, and his own account from its beginning.
func (s *Snapshot) Owned(owner outbound.Username) []outbound.Grant {
	return slices.Clone(s.grants[owner])
}

// Accounts counts the accounts that exist now.
func (s *Snapshot) Accounts() int { return s.alive }

// Suspended reports whether cPanel suspended the account.
func (s *Snapshot) Suspended(name outbound.Username) bool { return s.files.suspended[name] }

// Addresses gives the server's addresses as cPanel's files state them.
func (s *Snapshot) Addresses() Addresses {
	a := s.files.addresses
	a.NAT = slices.Clone(a.NAT)
	return a
}

// Skipped counts what the files held that was not understood.
func (s *Snapshot) Skipped() Counts { return maps.Clone(s.files.skipped) }
