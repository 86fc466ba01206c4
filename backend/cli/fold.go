package cli

import (
	"fmt"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// foldNote explains the mark in a table that has one.
const foldNote = "xN: one connection whose SYN was sent N times; --json has each of them"

// mark gives the cell that tells of folding.
func mark(r *outbound.Row) string {
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

func cells(r *outbound.Row, c clock) []string {
	return []string{
		c.cell(r.Time), name(&r.EventDoc), uidText(r.UID), r.Src, fmt.Sprint(r.SrcPort),
		r.Dst, fmt.Sprint(r.DstPort), mark(r), witnessWords(r.Witness),
	}
}
