// Package truth holds what the corpus generator knows of the lines it wrote:
// the yardstick of answers. The generator writes it while it writes the lines,
// and the benchmark compares answers with it.
package truth

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"time"
)

// ListLimit is how many events of one address are listed; beyond it there is
// a checksum.
const ListLimit = 20_000

// Summary counts what a corpus holds. Ours = Events + Damaged + Forged.
type Summary struct {
	Seed   uint64    `json:"seed"`
	Format string    `json:"format"`
	From   time.Time `json:"from"`
	End    time.Time `json:"end"`
	Bytes  int64     `json:"bytes"`
	Lines  int       `json:"lines"`
	// Ours counts lines that carry the prefix anywhere, as grep -c does.
	Ours   int `json:"ours"`
	Events int `json:"events"`
	// Damaged counts lines cut short and glued to the next, or with NULs.
	Damaged int `json:"damaged"`
	// Forged counts lines of others that carry the prefix inside.
	Forged int `json:"forged"`
	// Accounts counts events by login name, system users included; "" is those
	// without a UID.
	Accounts  map[string]int `json:"accounts"`
	Rules     map[string]int `json:"rules"`
	Days      map[string]int `json:"days"` // of UTC
	Addresses int            `json:"addresses"`
	IPv6      int            `json:"ipv6"`
}

// Event is one expected row. Its time is what the line says: to the second
// with traditional stamps.
type Event struct {
	Time time.Time `json:"time"`
	// UID is null for a line without one.
	UID *uint32 `json:"uid"`
	// Account is empty for system users and lines without a UID.
	Account string `json:"account"`
	Src     string `json:"src"`
	SrcPort uint16 `json:"sport"`
	Dst     string `json:"dst"`
	DstPort uint16 `json:"dport"`
}

// Key is the event as one line of text: Unix microseconds, UID or "-",
// account, source, its port, target, its port, with "|" between.
func (e Event) Key() string {
	uid := "-"
	if e.UID != nil {
		uid = fmt.Sprint(*e.UID)
	}
	return fmt.Sprintf("%d|%s|%s|%s|%d|%s|%d", e.Time.UnixMicro(), uid, e.Account, e.Src, e.SrcPort, e.Dst, e.DstPort)
}

// Sum is the 64-bit FNV-1a hash of the key. The checksum of a set of events is
// the sum of theirs modulo 2^64, so that order does not matter.
func (e Event) Sum() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(e.Key()))
	return h.Sum64()
}

// Address is one sampled address with all that is true of it.
type Address struct {
	Address string `json:"address"`
	// Class is frequent, medium, rare, ipv6 or absent.
	Class  string `json:"class"`
	Events int    `json:"events"`
	// Checksum is 16 hexadecimal digits, see [Event.Sum].
	Checksum string `json:"checksum"`
	// Accounts counts events by account; "" is system users and lines without
	// a UID.
	Accounts map[string]int `json:"accounts"`
	// List holds the events in order of time, nil above [ListLimit].
	List []Event `json:"list,omitempty"`
}

// Attack is one planted attack.
type Attack struct {
	Kind    string    `json:"kind"` // bruteforce or sweep
	Account string    `json:"account"`
	UID     uint32    `json:"uid"`
	Port    uint16    `json:"dport"`
	Targets []string  `json:"targets"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Events  int       `json:"events"`
}

// Write puts v as JSON into a file.
func Write(name string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(data, '\n'), 0o644)
}

// Read fills v from a file.
func Read(name string, v any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
