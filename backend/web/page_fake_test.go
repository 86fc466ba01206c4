package web_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// pageFakeNow is the time at which all pages of these tests are looked at.
var pageFakeNow = time.Date(2026, 11, 5, 9, 30, 0, 0, time.UTC)

// pageFakeReader holds events in memory, newest first, and counts them by
// going through all: it is the plain meaning of the Reader interface.
type pageFakeReader struct {
	events   []outbound.Event
	coverage outbound.Coverage
	err      error
	// asked keeps each query for which events were read.
	asked []outbound.Query
}

func pageFakeStore(events ...outbound.Event) *pageFakeReader {
	slices.SortStableFunc(events, func(a, b outbound.Event) int { return b.Time.Compare(a.Time) })
	return &pageFakeReader{events: events, coverage: outbound.Coverage{Complete: true, Covered: 1, Watched: outbound.Watched{TCP: "all", Families: []int{4, 6}}}}
}

func (f *pageFakeReader) seen(s outbound.Scope, q outbound.Query) []outbound.Event {
	var all []outbound.Event
	for _, e := range f.events {
		if s.Sees(e.Who, e.Time) && pageFakeMatches(e, q) {
			all = append(all, e)
		}
	}
	if q.OldestFirst {
		slices.Reverse(all)
	}
	return all
}

func pageFakeMatches(e outbound.Event, q outbound.Query) bool {
	user := outbound.Username("")
	if e.Who != nil {
		user = e.Who.User
	}
	return (!q.Dst.IsValid() || q.Dst.Contains(e.Dst)) && (!q.Src.IsValid() || q.Src.Contains(e.Src)) &&
		(q.Account == "" || q.Account == user) && (q.UID == nil || *q.UID == e.UID) &&
		(q.DstPort == 0 || q.DstPort == e.DstPort) && (q.SrcPort == 0 || q.SrcPort == e.SrcPort) &&
		(q.Rule == "" || q.Rule == e.Rule) && (q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until))
}

func (f *pageFakeReader) Events(_ context.Context, s outbound.Scope, q outbound.Query) (outbound.Page, error) {
	f.asked = append(f.asked, q)
	if f.err != nil {
		return outbound.Page{}, f.err
	}
	all, from := f.seen(s, q), 0
	if q.Cursor != "" {
		if n, err := fmt.Sscanf(q.Cursor, "at%d", &from); n != 1 || err != nil || from > len(all) {
			return outbound.Page{}, &outbound.Error{Code: outbound.Invalid, Message: "the cursor is of another search"}
		}
	}
	to := min(len(all), from+q.Limit)
	p := outbound.Page{Events: all[from:to]}
	if to < len(all) {
		p.Next = "at" + strconv.Itoa(to)
	}
	return p, nil
}

func (f *pageFakeReader) Walk(_ context.Context, s outbound.Scope, q outbound.Query, do func(*outbound.Event) error) error {
	for _, e := range f.seen(s, q) {
		if err := do(&e); err != nil {
			return err
		}
	}
	return f.err
}

func (f *pageFakeReader) Groups(_ context.Context, s outbound.Scope, q outbound.Query, by outbound.GroupBy, limit int) ([]outbound.Group, error) {
	if f.err != nil {
		return nil, f.err
	}
	count := map[string]*outbound.Group{}
	for _, e := range f.seen(s, q) {
		key := pageFakeKey(e, by)
		g := count[key]
		if g == nil {
			g = &outbound.Group{Key: key, First: e.Time, Last: e.Time}
			if count[key] = g; by == outbound.ByAccount {
				g.Who = e.Who
			}
		}
		g.Events++
		if e.Time.Before(g.First) {
			g.First = e.Time
		}
		if e.Time.After(g.Last) {
			g.Last = e.Time
		}
	}
	var all []outbound.Group
	for _, g := range count {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b outbound.Group) int {
		if by == outbound.ByHour {
			return cmp.Compare(a.Key, b.Key)
		}
		return cmp.Or(b.Events-a.Events, cmp.Compare(a.Key, b.Key))
	})
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return all, nil
}

func pageFakeKey(e outbound.Event, by outbound.GroupBy) string {
	switch by {
	case outbound.ByDst:
		return e.Dst.String()
	case outbound.ByPort:
		return strconv.Itoa(int(e.DstPort))
	case outbound.ByHour:
		return e.Time.Truncate(time.Hour).Format(time.RFC3339)
	}
	if e.Who != nil && e.Who.User != "" {
		return string(e.Who.User)
	}
	return "uid " + strconv.Itoa(int(e.UID))
}

func (f *pageFakeReader) Histogram(_ context.Context, s outbound.Scope, q outbound.Query, step time.Duration) ([]outbound.Bucket, error) {
	count := map[int]map[string]int{}
	for _, e := range f.seen(s, q) {
		i := int(e.Time.Sub(q.Since) / step)
		if count[i] == nil {
			count[i] = map[string]int{}
		}
		group := strconv.Itoa(int(e.DstPort))
		if !slices.Contains([]string{"22", "21", "80", "443"}, group) {
			group = "other"
		}
		count[i][group]++
	}
	var all []outbound.Bucket
	for i, ports := range count {
		all = append(all, outbound.Bucket{From: q.Since.Add(time.Duration(i) * step), Ports: ports})
	}
	slices.SortFunc(all, func(a, b outbound.Bucket) int { return a.From.Compare(b.From) })
	return all, f.err
}

func (f *pageFakeReader) After(context.Context, outbound.Scope, outbound.Query, string) (outbound.Page, error) {
	return outbound.Page{}, errors.New("no page follows live")
}

func (f *pageFakeReader) Extent(_ context.Context, s outbound.Scope) (web.Extent, error) {
	all := f.seen(s, outbound.Query{})
	if len(all) == 0 {
		return web.Extent{}, f.err
	}
	return web.Extent{Events: len(all), First: &all[len(all)-1].Time, Last: &all[0].Time}, f.err
}

func (f *pageFakeReader) Coverage(context.Context, outbound.Scope, outbound.Query) (outbound.Coverage, error) {
	return f.coverage, f.err
}

// pageFakeDirectory knows the lives of some names.
type pageFakeDirectory map[outbound.Username][]outbound.Life

func (d pageFakeDirectory) Scope(outbound.Username) (outbound.Scope, error) {
	return outbound.Scope{}, errors.New("a page is handed its viewer")
}
func (d pageFakeDirectory) Lives(name outbound.Username) []outbound.Life { return d[name] }
func (d pageFakeDirectory) About(user outbound.Username) string {
	return "The system user " + string(user) + "."
}

// pageFakeMonitor answers one status.
type pageFakeMonitor struct {
	doc outbound.StatusDoc
	err error
}

func (m pageFakeMonitor) Status(context.Context) (outbound.StatusDoc, error) { return m.doc, m.err }

// pageFakeUser is a cPanel account; its life began in 2025.
func pageFakeUser(name, owner, domain string, uid uint32) *outbound.Who {
	return &outbound.Who{Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: outbound.UID(uid), Begin: 1735689600},
		User: outbound.Username(name), Owner: outbound.Username(owner), Domain: domain, Attribution: outbound.Known}
}

// pageFakeEvent is one connection of who to dst at a time before now.
func pageFakeEvent(who *outbound.Who, before time.Duration, sport uint16, dst string, dport uint16) outbound.Event {
	rule := map[uint16]string{22: "22", 21: "21", 80: "80:443", 443: "80:443"}[dport]
	if rule == "" {
		rule = "other"
	}
	at := pageFakeNow.Add(-before)
	e := outbound.Event{Time: at, Who: who, UID: outbound.NoUID, GID: outbound.NoGID, Src: netip.MustParseAddr("192.0.2.10"), Dst: netip.MustParseAddr(dst),
		SrcPort: sport, DstPort: dport, Proto: outbound.TCP, Rule: rule, Witness: outbound.Kernel}
	if who != nil {
		e.UID, e.GID = who.UID, outbound.GID(who.UID)
	}
	e.ID = outbound.ID{byte(at.Unix() >> 8), byte(at.Unix()), byte(sport >> 8), byte(sport)}
	e.Line = fmt.Appendf(nil, "%s web01 kernel: [1088.668278] CSF-OUTBOUND:%s:=:Ab3dEf:IN= OUT=eth0 SRC=192.0.2.10 DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4242 DF PROTO=TCP SPT=%d DPT=%d WINDOW=64240 RES=0x00 SYN URGP=0 UID=%d GID=%d",
		at.Format(time.Stamp), rule, dst, sport, dport, e.UID, e.GID)
	return e
}
