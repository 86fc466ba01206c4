package web

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageAsked is what the question box was understood to ask: an address or a
// host name, or else a page that answers.
type pageAsked struct {
	target string
	at     time.Time
	page   string
	params url.Values
}

// What is looked for in a pasted line: the kernel's own fields, the words of
// sshd and of those who copy them, and stamps.
var (
	pageDst    = regexp.MustCompile(`\bDST=([0-9A-Fa-f:.]+)`)
	pageFrom   = regexp.MustCompile(`(?i)\bfrom\s+\[?([0-9A-Fa-f:.]+)\]?\s+port\s+(\d{1,5})\b`)
	pageUIDs   = regexp.MustCompile(`(?i)^uid[ =]?(\d{1,10})$`)
	pageHost   = regexp.MustCompile(`(?i)^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]*[a-z0-9]\.?$`)
	pageStamps = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)?|` +
		`\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`)
)

// ask reads the box. What it cannot read is an [outbound.Error] with a hint.
func (q *pageRequest) ask(text string) (pageAsked, error) {
	if len(text) > 4096 {
		return pageAsked{}, &outbound.Error{Code: outbound.TooLarge, Message: "that is more than one line", Hint: "paste one line of the complaint, the one with the address and the time"}
	}
	if m := pageUIDs.FindStringSubmatch(text); m != nil {
		return pageAsked{page: "/search", params: url.Values{"uid": {m[1]}}}, nil
	}
	words := strings.Fields(text)
	if len(words) == 1 {
		return q.askWord(words[0])
	}
	return q.askLine(text, words)
}

func (q *pageRequest) askWord(word string) (pageAsked, error) {
	if a, ok := pageAddress(word); ok {
		return q.askAddress(a, time.Time{})
	}
	if p, err := netip.ParsePrefix(word); err == nil {
		return pageAsked{target: p.Masked().String()}, nil
	}
	if u, err := url.Parse(word); err == nil && u.Scheme != "" && u.Hostname() != "" {
		word = u.Hostname()
	}
	if len(q.lives(outbound.Username(word))) > 0 {
		return pageAsked{page: "/account", params: url.Values{"name": {word}}}, nil
	}
	if !pageHost.MatchString(word) {
		if is, err := q.systemUser(outbound.Username(word)); is || err != nil {
			return pageAsked{page: "/account", params: url.Values{"name": {word}}}, err
		}
	}
	if len(word) <= 253 && pageHost.MatchString(word) {
		return pageAsked{target: strings.TrimSuffix(strings.ToLower(word), ".")}, nil
	}
	return pageAsked{}, &outbound.Error{Code: outbound.Invalid, Message: fmt.Sprintf("%q is neither an address nor a host name, and no account or system user on record", word),
		Hint: "try 203.0.113.22, 203.0.113.0/24, 2001:db8::1, host.example, uid 1043, or a whole log line"}
}

// askLine reads a pasted line. Our own lines name the target; the log of the
// one who complains names us, and perhaps our port.
func (q *pageRequest) askLine(text string, words []string) (pageAsked, error) {
	var at time.Time
	if stamp := pageStamps.FindString(text); stamp != "" {
		if t, err := q.parse(stamp); err == nil {
			at = t
		}
	}
	if m := pageDst.FindStringSubmatch(text); m != nil {
		if a, ok := pageAddress(m[1]); ok {
			return pageAsked{target: a.String(), at: at}, nil
		}
	}
	if m := pageFrom.FindStringSubmatch(text); m != nil {
		if a, ok := pageAddress(m[1]); ok {
			return pageAsked{page: "/search", params: pageAround(url.Values{"src": {a.String()}, "sport": {m[2]}}, at, time.Hour)}, nil
		}
	}
	for _, w := range words {
		if a, ok := pageAddress(strings.Trim(w, `[]()<>{},;:'"=?!.`)); ok {
			return q.askAddress(a, at)
		}
	}
	return pageAsked{}, &outbound.Error{Code: outbound.Invalid, Message: "no address was found in this line",
		Hint: "paste the line that names an address and a time, or the address alone"}
}

// askAddress asks who connected to an address, unless it is one from which
// the latest connections came: then it is ours, and the complaint names us.
// The latest are looked at because a source address alone may have no index.
func (q *pageRequest) askAddress(a netip.Addr, at time.Time) (pageAsked, error) {
	latest, err := q.p.Reader.Events(q.ctx, q.viewer.Scope, outbound.Query{Limit: pageLimit})
	ours := slices.ContainsFunc(latest.Events, func(e outbound.Event) bool { return e.Src == a })
	if err == nil && ours {
		return pageAsked{page: "/search", params: pageAround(url.Values{"src": {a.String()}}, at, 5*time.Minute)}, nil
	}
	return pageAsked{target: a.String(), at: at}, nil
}

// pageAround narrows to a time, give or take.
func pageAround(v url.Values, at time.Time, by time.Duration) url.Values {
	if at.IsZero() {
		return v
	}
	return pageWith(v, "since", pageStamp(at.Add(-by)), "until", pageStamp(at.Add(by)))
}

// pageAddress reads an address, with or without a port or brackets.
func pageAddress(s string) (netip.Addr, bool) {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}
