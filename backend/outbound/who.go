package outbound

import "time"

// Kind says what sort of user stands behind a UID.
type Kind uint8

const (
	// Unattributed: the line had no UID, or nobody on record had it then.
	Unattributed Kind = iota
	// SystemUser is a user of the host that is no cPanel account: root,
	// nobody, mailnull.
	SystemUser
	// CPanelAccount is a cPanel account.
	CPanelAccount
)

// Attribution says how sure it is that the account named is the one that had
// the UID at the event's time.
type Attribution uint8

const (
	// Unknown: the time lies before a known beginning, or nobody had the UID.
	Unknown Attribution = iota
	// Assumed: no beginning on record, and no sign that the UID was reused.
	Assumed
	// Known: an account instance whose beginning is on record covers the time.
	Known
)

// String gives the word of the JSON contract.
func (a Attribution) String() string {
	switch a {
	case Known:
		return "known"
	case Assumed:
		return "assumed"
	}
	return "unknown"
}

// Instance names one life of one UID: accounts are renamed and UIDs come back,
// but a UID and the second in which its account began occur once.
type Instance struct {
	UID UID
	// Begin is the account's beginning in Unix seconds; 0 means none on record.
	Begin int64
}

// Who is the answer to "whose UID was that at that time". It is stored beside
// the events and never looked up again.
type Who struct {
	Kind Kind
	Instance
	// User is the login name at the time; empty if Unattributed.
	User Username
	// Owner is the reseller (or root) that owned the account at the time;
	// empty for all but cPanel accounts.
	Owner Username
	// Domain is the account's main domain; may be empty.
	Domain      string
	Attribution Attribution
}

// Account gives the login name of a cPanel account, and "" for others.
func (w *Who) Account() Username {
	if w == nil || w.Kind != CPanelAccount {
		return ""
	}
	return w.User
}

// Grant lets a viewer see one account instance from a time on.
type Grant struct {
	Instance Instance
	// From is when the account came to the viewer: rows from before it are
	// not his. The zero time means from the beginning.
	From time.Time
}

// Scope is what a viewer may see. Each read of events takes one. Its zero
// value sees nothing.
type Scope struct {
	all    bool
	grants map[Instance]time.Time
}

// Everything is root's scope.
func Everything() Scope { return Scope{all: true} }

// Only is the scope of a viewer who sees these account instances and nothing
// else.
func Only(grants ...Grant) Scope {
	m := make(map[Instance]time.Time, len(grants))
	for _, g := range grants {
		m[g.Instance] = g.From
	}
	return Scope{grants: m}
}

// All reports whether the scope is root's.
func (s Scope) All() bool { return s.all }

// Sees reports whether an event of w at t is within the scope.
func (s Scope) Sees(w *Who, t time.Time) bool {
	if s.all {
		return true
	}
	if w == nil || w.Kind != CPanelAccount || w.Attribution == Unknown {
		return false
	}
	from, ok := s.grants[w.Instance]
	return ok && !t.Before(from)
}

// MaySee reports whether the scope can see any event of w at all, whatever its
// time. A store uses it to leave out what need not be read.
func (s Scope) MaySee(w *Who) bool {
	if s.all {
		return true
	}
	if w == nil || w.Kind != CPanelAccount || w.Attribution == Unknown {
		return false
	}
	_, ok := s.grants[w.Instance]
	return ok
}

// Life is one account instance as the host's files tell of it.
type Life struct {
	Instance
	Owner  Username
	Domain string
	// End is when the account was removed or renamed away; zero if it still
	// has this name.
	End time.Time
	// Before is the name that the account had until Named; both are zero for
	// its first. After is the name that it took at End, "" if it took none.
	Before, After Username
	Named         time.Time
}

// From gives the time from which the scope shows events of w; it says nothing
// where MaySee is false.
func (s Scope) From(w *Who) time.Time {
	if s.all || w == nil {
		return time.Time{}
	}
	return s.grants[w.Instance]
}

// Grants lists what a scope that is not root's was made of, in no order.
func (s Scope) Grants() []Grant {
	all := make([]Grant, 0, len(s.grants))
	for i, from := range s.grants {
		all = append(all, Grant{i, from})
	}
	return all
}
