package cpanel

import (
	"cmp"
	"slices"

	"outboundmonitor/backend/outbound"
)

// merge brings the register's lives up to date with what the files say now.
type merge struct {
	files *files
	lives []*life
	now   int64
	// prev is when the lives were last known to be true; 0 if the register is
	// new, and then what the files say of the past is all there is.
	prev int64
}

// holder is a user who holds a UID now.
type holder struct {
	name    outbound.Username
	account bool
	evidence
}

func (m *merge) run() {
	m.refine()
	alive := map[outbound.UID][]*life{}
	for _, l := range m.lives {
		if l.alive() {
			alive[l.UID] = append(alive[l.UID], l)
		}
	}
	uids := make([]outbound.UID, 0, len(m.files.byUID))
	for uid := range m.files.byUID {
		uids = append(uids, uid)
	}
	for uid := range alive {
		if _, ok := m.files.byUID[uid]; !ok {
			uids = append(uids, uid)
		}
	}
	slices.Sort(uids)
	for _, uid := range uids {
		m.uid(uid, alive[uid])
	}
	slices.SortFunc(m.lives, func(a, b *life) int {
		return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.Seen, b.Seen), cmp.Compare(a.Begin, b.Begin))
	})
	m.forget()
}

// uid settles one UID: lives that go on, lives that were renamed, lives that
// ended, and lives that began, in this order.
func (m *merge) uid(uid outbound.UID, alive []*life) {
	holders := m.holders(uid, alive)
	taken := make([]bool, len(holders))
	var left []*life
	for _, l := range alive {
		i := slices.IndexFunc(holders, func(h holder) bool { return h.name == l.name() })
		if i < 0 {
			left = append(left, l)
			continue
		}
		taken[i] = true
		m.goOn(l, &holders[i])
	}
	left = slices.DeleteFunc(left, func(l *life) bool {
		i := slices.IndexFunc(holders, func(h holder) bool { return m.renamed(l, &h) != 0 })
		if i < 0 || taken[i] {
			return false
		}
		taken[i] = true
		h := &holders[i]
		l.Names = append(l.Names, spell{Value: h.name, From: max(m.renamed(l, h), l.Names[len(l.Names)-1].From)})
		m.update(l, h)
		return true
	})
	for _, l := range left {
		m.end(l)
	}
	for i := range holders {
		if !taken[i] {
			m.begin(uid, &holders[i])
		}
	}
}

// holders are the accounts among the passwd users of a UID, or if there are
// none, one system user: the one known already, else the first.
func (m *merge) holders(uid outbound.UID, alive []*life) []holder {
	names := m.files.byUID[uid]
	var all []holder
	system := -1
	for i, name := range names {
		e := m.files.evidenceOf(name, m.now)
		_, account := m.files.accounts[name]
		at := slices.IndexFunc(alive, func(l *life) bool { return l.name() == name })
		if at >= 0 && !account && alive[at].Account {
			// The user file is missing; that is no removal unless one is told.
			account = m.removal(alive[at]) == 0
		}
		if account {
			all = append(all, holder{name, true, e})
		}
		if at >= 0 && system < 0 {
			system = i
		}
	}
	if len(all) > 0 || len(names) == 0 {
		return all
	}
	return []holder{{name: names[max(system, 0)]}}
}

// goOn settles a life whose name still holds its UID.
func (m *merge) goOn(l *life, h *holder) {
	if l.Account != h.account {
		m.turn(l, h)
		return
	}
	begin, removed, again := m.again(l, &h.evidence)
	if !again {
		m.update(l, h)
		return
	}
	m.follow(l)
	if l.name() != h.name {
		removed = 0
	}
	m.close(l, cmp.Or(m.removal(l), removed), begin)
	m.begin(l.UID, h)
}

// again tells whether the name's present life is another one than l: its
// beginning, and the removal between them (0 if not on record).
func (m *merge) again(l *life, e *evidence) (begin, removed int64, ok bool) {
	at := l.anchor()
	if e.removed > l.named() && max(e.create, e.start) > e.removed {
		return max(e.create, e.start), e.removed, true
	}
	if e.start > at+day && e.stated > l.Start+day {
		return e.start, 0, true
	}
	if l.Start != 0 && e.stated > l.Start && e.stated > m.prev && e.stated <= m.now {
		return e.start, 0, true // later than when the old life was last seen
	}
	if e.create > max(at, l.Seen)+day {
		return e.create, 0, true
	}
	return 0, 0, false
}

// update takes over what the files newly say of a life that goes on. Begin
// stays as it is whatever they say.
func (m *merge) update(l *life, h *holder) {
	if !l.Account {
		return
	}
	e := &h.evidence
	if e.stated != 0 {
		l.Start = e.stated
	}
	if e.domain != "" {
		l.Domain = e.domain
	}
	begin := min(e.begin(), l.Seen)
	if begin != 0 && (l.Since == 0 || begin > l.Since+day) {
		l.Since, l.Firm = begin, begin
	}
	l.own(e, m.now)
}

// turn settles a user who became an account or ceased to be one.
func (m *merge) turn(l *life, h *holder) {
	begin := h.begin()
	switch {
	case !h.account:
		m.end(l)
		m.begin(l.UID, h)
	case begin != 0 && begin <= l.Seen+day:
		// It was an account all along: passwd gets its line before the user
		// file is written.
		m.lives = slices.DeleteFunc(m.lives, func(o *life) bool { return o == l })
		n := &life{UID: l.UID, Account: true, Begin: begin, Since: begin, Firm: begin, Seen: l.Seen}
		m.after(n)
		m.enter(n, h, false)
	default:
		m.close(l, 0, begin)
		m.begin(l.UID, h)
	}
}

// renamed gives when an account took the name of h; 0 if h is somebody else.
// STARTDATE must not have changed, and the log must tell of the rename, or at
// least of neither a removal nor another beginning.
func (m *merge) renamed(l *life, h *holder) int64 {
	if !l.Account || !h.account || h.stated != l.Start {
		return 0
	}
	if at := m.files.log.renamed(l.name(), h.name, l.anchor()-hour); at != 0 {
		return min(at, m.now)
	}
	if h.stated == 0 || m.removal(l) != 0 || h.create > l.anchor()+day {
		return 0
	}
	return m.now
}

// removal gives when the log says that the life was removed; 0 if it does not.
func (m *merge) removal(l *life) int64 {
	return m.files.log.removal(l.name(), max(l.named()+1, m.prev-hour), m.now+hour)
}

// end ends a life whose name no longer holds its UID.
func (m *merge) end(l *life) {
	if l.Account {
		m.follow(l)
	}
	m.close(l, m.removal(l), m.now)
}

// follow takes over the renames that the log tells of a life that is over:
// under its old name somebody else may have lived and ended since.
func (m *merge) follow(l *life) {
	for _, r := range m.files.log.renames {
		gone := m.removal(l)
		if r.old == l.name() && r.at > max(l.named(), m.prev) && r.at <= m.now && (gone == 0 || r.at < gone) {
			l.Names = append(l.Names, spell{Value: r.new, From: r.at})
		}
	}
}

// close ends a life at removed, or if that is not on record, somewhere between
// the last reading and by.
func (m *merge) close(l *life, removed, by int64) {
	low := max(l.Since, l.Begin)
	if by == 0 {
		by = m.now
	}
	if removed != 0 {
		by = min(removed, m.now)
	}
	l.End = max(by, low+1)
	l.Last = max(min(m.prev, l.End), low)
	if l.Last == 0 {
		l.Last = min(l.Seen, l.End)
	}
	if removed == 0 {
		return
	}
	if m.files.log.covers(l.Last) {
		l.Last = l.End
	}
	if l.Account {
		l.own(&evidence{changes: m.files.log.changes(l.name(), removed)}, m.now)
	}
}

// refine gives removals that were noticed their exact time once the log tells
// it.
func (m *merge) refine() {
	for _, l := range m.lives {
		if l.alive() || l.Last == l.End || !l.Account {
			continue
		}
		at := m.files.log.removal(l.name(), max(l.named()+1, l.Last-hour), l.End+hour)
		if at == 0 || at > m.now {
			continue
		}
		l.End, l.Last = at, min(l.Last, at)
		if m.files.log.covers(l.Last) {
			l.Last = at
		}
	}
}

// begin enters a life that was not there at the last reading.
func (m *merge) begin(uid outbound.UID, h *holder) {
	if l := m.returned(uid, h); l != nil {
		l.End, l.Last = 0, 0
		m.update(l, h)
		return
	}
	begin, floor := h.begin(), h.floor()
	l := &life{UID: uid, Account: h.account, Seen: m.now}
	switch {
	case m.prev == 0 && begin == 0 && floor != 0:
		l.Begin, l.Since, l.Firm = m.now, floor, m.now
	case m.prev == 0:
		l.Begin, l.Since = begin, max(begin, floor)
		l.Firm = l.Since
	case begin == 0 || begin < m.prev-day:
		// At the last reading the UID was not his, whatever his STARTDATE.
		l.Begin, l.Since, l.Firm = m.now, m.prev, m.now
	default:
		l.Begin, l.Since = begin, max(begin, floor)
		l.Firm = l.Since
	}
	m.after(l)
	m.enter(l, h, m.prev != 0)
}

// after makes room between a new life and those that held its UID before. One
// whose end is not on record ends at the new beginning at the latest; if that
// is not on record either, the time since the last reading is nobody's. The
// new life begins where the last one ended.
func (m *merge) after(l *life) {
	for _, o := range m.lives {
		if o.UID != l.UID || o.alive() {
			continue
		}
		switch noticed := l.Since < l.Begin; {
		case o.End == o.Last, noticed && o.End < m.now:
		case noticed:
			o.End = o.Last + 1
			o.Last, l.Since = o.End, m.now
		case o.End > l.Since:
			o.End = max(o.Last, l.Since)
		}
		if l.Since != 0 {
			l.Since = max(l.Since, o.End)
			l.Firm = max(l.Firm, l.Since)
		}
	}
}

// returned finds the life that a user takes up again: passwd lost it for a
// while, nothing tells of a removal, and nobody held the UID since.
func (m *merge) returned(uid outbound.UID, h *holder) *life {
	var last *life
	for _, l := range m.lives {
		if l.UID == uid && (last == nil || !l.alive() && l.End >= last.End) {
			last = l
		}
	}
	if last == nil || last.alive() || last.Last == last.End || !last.Account || !h.account {
		return nil
	}
	if m.files.log.removal(h.name, last.End, last.End) != 0 {
		return nil
	}
	if last.name() != h.name || h.stated == 0 || h.stated != last.Start || h.create > last.anchor()+day {
		return nil
	}
	return last
}

// enter completes a life and puts it into the register, with a Begin that no
// other life of the UID has. fresh says that the register saw it begin.
func (m *merge) enter(l *life, h *holder, fresh bool) {
	for m.has(l.UID, l.Begin) {
		if l.Begin == 0 {
			l.Begin = m.now
			continue
		}
		l.Begin++
	}
	l.Names = []spell{{Value: h.name, From: l.Begin}}
	if l.Account {
		l.Start, l.Domain = h.stated, h.domain
		m.formerNames(l)
		l.Owners = []spell{firstOwner(l, m.files, &h.evidence, m.now, fresh)}
		l.own(&h.evidence, m.now)
	}
	m.lives = append(m.lives, l)
}

func (m *merge) has(uid outbound.UID, begin int64) bool {
	return slices.ContainsFunc(m.lives, func(l *life) bool { return l.UID == uid && l.Begin == begin })
}

// formerNames adds the names that the log says the account had before.
func (m *merge) formerNames(l *life) {
	to := m.now
	for _, r := range slices.Backward(m.files.log.renames) {
		if r.new == l.Names[0].Value && r.at > l.Begin && r.at <= to {
			to, l.Names[0].From = r.at, r.at
			l.Names = slices.Insert(l.Names, 0, spell{Value: r.old, From: l.Begin})
		}
	}
}

// maxLives bounds the register: a reseller can create and remove accounts as
// often as he likes.
const maxLives = 100_000

// forget drops the lives that ended first, if there are too many.
func (m *merge) forget() {
	over := len(m.lives) - maxLives
	if over <= 0 {
		return
	}
	ended := slices.DeleteFunc(slices.Clone(m.lives), (*life).alive)
	slices.SortStableFunc(ended, func(a, b *life) int { return cmp.Compare(a.End, b.End) })
	drop := map[*life]bool{}
	for _, l := range ended[:min(over, len(ended))] {
		drop[l] = true
	}
	m.lives = slices.DeleteFunc(m.lives, func(l *life) bool { return drop[l] })
}
