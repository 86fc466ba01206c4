package web

import (
	"net/url"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageResend is how far apart two packets of one connection attempt may lie:
// Linux sends its SYN again after 1, 2, 4, 8, 16 and 32 seconds.
const pageResend = 35 * time.Second

// pageRow is one connection attempt: one event, or several that are the same
// SYN sent again.
type pageRow struct {
	Time     *pageTime
	Around   string
	Who      pageName
	UID      pageCell
	Src      pageCell
	SrcPort  pageCell
	Dst      pageCell
	DstPort  pageCell
	Service  string
	Proto    string
	Rule     pageCell
	Witness  pageWitness
	Basis    string
	Times    int
	Lines    []pageSource
	last     time.Time
	dropped  bool
	ID, Host string
}

// pageName is who was behind a row, and how sure that is.
type pageName struct {
	pageCell
	Note string
}

// pageCell is a value that leads to the rows that share it.
type pageCell struct{ Text, Href string }

// pageSource is one line as it stood in the log.
type pageSource struct{ Line, From string }

type pageFlow struct {
	src, dst     string
	sport, dport uint16
	uid          int64
}

// rows turns events into rows, in their order. state is the filter that the
// links of each value add to.
func (q *pageRequest) rows(events []outbound.EventDoc, state url.Values) []pageRow {
	all := make([]pageRow, 0, len(events))
	open := map[pageFlow]int{}
	for _, e := range events {
		f := pageFlow{e.Src, e.Dst, e.SrcPort, e.DstPort, -1}
		if e.UID != nil {
			f.uid = int64(*e.UID)
		}
		i, seen := open[f]
		folds := seen && e.Proto == "tcp" && e.SrcPort != 0 && e.Time.Sub(all[i].last).Abs() <= pageResend
		switch {
		case !folds:
			all = append(all, q.row(e, state))
		case e.Time.Before(all[i].last): // newest first: the first packet is yet to come, and gives the row its time
			all = append(all, q.row(e, state))
			n := &all[len(all)-1]
			n.Times, n.Lines = all[i].Times+1, append(n.Lines, all[i].Lines...)
			all[i].dropped = true
		default:
			all[i].Times++
			all[i].last = e.Time
			all[i].Lines = append(all[i].Lines, q.source(e))
			continue
		}
		open[f] = len(all) - 1
	}
	kept := all[:0]
	for _, r := range all {
		if !r.dropped {
			kept = append(kept, r)
		}
	}
	return kept
}

func (q *pageRequest) row(e outbound.EventDoc, state url.Values) pageRow {
	link := func(pairs ...string) string { return q.links.to("/search", pageWith(state, pairs...)) }
	port := func(name string, n uint16) pageCell {
		text := strconv.Itoa(int(n))
		return pageCell{text, link(name, text)}
	}
	r := pageRow{
		Time: q.timeFine(e.Time), last: e.Time, Times: 1, ID: e.ID, Proto: e.Proto,
		Around: link("since", pageStamp(e.Time.Add(-5*time.Minute)), "until", pageStamp(e.Time.Add(5*time.Minute))),
		Who:    q.name(e, link), Rule: pageCell{"rule " + e.Rule, link("rule", e.Rule)},
		Src: pageCell{e.Src, link("src", e.Src)}, SrcPort: port("sport", e.SrcPort),
		Dst: pageCell{e.Dst, link("dst", e.Dst)}, DstPort: port("port", e.DstPort),
		Witness: pageWitnessed(e.Witness), Basis: pageBasis(e.TimeBasis), Lines: []pageSource{q.source(e)},
	}
	_, r.Service = pagePort(r.DstPort.Text)
	r.UID = pageCell{Text: pageUID(e.UID)}
	if e.UID != nil {
		r.UID.Href = link("uid", strconv.FormatUint(uint64(*e.UID), 10))
	}
	if e.Host != nil {
		r.Host = *e.Host
	}
	return r
}

// name says who it was. A user whose account began after the event is not
// named: the UID may have been somebody else's.
func (q *pageRequest) name(e outbound.EventDoc, link func(...string) string) pageName {
	switch {
	case e.Account != nil:
		n := pageName{pageCell: pageCell{*e.Account, link("account", *e.Account)}}
		if e.Attribution == outbound.Assumed.String() {
			n.Note = "assumed"
		}
		return n
	case e.User != nil && e.Attribution != outbound.Unknown.String():
		return pageName{pageCell{*e.User, link("account", *e.User)}, "system user"}
	}
	return pageName{pageCell: pageCell{Text: "unknown"}}
}

// source gives the line. The key of the log prefix is shown to root alone,
// whoever made the document.
func (q *pageRequest) source(e outbound.EventDoc) pageSource {
	line := e.Line
	if q.reseller() {
		line = string(outbound.MaskKey([]byte(line)))
	}
	from := "as it stands in the log"
	if e.LineFrom == "packet" {
		from = "written from the kernel's record"
	}
	return pageSource{line, from}
}

func pageBasis(basis string) string {
	switch basis {
	case outbound.InferredYear.String():
		return "year inferred"
	case outbound.AmbiguousDST.String():
		return "hour occurs twice or not at all"
	case outbound.Received.String():
		return "time of receipt"
	}
	return ""
}
