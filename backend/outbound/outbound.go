// Package outbound holds the words that every room of the house shares: who
// connected, to where, when, how that was witnessed, and what a question and
// its answer look like. It is the ground: it imports the standard library
// only, touches no file, and knows no room.
package outbound

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// LogPrefix is what each of our log prefixes begins with, as in the article
// whose rules the program takes over. After it come the group's label, ":=:",
// and, where the rules carry a key, six characters and a colon.
const LogPrefix = "CSF-OUTBOUND:"

// UID is what netfilter prints after UID=: the fsuid of the task that created
// the socket, in the host's user namespace.
type UID uint32

// NoUID stands for a line without UID=: the kernel had no open socket to ask,
// as for a packet sent after close(2). It is (uid_t)-1, which no user can have.
//
// Source: nf_log_dump_sk_uid_gid in Linux net/netfilter/nf_log_syslog.c.
const NoUID UID = 1<<32 - 1

// GID is what netfilter prints after GID=.
type GID uint32

// NoGID stands for a line without GID=.
const NoGID GID = 1<<32 - 1

// Username is a login name of the host: of a cPanel account, a reseller or a
// system user. It is hostile text wherever it is shown.
type Username string

// Valid reports whether u can be a login name at all: 1 to 32 characters of
// A-Z a-z 0-9 . _ -, not beginning with a hyphen or a dot.
func (u Username) Valid() bool {
	if u == "" || len(u) > 32 || u[0] == '-' || u[0] == '.' {
		return false
	}
	for i := range len(u) {
		c := u[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
			continue
		}
		return false
	}
	return true
}

// Protocol is an IP protocol number.
type Protocol uint8

// The protocols that the kernel names in its log lines.
const (
	ICMP   Protocol = 1
	TCP    Protocol = 6
	UDP    Protocol = 17
	ICMPv6 Protocol = 58
)

// String gives the name in lower case, or the number.
func (p Protocol) String() string {
	switch p {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(int(p))
}

// Event is one recorded outgoing packet: one log line or one netlink record.
// It is never changed once stored.
type Event struct {
	// ID is assigned by the store when the event is read back; zero before.
	ID ID

	// Time is when the packet was logged, in UTC, to the microsecond where the
	// stamp has it; Basis says how Time was found.
	Time  time.Time
	Basis TimeBasis

	// Who is the account instance or system user behind UID at Time. It is
	// shared between events and never changed. It is nil until attributed.
	Who *Who
	UID UID
	GID GID

	// Src and Dst are never IPv4-mapped IPv6 addresses and have no zone.
	Src, Dst netip.Addr
	// SrcPort and DstPort are 0 for protocols without ports.
	SrcPort, DstPort uint16
	Proto            Protocol

	// Rule is the label of the rule's group ("22", "21", "80:443"), or "other".
	Rule    string
	Witness Witness

	// Line is the log line byte for byte, without its line end. Before the
	// event is stored it points into the reader's buffer.
	Line []byte
	// Twin tells truly equal lines of one log apart: how many of them came
	// before this one.
	Twin uint32
}

// ID names an event for ever: it is derived from the event's content with the
// store's own key, so it tells nothing and survives a rebuild.
type ID [12]byte

// String gives 24 hexadecimal digits.
func (id ID) String() string { return fmt.Sprintf("%x", id[:]) }

// Witness says how an event came to us, and so how far it can be trusted. A
// higher one is a better one.
type Witness uint8

const (
	// Text is a log line that somebody with a shell could have written.
	Text Witness = iota
	// Keyed is a log line read while following, bearing the prefix key of its
	// time, while no user could read the key.
	Keyed
	// Kernel is a record that came from the kernel without passing syslog.
	Kernel
)

// String gives the word of the JSON contract.
func (w Witness) String() string {
	switch w {
	case Kernel:
		return "kernel"
	case Keyed:
		return "keyed"
	}
	return "text"
}

// Words gives what people read.
func (w Witness) Words() string {
	switch w {
	case Kernel:
		return "recorded by the kernel"
	case Keyed:
		return "log, signed"
	}
	return "log, could be forged"
}

// TimeBasis says how an event's time was found.
type TimeBasis uint8

const (
	// Stamp is a stamp that leaves no doubt.
	Stamp TimeBasis = iota
	// InferredYear is a stamp without a year, placed by the file's own time.
	InferredYear
	// AmbiguousDST is a local stamp of the hour that occurs twice in autumn
	// (placed by the order of lines), or of the one that spring leaves out.
	AmbiguousDST
	// Received is the time of receipt: the record carried none.
	Received
)

// String gives the word of the JSON contract.
func (b TimeBasis) String() string {
	switch b {
	case InferredYear:
		return "inferred_year"
	case AmbiguousDST:
		return "ambiguous_dst"
	case Received:
		return "received"
	}
	return "stamp"
}

// Position is how far a chain (a log with its rotations) has been read. The
// zero value is the beginning.
type Position struct {
	// Chain names the log by its path on the host.
	Chain string `json:"chain"`
	// Gen counts the chain's files in the order in which they were read, from
	// 1; with Offset it orders positions.
	Gen uint32 `json:"gen"`
	// Offset is in bytes of decompressed content: the first one not yet read.
	Offset int64 `json:"offset"`
	// Hash is a hash of the HashLen bytes that precede Offset. It is how the
	// file is found again: inodes are reused at once, content is not.
	Hash    uint64 `json:"hash"`
	HashLen uint32 `json:"hash_len"`
}

// Before reports whether p lies before q in the same chain.
func (p Position) Before(q Position) bool {
	if p.Gen != q.Gen {
		return p.Gen < q.Gen
	}
	return p.Offset < q.Offset
}

// Batch is what is stored at once, or not at all.
type Batch struct {
	// Events carry their Who. Their lines are copied when they are stored.
	Events []Event
	// From and To are set where a log is followed: that all before To is
	// stored is itself stored with the events, never apart from them.
	From, To Position
	// More says that the rest of an import follows: what does not fill a block
	// may stay in memory until a flush, unseen.
	More bool
}
