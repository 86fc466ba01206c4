package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageRows is how many rows are held at once where all are asked for: memory
// does not grow with the answer.
const pageRows = 2000

// allPages prints all rows, page by page. The coverage that it prints and
// gives is that of the first: what is stored meanwhile can only add rows.
func (a *app) allPages(ctx context.Context, q url.Values, zone *time.Location) (n int, c outbound.Coverage, err error) {
	s, err := a.ask()
	if err != nil {
		return 0, c, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	q.Set("limit", strconv.Itoa(pageRows))
	if a.json {
		return a.documentOfPages(ctx, s, q)
	}
	t := &rowTable{app: a, zone: zone}
	for more := true; more; {
		var page outbound.SearchDoc
		if err := s.Get(ctx, "/api/v1/events", q, &page); err != nil {
			return n, c, err
		}
		if n == 0 {
			c = page.Coverage
		}
		n += len(page.Events)
		if more = page.Next != nil; more {
			q.Set("cursor", *page.Next)
		}
		if n > 0 {
			t.page(page.Events, !more)
		}
	}
	if n == 0 {
		a.line("nothing found")
	}
	a.line("%s", coverageWords(c, zone))
	if n == 0 {
		a.line("watched: %s", c.Watched.Words())
	}
	return n, c, nil
}

// searchPage is a page of rows as they came.
type searchPage struct {
	Schema   string            `json:"schema"`
	Events   []json.RawMessage `json:"events"`
	Next     *string           `json:"next"`
	Coverage outbound.Coverage `json:"coverage"`
}

// documentOfPages prints the document that one page of all rows would be.
func (a *app) documentOfPages(ctx context.Context, s session, q url.Values) (n int, c outbound.Coverage, err error) {
	for more := true; more; {
		var page searchPage
		if err := s.Get(ctx, "/api/v1/events", q, &page); err != nil {
			return n, c, err
		}
		before := ","
		if n == 0 {
			c = page.Coverage
			before = `{"schema":` + strconv.Quote(page.Schema) + `,"events":[`
		}
		if more = page.Next != nil; more {
			q.Set("cursor", *page.Next)
		}
		if len(page.Events) == 0 && n > 0 {
			continue
		}
		n += len(page.Events)
		_, _ = a.out.WriteString(before)
		if err := copyJSON(a.out, bytes.NewReader(joined(page.Events))); err != nil {
			return n, c, err
		}
	}
	coverage, err := json.Marshal(c)
	if err != nil {
		return n, c, err
	}
	_, _ = a.out.WriteString(`],"next":null,"coverage":`)
	if err := copyJSON(a.out, bytes.NewReader(coverage)); err != nil {
		return n, c, err
	}
	_, err = a.out.WriteString("}\n")
	return n, c, err
}

// joined gives values with commas between them.
func joined(values []json.RawMessage) []byte {
	var b bytes.Buffer
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(v)
	}
	return b.Bytes()
}

// rowTable prints events as one table, page by page and folded.
type rowTable struct {
	*app
	zone   *time.Location
	table  *table
	clock  clock
	fold   outbound.Folder
	folded bool
	// held are rows into which the next page can still be folded.
	held []*outbound.Row
}

// page takes the next events. It says what the mark of folding means after the
// last, if there is one.
func (t *rowTable) page(events []outbound.EventDoc, last bool) {
	rows := append(t.held, t.fold.Fold(events)...)
	t.held = nil
	if !last {
		edge := events[len(events)-1].Time
		open := func(r *outbound.Row) bool { return r.Open(edge) }
		for _, r := range rows {
			if open(r) {
				t.held = append(t.held, r)
			}
		}
		rows = slices.DeleteFunc(rows, open)
		t.fold.Forget(edge)
	}
	t.begin(rows, last)
	for _, r := range rows {
		t.table.add(cells(r, t.clock)...)
		t.folded = t.folded || r.Seen > 1
	}
	t.table.printRows(t.out)
	if last && t.folded {
		t.line(foldNote)
	}
}

// begin prints the heading, once. Of a table in parts each row carries its
// offset, and there is room for what is to come.
func (t *rowTable) begin(rows []*outbound.Row, whole bool) {
	if t.table != nil {
		return
	}
	times := make([]time.Time, len(rows))
	for i, r := range rows {
		times[i] = r.Time
	}
	t.clock = newClock(t.zone, times)
	if !whole {
		t.clock = clock{zone: t.zone, mixed: t.zone != time.UTC}
	}
	t.table = newTable(eventColumns(t.clock)...)
	for _, r := range rows {
		t.table.roomFor(cells(r, t.clock)...)
	}
	if !whole {
		t.table.roomFor(t.clock.cell(time.Time{}), "reseller", "65535", "192.0.2.255", "65535", "192.0.2.255", "65535", "x1", "log, could be forged")
	}
	t.table.printHead(t.out)
}
