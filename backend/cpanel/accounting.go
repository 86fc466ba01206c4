package cpanel

import (
	"slices"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// accounting is what /var/cpanel/accounting.log tells of accounts. It names no
// UIDs, so that an account that was gone before the register began has no
// history here.
type accounting struct {
	// first is when the log begins; 0 if it holds nothing that fits.
	first int64
	// spans are the lives that bear a name, in the log's order.
	spans   map[outbound.Username][]*span
	renames []rename
}

// span is one life as the log tells it.
type span struct {
	begin, end int64 // 0: not in the log
	creator    outbound.Username
	changes    []change
}

// change is a CHANGEOWNER.
type change struct {
	at       int64
	old, new outbound.Username
}

// rename is a change of a login name.
type rename struct {
	at       int64
	old, new outbound.Username
}

// stampLen is the length of a ctime(3) stamp: "Thu Nov  5 02:11:03 2026".
const stampLen = 24

// readAccounting reads lines of the shape
//
//	Www Mmm dd HH:MM:SS YYYY:ACTION:REMOTE_USER:USER:field...
//
// where a colon within a field is written \: and the stamp is in the host's
// zone. What does not fit is counted and left out; so are lines that lie more
// than a day after now.
//
// Source: Cpanel::AccountingLog, and scripts in the wild that take an
// account's name from the ninth field of a plain split at colons.
func readAccounting(data []byte, zone *time.Location, now int64, skipped Counts) *accounting {
	a := &accounting{spans: map[outbound.Username][]*span{}}
	eachLine(data, accountingLog, skipped, func(line string) {
		at, fields, ok := splitEntry(line, zone)
		if !ok || at <= oldest || at > now+day {
			skipped[accountingLog+": no valid stamp"]++
			return
		}
		if a.first == 0 || at < a.first {
			a.first = at
		}
		if why := a.take(at, fields); why != "" {
			skipped[accountingLog+": "+why]++
		}
	})
	return a
}

func splitEntry(line string, zone *time.Location) (at int64, fields []string, ok bool) {
	if len(line) <= stampLen || line[stampLen] != ':' {
		return 0, nil, false
	}
	t, err := time.ParseInLocation("Mon Jan _2 15:04:05 2006", line[:stampLen], zone)
	if err != nil {
		return 0, nil, false
	}
	var b strings.Builder
	rest := line[stampLen+1:]
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest) && (rest[i+1] == ':' || rest[i+1] == '\\'):
			i++
			b.WriteByte(rest[i])
		case c == ':':
			fields = append(fields, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return t.Unix(), append(fields, b.String()), true
}

// take enters one line. fields are ACTION, REMOTE_USER, USER and the action's
// own: CREATE and REMOVE have domain, IP, user; CHANGEOWNER has domain, user,
// old, new.
//
// The shape of a rename's line is not settled. RENAME and CHANGEUSER with
// domain, old, new are taken, and believed only together with other evidence.
func (a *accounting) take(at int64, fields []string) (why string) {
	const misfit = "known action, unknown shape"
	field := func(i int) outbound.Username { return nameAt(fields, i) }
	switch fields[0] {
	case "CREATE", "REMOVE":
		user := field(5)
		if user == "" || fields[4] != "" && !address(fields[4]).IsValid() {
			return misfit
		}
		if fields[0] == "CREATE" {
			a.spans[user] = append(a.spans[user], &span{begin: at, creator: field(2)})
		} else {
			a.open(user).end = at
		}
	case "CHANGEOWNER":
		user, from, to := field(4), field(5), field(6)
		if user == "" || from == "" || to == "" {
			return misfit
		}
		s := a.open(user)
		s.changes = append(s.changes, change{at: at, old: from, new: to})
	case "RENAME", "CHANGEUSER":
		from, to := field(4), field(5)
		if from == "" || to == "" || from == to {
			return misfit
		}
		a.rename(at, from, to)
	default:
		return "other action"
	}
	return ""
}

// nameAt gives the login name in field i, or "" if there is none.
func nameAt(fields []string, i int) outbound.Username {
	if i >= len(fields) {
		return ""
	}
	return username(fields[i])
}

// open gives the span of a name that has not ended, and begins one without a
// beginning if there is none.
func (a *accounting) open(user outbound.Username) *span {
	if s := a.last(user); s != nil && s.end == 0 {
		return s
	}
	s := &span{}
	a.spans[user] = append(a.spans[user], s)
	return s
}

func (a *accounting) last(user outbound.Username) *span {
	all := a.spans[user]
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func (a *accounting) rename(at int64, from, to outbound.Username) {
	s := a.open(from)
	a.spans[from] = a.spans[from][:len(a.spans[from])-1]
	a.spans[to] = append(a.spans[to], s)
	a.renames = append(a.renames, rename{at: at, old: from, new: to})
}

// covers reports whether the log goes back to at, so that what it does not tell
// of the time since did not happen.
func (a *accounting) covers(at int64) bool { return a.first != 0 && a.first <= at }

// removal gives the first removal of a name at or after from and not after to;
// 0 if there is none.
func (a *accounting) removal(user outbound.Username, from, to int64) int64 {
	for _, s := range a.spans[user] {
		if s.end != 0 && s.end >= from && s.end <= to {
			return s.end
		}
	}
	return 0
}

// changes gives the changes of owner in the span of a name that ended then.
func (a *accounting) changes(user outbound.Username, end int64) []change {
	for _, s := range a.spans[user] {
		if s.end == end {
			return s.changes
		}
	}
	return nil
}

// renamed gives when old last became new, not before from; 0 if it is not told.
func (a *accounting) renamed(old, new outbound.Username, from int64) int64 {
	for _, r := range slices.Backward(a.renames) {
		if r.old == old && r.new == new && r.at >= from {
			return r.at
		}
	}
	return 0
}

const (
	// day is how far apart two records of one beginning can lie: the log's
	// stamps are in a zone that may have changed since.
	day = 24 * 60 * 60
	// hour is how far a record of a removal can lie from when it was noticed:
	// passwd and the log are not written at once, and an hour occurs twice in
	// autumn.
	hour = 60 * 60
	// oldest is the beginning of 1990; no account is older.
	oldest = 631152000
)

// evidence is all that is on record now about the account of one name.
type evidence struct {
	account
	// stated is STARTDATE as the user file has it; start is never after now.
	stated int64
	// create is the beginning of the log's last span, if that has not ended.
	create int64
	// removed is when the name was last removed before that; closed says that
	// nothing in the log follows.
	removed int64
	closed  bool
	creator outbound.Username
	changes []change
}

// evidenceOf gathers what is on record about name. A STARTDATE that lies in
// the future by more than a day, or before 1990, is none.
func (f *files) evidenceOf(name outbound.Username, now int64) evidence {
	e := evidence{account: f.accounts[name]}
	if e.start <= oldest || e.start > now+day {
		e.start = 0
	}
	e.stated, e.start = e.start, min(e.start, now)
	all := f.log.spans[name]
	if len(all) == 0 {
		return e
	}
	last := all[len(all)-1]
	if last.end != 0 {
		e.removed, e.closed = last.end, true
		return e
	}
	e.create, e.creator, e.changes = min(last.begin, now), last.creator, last.changes
	if len(all) > 1 {
		e.removed = all[len(all)-2].end
	}
	if e.create != 0 && e.create < e.removed {
		e.removed = 0 // of one who had the name before this one was renamed to it
	}
	return e
}

// begin gives the beginning on record; 0 if there is none. STARTDATE is exact
// where CREATE's stamp depends on the zone, so it wins where they agree within
// a day; else the later one: an account that was moved here keeps its old
// STARTDATE, and what its UID did before CREATE was somebody else.
func (e *evidence) begin() int64 {
	if e.start == 0 || e.create == 0 {
		return e.start + e.create
	}
	if gap := e.start - e.create; gap <= day && gap >= -day {
		return e.start
	}
	return max(e.start, e.create)
}

// floor is a time before which the account cannot have begun; 0 if none. A
// removal on record that the account has plainly survived is none.
func (e *evidence) floor() int64 {
	if e.closed && e.start != 0 && e.start <= e.removed {
		return 0
	}
	return e.removed
}
