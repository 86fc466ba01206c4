// Package demo makes up a cPanel host and believable traffic on it: the host's
// files below a folder, a week of kernel log with attacks in it, and new lines
// as time passes. All of it follows from a seed. It writes what the program
// reads and reads nothing of what the program stores.
package demo

import (
	"cmp"
	"time"
)

// LogPath is the kernel log of the made-up host.
const LogPath = "/var/log/messages"

// Hostname stands in each line, and Server and Server6 are the host's own
// addresses.
const (
	Hostname = "web01"
	Server   = "192.0.2.10"
	Server6  = "2001:db8:10::10"
)

// Options says what to make. The zero value of each field but Now means its
// default.
type Options struct {
	// Seed decides all that is random; the same seed makes the same bytes.
	Seed uint64
	// Now is where the log ends.
	Now time.Time
	// Days is how far the log goes back; 7, and at least that, since the
	// planted attacks lie up to five days back.
	Days int
	// Accounts counts those that exist now; 40, and at least 20.
	Accounts int
	// Events is about how many connections the log holds, attacks included;
	// 90,000, and at least 30,000.
	Events int
	// Zone is the host's time zone; Europe/Berlin. Where the machine has no
	// such zone the host has none either, which means UTC.
	Zone string
	// AsItWas, if set, is called with the time when the week began while the
	// host's files are as they were then: what looks at them knows the accounts
	// that are removed, renamed and moved later.
	AsItWas func(time.Time) error
}

func (o Options) withDefaults() Options {
	o.Days = max(o.Days, 7)
	o.Accounts = max(cmp.Or(o.Accounts, 40), 20)
	o.Events = max(cmp.Or(o.Events, 90_000), 30_000)
	o.Zone = cmp.Or(o.Zone, "Europe/Berlin")
	o.Now = o.Now.Truncate(time.Second)
	return o
}
