package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageRow is one connection: one event, or several that are the same
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

// rows turns events into rows, as [outbound.Folder] places them. state is the
// filter that the links of each value add to.
func (q *pageRequest) rows(events []outbound.EventDoc, state url.Values) []pageRow {
	f := outbound.Folder{Keep: true}
	var all []pageRow
	for _, r := range f.Fold(events) {
		row := q.row(r.EventDoc, state)
		row.Times = r.Seen
		slices.SortStableFunc(r.Others, func(a, b outbound.EventDoc) int { return a.Time.Compare(b.Time) })
		for _, e := range r.Others {
			row.Lines = append(row.Lines, q.source(e))
		}
		all = append(all, row)
	}
	return all
}

// table puts rows under a heading that names their zone.
func (q *pageRequest) table(rows []pageRow) pageTable {
	times := make([]*pageTime, len(rows))
	for i, r := range rows {
		times[i] = r.Time
	}
	return pageTable{q.users(), q.headZone(times...), rows}
}

func (q *pageRequest) row(e outbound.EventDoc, state url.Values) pageRow {
	link := func(pairs ...string) string { return q.links.to("/search", pageWith(state, pairs...)) }
	port := func(name string, n uint16) pageCell {
		text := strconv.Itoa(int(n))
		return pageCell{text, link(name, text)}
	}
	r := pageRow{
		Time: q.timeFine(e.Time), ID: e.ID, Proto: e.Proto,
		Around: link("since", pageStamp(e.Time.Add(-5*time.Minute)), "until", pageStamp(e.Time.Add(5*time.Minute))),
		Who:    q.name(e, link), Rule: pageCell{e.Rule, link("rule", e.Rule)},
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
