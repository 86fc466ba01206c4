package outbound

import "time"

// RetryGap is the longest time between a SYN and its retransmission: the wait
// doubles from one second, and with six retries the last is 32 s.
//
// Source: Linux Documentation/networking/ip-sysctl.rst, tcp_syn_retries.
const RetryGap = 33 * time.Second

// Row is what a person sees as one connection: an event and its
// retransmissions.
type Row struct {
	// EventDoc is the earliest of them.
	EventDoc
	// Seen is how many events it stands for.
	Seen int
	// Others are the events besides the earliest, in the order in which they
	// came; kept where the Folder is told to.
	Others []EventDoc
	// edge is the time of the event that was folded last.
	edge time.Time
}

// Open reports whether an event at t can still belong to the row.
func (r *Row) Open(t time.Time) bool { return r.edge.Sub(t).Abs() <= RetryGap }

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

func flowOf(e *EventDoc) flow {
	f := flow{e.Src, e.Dst, e.SrcPort, e.DstPort, -1, e.Proto, e.Witness}
	if e.UID != nil {
		f.uid = int64(*e.UID)
	}
	return f
}

// Folder folds retransmissions of TCP into the row of their SYN. Its zero
// value is ready.
type Folder struct {
	// Keep says that rows keep their other events.
	Keep bool
	open map[flow]*Row
}

// Fold gives the rows of events, in whatever order these come, at the place of
// the first of each. A row has the time of its earliest event.
func (f *Folder) Fold(events []EventDoc) []*Row {
	if f.open == nil {
		f.open = map[flow]*Row{}
	}
	var rows []*Row
	for i := range events {
		e := &events[i]
		key := flowOf(e)
		if r := f.open[key]; r != nil && e.Proto == TCP.String() && e.SrcPort != 0 && r.Open(e.Time) {
			f.into(r, e)
			continue
		}
		r := &Row{EventDoc: *e, Seen: 1, edge: e.Time}
		f.open[key] = r
		rows = append(rows, r)
	}
	return rows
}

func (f *Folder) into(r *Row, e *EventDoc) {
	r.Seen++
	r.edge = e.Time
	other := *e
	if e.Time.Before(r.Time) {
		other, r.EventDoc = r.EventDoc, *e
	}
	if f.Keep {
		r.Others = append(r.Others, other)
	}
}

// Forget drops rows that nothing at or after now can be folded into.
func (f *Folder) Forget(now time.Time) {
	for key, r := range f.open {
		if !r.Open(now) {
			delete(f.open, key)
		}
	}
}
