package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// typed gathers what a person typed into the parameters of a request. It keeps
// the first fault; all are found before anybody is asked.
type typed struct {
	zone  *time.Location
	now   time.Time
	query url.Values
	err   error
}

// typed begins with nothing. It needs the zone of what is typed.
func (a *app) typed() (*typed, error) {
	zone, err := a.zone()
	if err != nil {
		return nil, err
	}
	return &typed{zone: zone, now: a.env.Now(), query: url.Values{}}, nil
}

// fault keeps the first fault, with the name of what was typed before it.
func (t *typed) fault(name string, err error) {
	if t.err != nil {
		return
	}
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		named := *e
		named.Message = name + ": " + e.Message
		err = &named
	}
	t.err = err
}

// text takes a value as it is.
func (t *typed) text(name, value string) {
	if value != "" {
		t.query.Set(name, value)
	}
}

// time takes a time in any form that people type, and gives it.
func (t *typed) time(name, value string) time.Time {
	if value == "" {
		return time.Time{}
	}
	at, err := outbound.ParseTime(value, t.zone, t.now)
	if err != nil {
		t.fault("--"+name, err)
		return time.Time{}
	}
	t.query.Set(name, at.UTC().Format(time.RFC3339Nano))
	return at
}

// period takes --since and --until, which must follow each other.
func (t *typed) period(since, until string) {
	from, to := t.time("since", since), t.time("until", until)
	if t.err == nil && !from.IsZero() && !to.IsZero() && !from.Before(to) {
		t.fault("--until", wrong(fmt.Sprintf("%q is not after --since %q", until, since), "--since is where the search begins, --until where it ends"))
	}
}

// maxWindow bounds --window.
const maxWindow = 366 * 24 * time.Hour

// window takes a length of time such as 5m.
func (t *typed) window(value string) {
	if value == "" {
		return
	}
	d, err := time.ParseDuration(value)
	if days, ok := strings.CutSuffix(value, "d"); ok {
		d, err = time.ParseDuration(days + "h")
		d *= 24
	}
	if err != nil || d < 0 || d > maxWindow {
		t.fault("--window", wrong(fmt.Sprintf("%q is not a length of time up to 366d", value), "a number with its unit: 30s, 5m, 2h, 1d"))
		return
	}
	t.query.Set("window", d.String())
}

// target takes an address or a network.
func (t *typed) target(name, value string) {
	if value == "" {
		return
	}
	p, err := outbound.ParseTarget(value)
	if err != nil {
		t.fault("--"+name, err)
		return
	}
	t.query.Set(name, prefixText(p.String()))
}

// prefixText gives a prefix of full length as the address that it is.
func prefixText(prefix string) string {
	address, bits, _ := strings.Cut(prefix, "/")
	if bits == "32" && !strings.Contains(address, ":") || bits == "128" {
		return address
	}
	return prefix
}

// number takes a whole number within bounds.
func (t *typed) number(name, value string, low, high uint64) {
	if value == "" {
		return
	}
	n, err := strconv.ParseUint(value, 10, 64)
	hint := fmt.Sprintf("a whole number from %d to %d", low, high)
	switch {
	case errors.Is(err, strconv.ErrSyntax) && strings.Trim(value, "-0123456789") != "":
		t.fault("--"+name, wrong(fmt.Sprintf("%q is not a number", value), hint))
		return
	case err != nil || n < low || n > high:
		t.fault("--"+name, wrong(fmt.Sprintf("%q is out of range", value), hint))
		return
	}
	t.query.Set(name, strconv.FormatUint(n, 10))
}

// maxPage is how many rows one answer holds at most; 0 asks for all.
const maxPage = 10_000

func (t *typed) port(name, value string)  { t.number(name, value, 1, 1<<16-1) }
func (t *typed) limit(name, value string) { t.number(name, value, 0, maxPage) }
func (t *typed) uid(name, value string)   { t.number(name, value, 0, 1<<32-2) }

// account takes a login name.
func (t *typed) account(name, value string) {
	if value == "" {
		return
	}
	if !outbound.Username(value).Valid() {
		t.fault(name, wrong(fmt.Sprintf("%q is not a login name", value), "a login name has up to 32 of A-Z a-z 0-9 . _ -"))
		return
	}
	t.query.Set("account", value)
}

// address takes what a complaint names: an address, a network or a host name.
func (t *typed) address(value string) {
	if p, err := outbound.ParseTarget(value); err == nil {
		t.query.Set("address", prefixText(p.String()))
		return
	}
	if !isHostName(value) {
		t.fault("who", wrong(fmt.Sprintf("%q is not an address, network or host name", value),
			"an address looks like 203.0.113.22 or 2001:db8::22, a network like 203.0.113.0/24, a name like example.net"))
		return
	}
	t.query.Set("address", value)
}

// isHostName reports whether value can be a host's name; what ends in a number
// was meant as an address.
//
// Source: RFC 1123, section 2.1.
func isHostName(value string) bool {
	value = strings.TrimSuffix(value, ".")
	labels := strings.Split(value, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(value) <= 253 && strings.Trim(last, "0123456789") != ""
}
