package outbound

import (
	"net/netip"
	"time"
)

// Query selects events. Each field that is set narrows; the zero value selects
// all that the Scope sees.
type Query struct {
	// Dst and Src are the remote and our address; a whole address is a prefix
	// of full length. The zero prefix selects all.
	Dst, Src netip.Prefix
	// Account is a login name at the time of the event, of a cPanel account or
	// of a system user.
	Account Username
	// Instance narrows to one account instance.
	Instance *Instance
	UID      *UID
	// DstPort and SrcPort: 0 selects all.
	DstPort, SrcPort uint16
	Rule             string
	// Since is inclusive, Until exclusive; zero means open.
	Since, Until time.Time
	// Limit is how many events a page holds at most.
	Limit int
	// Cursor continues where a page ended; as it was handed out, or "".
	Cursor string
	// OldestFirst turns the order round; the newest come first otherwise.
	OldestFirst bool
	// Bare leaves ID and Line empty: who only counts needs neither.
	Bare bool
}

// Page is a part of an answer.
type Page struct {
	Events []Event
	// Next is the cursor of the next page, "" on the last.
	Next string
}

// GroupBy says what events are counted by.
type GroupBy string

// What events can be counted by.
const (
	ByAccount GroupBy = "account"
	ByDst     GroupBy = "dst"
	ByPort    GroupBy = "port"
	ByHour    GroupBy = "hour"
)

// Group is a count of events that share a key.
type Group struct {
	// Key is the login name ("uid N" if it had none), the address, the port,
	// or the hour's beginning in RFC 3339.
	Key string
	// Who is set with ByAccount only.
	Who         *Who
	Events      int
	First, Last time.Time
}

// Bucket is a count of events in a span of time, for charts.
type Bucket struct {
	From time.Time
	// Ports counts by port group: "22", "21", "80", "443", "other".
	Ports map[string]int
}

// Gap is a time in which something may have gone unrecorded.
type Gap struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Rule   string    `json:"rule"`
	Reason string    `json:"reason"`
	// Lost is how many were missed; nil where that is not known.
	Lost *int `json:"lost"`
}

// Reasons of gaps.
const (
	NotCounted   = "not_counted"
	RulesMissing = "rules_missing"
	Rebuilt      = "rebuilt"
	DaemonDown   = "daemon_down"
	NFLOGLost    = "nflog_lost"
	LogLimit     = "log_limit"
	LogLost      = "log_lost"
	Damaged      = "damaged"
	RotatedAway  = "rotated_away"
	Pruned       = "pruned"
	Purged       = "purged"
	ClockStep    = "clock"
)

// Coverage says for how much of a range everything was recorded.
type Coverage struct {
	Complete bool `json:"complete"`
	// Covered is the share of the range, 0 to 1.
	Covered float64 `json:"covered"`
	// Missing is in seconds.
	Missing float64 `json:"missing_s"`
	// From and To are nil where the range is open and nothing is stored.
	From    *time.Time `json:"from"`
	To      *time.Time `json:"to"`
	Watched Watched    `json:"watched"`
	Gaps    []Gap      `json:"gaps"`
	// Better lists the spans in which a witness better than text recorded all
	// that is watched: a text line of such a time that nothing else bears out
	// is not believed. Nil where that is not known. It is not shown.
	Better []Span `json:"-"`
}

// Span is a time from From to To, both included.
type Span struct{ From, To time.Time }

// Holds reports whether t lies within the span.
func (s Span) Holds(t time.Time) bool { return !t.Before(s.From) && !t.After(s.To) }

// Watched says what the rules record. It is empty where that is not known.
type Watched struct {
	// TCP is "all", or the ports as in "21,22,80,443".
	TCP       string   `json:"tcp"`
	UDP       []string `json:"udp"`
	Families  []int    `json:"families"`
	Forwarded bool     `json:"forwarded"`
}

// Extent is what a store holds for a scope.
type Extent struct {
	Events int
	// First and Last are nil if there is no event.
	First, Last *time.Time
}

// ImportSpec tells of a log that is imported.
type ImportSpec struct {
	// Name is the file's name, for messages.
	Name string
	// FirstYear is the year of the first stamp without a year; 0 if all stamps
	// carry one.
	FirstYear int
}

// Extend takes in events between first and last.
func (x *Extent) Extend(events int, first, last time.Time) {
	if x.First == nil || first.Before(*x.First) {
		x.First = &first
	}
	if x.Last == nil || last.After(*x.Last) {
		x.Last = &last
	}
	x.Events += events
}
