package web

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"outboundmonitor/backend/outbound"
)

// pageFilter is one filter of the search: a flag of the search command under
// the same name.
type pageFilter struct {
	Name, Label, Example string
	// set puts text into the query and gives it back as it is written in an
	// address; typed is how a person sees it in the form.
	set func(q *pageRequest, query *outbound.Query, text string) (string, error)
	// wide fields and the first ones stand in the form; rare ones behind "more".
	Rare bool
}

// pageFilters are the filters in the order in which they are shown.
var pageFilters = []pageFilter{
	{"dst", "Target", "203.0.113.22 or 203.0.113.0/24", pageSetDst, false},
	{"account", "Account", "alice", pageSetAccount, false},
	{"port", "Target port", "22", pageSetPort, false},
	{"since", "Since", "-24h or 2026-11-05 02:00", pageSetSince, false},
	{"until", "Until", "2026-11-05 03:00", pageSetUntil, false},
	{"sport", "Our port", "51514", pageSetSrcPort, true},
	{"rule", "Rule", "22", pageSetRule, true},
	{"src", "Our address", "192.0.2.10", pageSetSrc, true},
	{"uid", "UID", "1043", pageSetUID, true},
}

func pageInvalid(text, is, hint string) error {
	return &outbound.Error{Code: outbound.Invalid, Message: fmt.Sprintf("%q is no %s", text, is), Hint: hint}
}

// pagePrefix reads an address or a network, and gives it as it is written.
func pagePrefix(text string) (netip.Prefix, string, error) {
	p, err := outbound.ParseTarget(text)
	if err != nil {
		return p, "", err
	}
	if p.IsSingleIP() {
		return p, p.Addr().String(), nil
	}
	return p, p.String(), nil
}

func pageSetDst(_ *pageRequest, query *outbound.Query, text string) (canon string, err error) {
	query.Dst, canon, err = pagePrefix(text)
	return canon, err
}

func pageSetSrc(_ *pageRequest, query *outbound.Query, text string) (canon string, err error) {
	query.Src, canon, err = pagePrefix(text)
	return canon, err
}

func pageSetAccount(_ *pageRequest, query *outbound.Query, text string) (string, error) {
	query.Account = outbound.Username(text)
	if !query.Account.Valid() {
		return "", pageInvalid(text, "login name", "a name has 1 to 32 letters, digits, dots, hyphens and underscores")
	}
	return text, nil
}

func pageParsePort(text string) (uint16, string, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, "", pageInvalid(text, "port", "a port is a number from 1 to 65535")
	}
	return uint16(n), strconv.FormatUint(n, 10), nil
}

func pageSetPort(_ *pageRequest, query *outbound.Query, text string) (canon string, err error) {
	query.DstPort, canon, err = pageParsePort(text)
	return canon, err
}

func pageSetSrcPort(_ *pageRequest, query *outbound.Query, text string) (canon string, err error) {
	query.SrcPort, canon, err = pageParsePort(text)
	return canon, err
}

func pageSetUID(_ *pageRequest, query *outbound.Query, text string) (string, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return "", pageInvalid(text, "UID", "a UID is a number, as in uid 1043")
	}
	query.UID = new(outbound.UID(n))
	return strconv.FormatUint(n, 10), nil
}

func pageSetRule(_ *pageRequest, query *outbound.Query, text string) (string, error) {
	if len(text) > 16 || !utf8.ValidString(text) || pageVisible(text) != text {
		return "", pageInvalid(text, "rule", "a rule is named by its ports or its label: 22, 21, 80:443, other")
	}
	query.Rule = text
	return text, nil
}

func pageSetSince(q *pageRequest, query *outbound.Query, text string) (canon string, err error) {
	query.Since, err = q.parse(text)
	return pageStamp(query.Since), err
}

func pageSetUntil(q *pageRequest, query *outbound.Query, text string) (canon string, err error) {
	query.Until, err = q.parse(text)
	return pageStamp(query.Until), err
}

// filters reads all filters: the query, the state that stands in addresses,
// and whether a time has to be made absolute first.
func (q *pageRequest) filters() (query outbound.Query, state url.Values, moved bool, err error) {
	state = url.Values{}
	for _, f := range pageFilters {
		text := q.get(f.Name)
		if text == "" {
			continue
		}
		canon, err := f.set(q, &query, text)
		if err != nil {
			return query, state, false, err
		}
		state.Set(f.Name, canon)
		moved = moved || canon != text && (f.Name == "since" || f.Name == "until")
	}
	if !query.Since.IsZero() && !query.Until.IsZero() && !query.Since.Before(query.Until) {
		return query, state, false, &outbound.Error{Code: outbound.Invalid, Message: "the time ends before it begins", Hint: "exchange since and until"}
	}
	return query, state, moved, nil
}

// pageInput is one field of the filter form.
type pageInput struct{ Name, Label, Value, Example string }

// inputs gives the form's fields with what was typed, times with an offset.
func (q *pageRequest) inputs(rare bool) []pageInput {
	var all []pageInput
	for _, f := range pageFilters {
		if f.Rare != rare {
			continue
		}
		in := pageInput{f.Name, f.Label, q.params.Get(f.Name), f.Example}
		if t, err := time.Parse(time.RFC3339, in.Value); err == nil && (f.Name == "since" || f.Name == "until") {
			in.Value = q.typed(t)
		}
		all = append(all, in)
	}
	return all
}

// pageLower gives a label as it stands within a sentence; UID stays as it is.
func pageLower(label string) string {
	if label == "UID" {
		return label
	}
	return strings.ToLower(label)
}

// chips names the filters in force; each leads to the search without it.
func (q *pageRequest) chips(state, more url.Values) []pageChoice {
	var all []pageChoice
	for _, f := range pageFilters {
		v := state.Get(f.Name)
		if v == "" {
			continue
		}
		label := pageLower(f.Label) + " " + v
		if t, err := time.Parse(time.RFC3339, v); err == nil && (f.Name == "since" || f.Name == "until") {
			label = f.Name + " " + q.time(t).String()
		}
		if f.Name == "uid" {
			label = "uid " + v
		}
		all = append(all, pageChoice{Label: label, Href: q.links.to("/search", pageWith(pageMerge(state, more), f.Name, ""))})
	}
	return all
}

// pageCommand is the search as a command for the server's shell.
func pageCommand(state url.Values, groupBy string) string {
	c := "outboundmonitor search"
	for _, f := range pageFilters {
		if v := state.Get(f.Name); v != "" {
			c += " --" + f.Name + " " + outbound.ShellQuote(v)
		}
	}
	if groupBy != "" {
		c += " --group-by " + outbound.ShellQuote(groupBy)
	}
	return c
}
