package outbound

import (
	"bytes"
	"maps"
	"net/netip"
	"time"
)

// Schemas of the JSON documents. A document's shape changes only together with
// the number at its end.
const (
	SchemaWho     = "outboundmonitor/who/1"
	SchemaSearch  = "outboundmonitor/search/1"
	SchemaTop     = "outboundmonitor/top/1"
	SchemaAccount = "outboundmonitor/account/1"
	SchemaSummary = "outboundmonitor/summary/1"
	SchemaStatus  = "outboundmonitor/status/1"
	SchemaImport  = "outboundmonitor/import/1"
	SchemaLive    = "outboundmonitor/live/1"
)

// EventDoc is an event as JSON shows it. See web/API.md.
type EventDoc struct {
	ID          string    `json:"id"`
	Time        time.Time `json:"time"`
	TimeBasis   string    `json:"time_basis"`
	Account     *string   `json:"account"`
	User        *string   `json:"user"`
	Owner       *string   `json:"owner"`
	Attribution string    `json:"attribution"`
	UID         *uint32   `json:"uid"`
	GID         *uint32   `json:"gid"`
	Src         string    `json:"src"`
	SrcPort     uint16    `json:"sport"`
	Dst         string    `json:"dst"`
	DstPort     uint16    `json:"dport"`
	Proto       string    `json:"proto"`
	Rule        string    `json:"rule"`
	Host        *string   `json:"host"`
	HostFrom    *string   `json:"host_from"`
	Witness     string    `json:"witness"`
	Line        string    `json:"line"`
	LineFrom    string    `json:"line_from"`
}

// Doc gives the event's JSON form. With mask, six stars stand in place of the
// prefix key: it is shown to root alone. Bytes of the line that are not UTF-8
// are given as U+FFFD, as JSON demands.
func (e *Event) Doc(mask bool) EventDoc {
	line := e.Line
	if mask {
		line = MaskKey(line)
	}
	d := EventDoc{
		ID: e.ID.String(), Time: e.Time.UTC(), TimeBasis: e.Basis.String(), Attribution: Unknown.String(),
		Src: addrText(e.Src), SrcPort: e.SrcPort, Dst: addrText(e.Dst), DstPort: e.DstPort,
		Proto: e.Proto.String(), Rule: e.Rule, Witness: e.Witness.String(),
		Line: string(bytes.ToValidUTF8(line, []byte("\uFFFD"))), LineFrom: "log",
	}
	if e.UID != NoUID {
		d.UID = new(uint32(e.UID))
	}
	if e.GID != NoGID {
		d.GID = new(uint32(e.GID))
	}
	if w := e.Who; w != nil && w.Kind != Unattributed {
		d.Attribution = w.Attribution.String()
		d.User = new(string(w.User))
		if a := w.Account(); a != "" && w.Attribution != Unknown {
			d.Account, d.Owner = new(string(a)), new(string(w.Owner))
		}
	}
	return d
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// keyLen is the length of the key in a log prefix.
const keyLen = 6

// MaskKey gives line with each prefix key replaced by as many stars; a line
// without a key is returned as it is. The line itself is not changed.
//
// A key stands between ":=:" and ":" in a log prefix. A torn line can hold
// the beginning of one message and the whole of the next, so that all places
// after the first log prefix are masked, not the first alone.
func MaskKey(line []byte) []byte {
	const mark = ":=:"
	begin := bytes.Index(line, []byte(LogPrefix))
	if begin < 0 {
		return line
	}
	masked := line
	for at := begin; ; {
		i := bytes.Index(line[at:], []byte(mark))
		if i < 0 {
			return masked
		}
		at += i + len(mark)
		if len(line) <= at+keyLen || line[at+keyLen] != ':' {
			continue
		}
		if &masked[0] == &line[0] {
			masked = bytes.Clone(line)
		}
		copy(masked[at:], "******")
	}
}

// Verdict is the word that answers "who was it".
type Verdict string

// The verdicts, from the surest to none.
const (
	Identified    Verdict = "identified"      // one account
	Probable      Verdict = "probable"        // one stands out, and something is missing
	Candidates    Verdict = "candidates"      // several, most events first
	System        Verdict = "system"          // only system users
	None          Verdict = "none"            // nothing, and recording was complete
	UnknownAnswer Verdict = "unknown"         // nothing found and recording was incomplete
	NotThisServer Verdict = "not_this_server" // neither address is or was ours
)

// Verdicts lists each verdict once.
var Verdicts = []Verdict{Identified, Probable, Candidates, System, None, UnknownAnswer, NotThisServer}

// WhoDoc answers "who connected to this address around this time".
type WhoDoc struct {
	Schema   string   `json:"schema"`
	Verdict  Verdict  `json:"verdict"`
	Query    WhoQuery `json:"query"`
	Coverage Coverage `json:"coverage"`
	// Accounts stand with most events first.
	Accounts    []WhoAccount `json:"accounts"`
	SystemUsers []WhoSystem  `json:"system_users"`
	// Unverified holds what only text said while a better witness recorded.
	Unverified []WhoAccount `json:"unverified"`
	Events     []EventDoc   `json:"events"`
	// Next is null, or the cursor that continues Events.
	Next *string `json:"next"`
}

// WhoQuery repeats the question as it was understood.
type WhoQuery struct {
	// Address is an address or a CIDR; null if only a source port was asked for.
	Address *string `json:"address"`
	// Host is set if Address was found by resolving it just now.
	Host    *string    `json:"host,omitempty"`
	At      *time.Time `json:"at"`
	WindowS int        `json:"window_s"`
	Src     *string    `json:"src,omitempty"`
	SrcPort *uint16    `json:"sport,omitempty"`
	Port    *uint16    `json:"port,omitempty"`
}

// WhoAccount is one account in an answer.
type WhoAccount struct {
	// Account is null where the line had a UID that nobody on record had.
	Account     *string   `json:"account"`
	UID         *uint32   `json:"uid"`
	Owner       string    `json:"owner"`
	Domain      string    `json:"domain"`
	Events      int       `json:"events"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Witness     string    `json:"witness"`
	Attribution string    `json:"attribution"`
}

// WhoSystem is one system user in an answer.
type WhoSystem struct {
	User   string    `json:"user"`
	UID    uint32    `json:"uid"`
	Events int       `json:"events"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	// About is a sentence on what that user is.
	About   string `json:"about"`
	Witness string `json:"witness"`
}

// SearchDoc is a page of rows, or groups.
type SearchDoc struct {
	Schema   string     `json:"schema"`
	Events   []EventDoc `json:"events,omitempty"`
	Groups   []GroupDoc `json:"groups,omitempty"`
	Next     *string    `json:"next"`
	Coverage Coverage   `json:"coverage"`
}

// GroupDoc is one group.
type GroupDoc struct {
	Key    string    `json:"key"`
	Events int       `json:"events"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
}

// TopDoc is a ranking, largest first.
type TopDoc struct {
	Schema   string     `json:"schema"`
	Of       string     `json:"of"` // accounts or targets
	Since    *time.Time `json:"since"`
	Top      []GroupDoc `json:"top"`
	Coverage Coverage   `json:"coverage"`
}

// AccountDoc is one account's story; one account name can have had several
// lives.
type AccountDoc struct {
	Schema  string `json:"schema"`
	Account string `json:"account"`
	// About is a sentence on what a system user of this name is; absent where
	// the name is an account's.
	About    string        `json:"about,omitempty"`
	Lives    []AccountLife `json:"lives"`
	Events   int           `json:"events"`
	First    *time.Time    `json:"first"`
	Last     *time.Time    `json:"last"`
	Ports    []GroupDoc    `json:"ports"`
	Targets  []GroupDoc    `json:"targets"`
	Hours    []GroupDoc    `json:"hours"`
	Coverage Coverage      `json:"coverage"`
}

// AccountLife is one account instance under this name.
type AccountLife struct {
	UID    uint32     `json:"uid"`
	Owner  string     `json:"owner"`
	Domain string     `json:"domain"`
	Begin  *time.Time `json:"begin"` // null: not on record
	End    *time.Time `json:"end"`   // null: it still exists
	// RenamedFrom is the name that the account had until RenamedAt, and
	// RenamedTo the one that it took at End; absent where it was not renamed.
	RenamedFrom string     `json:"renamed_from,omitempty"`
	RenamedAt   *time.Time `json:"renamed_at,omitempty"`
	RenamedTo   string     `json:"renamed_to,omitempty"`
}

// SummaryDoc is what one day held.
type SummaryDoc struct {
	Schema       string           `json:"schema"`
	Day          string           `json:"day"`
	Events       int              `json:"events"`
	Accounts     []SummaryAccount `json:"accounts"`
	SystemUsers  []SummaryUser    `json:"system_users"`
	Unattributed int              `json:"unattributed"`
	Coverage     Coverage         `json:"coverage"`
}

// SummaryAccount is one account's day.
type SummaryAccount struct {
	Account    string          `json:"account"`
	UID        uint32          `json:"uid"`
	Owner      string          `json:"owner"`
	Events     int             `json:"events"`
	Targets    int             `json:"targets"`
	Ports      map[string]int  `json:"ports"`
	TopTargets []SummaryTarget `json:"top_targets"`
}

// SummaryUser is one system user's day.
type SummaryUser struct {
	User   string `json:"user"`
	UID    uint32 `json:"uid"`
	Events int    `json:"events"`
}

// SummaryTarget is one address and port that an account connected to.
type SummaryTarget struct {
	Dst     string `json:"dst"`
	DstPort uint16 `json:"dport"`
	Events  int    `json:"events"`
}

// LiveDoc is what came since a cursor.
type LiveDoc struct {
	Schema string     `json:"schema"`
	Events []EventDoc `json:"events"` // oldest first
	// After is the cursor for the next question.
	After string `json:"after"`
}

// ImportDoc says what an import did.
type ImportDoc struct {
	Schema string `json:"schema"`
	Lines  Counts `json:"lines"`
	// First and Last are null if no event was found.
	First *time.Time `json:"first"`
	Last  *time.Time `json:"last"`
}

// Counts counts what became of lines that were read.
type Counts struct {
	// Read counts lines that bear our prefix anywhere.
	Read int `json:"read"`
	// Stored counts new events; Known those that the store already had.
	Stored int `json:"stored"`
	Known  int `json:"known"`
	// Expired counts events older than the retention, which are not stored.
	Expired int `json:"expired"`
	// Rejected counts lines that gave no event, by kind.
	Rejected map[string]int `json:"rejected,omitempty"`
}

// StatusDoc is the state of the program on this host.
type StatusDoc struct {
	Schema    string     `json:"schema"`
	Version   string     `json:"version"`
	Daemon    bool       `json:"daemon"`
	Started   *time.Time `json:"started"`
	Recording bool       `json:"recording"`
	// Why says in words why nothing is recorded; "" if all is well.
	Why string `json:"why,omitempty"`
	Log string `json:"log"`
	// CaughtUp is false while the daemon still reads what was written before.
	CaughtUp bool       `json:"caught_up"`
	Events   int        `json:"events"`
	First    *time.Time `json:"first"`
	Last     *time.Time `json:"last"`
	// Rate is events a minute, over the last five minutes.
	Rate     float64  `json:"rate_per_minute"`
	Lines    Counts   `json:"lines"`
	Coverage Coverage `json:"coverage"`
	Disk     DiskDoc  `json:"disk"`
}

// DiskDoc is what the store takes, in bytes.
type DiskDoc struct {
	Used          int64 `json:"used"`
	Free          int64 `json:"free"`
	Days          int   `json:"days"`
	RetentionDays int   `json:"retention_days"`
	// Max is what the days may take, MinFree what must stay free; 0 is no limit.
	Max     int64 `json:"max"`
	MinFree int64 `json:"min_free"`
	// SetAside names the damaged day files that were taken out of use.
	SetAside []string `json:"set_aside,omitempty"`
}

// Add adds what other counts.
func (c *Counts) Add(other Counts) {
	c.Read += other.Read
	c.Stored += other.Stored
	c.Known += other.Known
	c.Expired += other.Expired
	for kind, n := range other.Rejected {
		if c.Rejected == nil {
			c.Rejected = map[string]int{}
		}
		c.Rejected[kind] += n
	}
}

// Clone gives a copy that shares nothing.
func (c Counts) Clone() Counts {
	c.Rejected = maps.Clone(c.Rejected)
	return c
}

// Minus gives what c counts beyond other, which it must include.
func (c Counts) Minus(other Counts) Counts {
	d := Counts{
		Read: c.Read - other.Read, Stored: c.Stored - other.Stored,
		Known: c.Known - other.Known, Expired: c.Expired - other.Expired,
	}
	for kind, n := range c.Rejected {
		if n -= other.Rejected[kind]; n > 0 {
			if d.Rejected == nil {
				d.Rejected = map[string]int{}
			}
			d.Rejected[kind] = n
		}
	}
	return d
}
