package cli

import (
	"fmt"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// retryGap is the longest time between a SYN and its retransmission: the wait
// doubles from one second, and with six retries the last is 32 s.
//
// Source: Linux Documentation/networking/ip-sysctl.rst, tcp_syn_retries.
const retryGap = 33 * time.Second

// row is what a person sees as one connection: an event and its
// retransmissions.
type row struct {
	outbound.EventDoc
	// Seen is how many events it stands for.
	Seen int
	// edge is the time of the event that was folded last.
	edge time.Time
}

// flow is what a retransmission has in common with its SYN.
type flow struct {
	src, dst     string
	sport, dport uint16
	uid          int64
	proto        string
	// witness keeps a line that anybody could have written from hiding behind
	// a record of the kernel.
	witness string
}

func flowOf(e *outbound.EventDoc) flow {
	f := flow{e.Src, e.Dst, e.SrcPort, e.DstPort, -1, e.Proto, e.Witness}
	if e.UID != nil {
		f.uid = int64(*e.UID)
	}
	return f
}

// folder folds retransmissions of TCP into the row of their SYN. Its zero
// value is ready.
type folder struct{ open map[flow]*row }

// fold gives the rows of events, in whatever order these come, at the place of
// the first of each. A row has the time of its earliest event.
func (f *folder) fold(events []outbound.EventDoc) []*row {
	if f.open == nil {
		f.open = map[flow]*row{}
	}
	var rows []*row
	for i := range events {
		e := &events[i]
		key := flowOf(e)
		if r := f.open[key]; r != nil && e.Proto == "tcp" && e.Time.Sub(r.edge).Abs() <= retryGap {
			r.Seen++
			r.edge = e.Time
			if e.Time.Before(r.Time) {
				r.EventDoc = *e
			}
			continue
		}
		r := &row{EventDoc: *e, Seen: 1, edge: e.Time}
		f.open[key] = r
		rows = append(rows, r)
	}
	return rows
}

// forget drops rows that nothing can be folded into any more.
func (f *folder) forget(now time.Time) {
	for key, r := range f.open {
		if now.Sub(r.edge).Abs() > retryGap {
			delete(f.open, key)
		}
	}
}

// foldNote explains the mark in a table that has one.
const foldNote = "xN: one connection whose SYN was sent N times; each is an event of its own in --json"

// mark gives the cell that tells of folding.
func (r *row) mark() string {
	if r.Seen == 1 {
		return "1"
	}
	return "x" + strconv.Itoa(r.Seen)
}

// name gives who an event was by, as a cell.
func name(e *outbound.EventDoc) string {
	if n := text(e.Account, text(e.User, "")); n != "" {
		return n
	}
	return "unknown"
}

func uidText(uid *uint32) string {
	if uid == nil {
		return "-"
	}
	return fmt.Sprint(*uid)
}

// witnessWords gives what people read for a witness of the JSON contract.
func witnessWords(word string) string {
	for _, w := range []outbound.Witness{outbound.Text, outbound.Keyed, outbound.Kernel} {
		if w.String() == word {
			return w.Words()
		}
	}
	return word
}

// printRows prints events as a table, folded. It says what the mark means if
// there is one.
func (a *app) printRows(events []outbound.EventDoc, zone *time.Location) {
	(&rowTable{app: a, zone: zone}).page(events, true)
}

// seenColumn is where the mark of folding stands.
const seenColumn = 7

func eventColumns(c clock) []column {
	return []column{
		left(c.heading("TIME")), left("ACCOUNT"), right("UID"), left("OUR ADDRESS"), right("OUR PORT"),
		left("TARGET"), right("PORT"), right("SYN"), left("WITNESS"),
	}
}

func (r *row) cells(c clock) []string {
	return []string{
		c.cell(r.Time), name(&r.EventDoc), uidText(r.UID), r.Src, fmt.Sprint(r.SrcPort),
		r.Dst, fmt.Sprint(r.DstPort), r.mark(), witnessWords(r.Witness),
	}
}
