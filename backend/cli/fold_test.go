package cli_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

func TestRetransmissionsAreOneRow(t *testing.T) {
	later := func(d time.Duration) func(*outbound.EventDoc) {
		return func(e *outbound.EventDoc) { e.Time = e.Time.Add(d) }
	}
	for name, c := range map[string]struct {
		change func(*outbound.EventDoc)
		rows   int
	}{
		"the same flow a second later":           {later(0), 1},
		"the last retry of the default six":      {later(31 * time.Second), 1},
		"the same ports a minute later":          {later(time.Minute), 2},
		"the same flow a second earlier":         {later(-2 * time.Second), 1},
		"another of our ports":                   {func(e *outbound.EventDoc) { e.SrcPort++ }, 2},
		"another target":                         {func(e *outbound.EventDoc) { e.Dst = "203.0.113.23" }, 2},
		"another port":                           {func(e *outbound.EventDoc) { e.DstPort = 80 }, 2},
		"another of our addresses":               {func(e *outbound.EventDoc) { e.Src = "192.0.2.11" }, 2},
		"another user":                           {func(e *outbound.EventDoc) { e.UID = new(uint32(1044)) }, 2},
		"no user":                                {func(e *outbound.EventDoc) { e.UID = nil }, 2},
		"another protocol":                       {func(e *outbound.EventDoc) { e.Proto = "udp" }, 2},
		"a line that anybody could have written": {func(e *outbound.EventDoc) { e.Witness = "text" }, 2},
	} {
		events := flow3()[:2]
		c.change(&events[1])
		doc := outbound.SearchDoc{Schema: outbound.SchemaSearch, Events: events, Coverage: outbound.Coverage{Complete: true}}
		_, out, _ := run(t, false, always(doc), "search")
		rows := strings.Count(out, "192.0.2.1")
		if rows != c.rows {
			t.Errorf("%s: %d rows, want %d:\n%s", name, rows, c.rows, out)
		}
		if marked := strings.Contains(out, "x2"); marked != (c.rows == 1) {
			t.Errorf("%s: marked %v:\n%s", name, marked, out)
		}
		_, out, _ = run(t, false, always(doc), "--json", "search")
		if n := strings.Count(out, `"line_from"`); n != 2 {
			t.Errorf("%s: %d events in JSON", name, n)
		}
	}
}

// TestUDPIsNeverFolded: each of its packets may be one of its own.
func TestUDPIsNeverFolded(t *testing.T) {
	events := flow3()[:2]
	for i := range events {
		events[i].Proto = "udp"
	}
	_, out, _ := run(t, false, always(outbound.SearchDoc{Events: events}), "search")
	if n := strings.Count(out, "203.0.113.22"); n != 2 {
		t.Errorf("%d rows:\n%s", n, out)
	}
}

func TestALimitOfNothingIsEverything(t *testing.T) {
	all := flow3()
	var cursors []string
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cursors = append(cursors, r.URL.Query().Get("cursor"))
		n := len(cursors)
		doc := outbound.SearchDoc{Schema: outbound.SchemaSearch, Events: all[n-1 : n], Coverage: outbound.Coverage{Complete: true}}
		if n < len(all) {
			doc.Next = new(string(rune('a' + n)))
		}
		_ = json.NewEncoder(w).Encode(doc)
	})
	status, out, complaints := run(t, false, pages, "--json", "search", "--limit", "0")
	var doc outbound.SearchDoc
	if err := json.Unmarshal([]byte(out), &doc); err != nil || status != 0 {
		t.Fatalf("status %d, %v: %s", status, err, complaints)
	}
	if len(doc.Events) != len(all) || doc.Next != nil || strings.Join(cursors, ",") != ",b,c" {
		t.Errorf("%d events, next %v, cursors %q", len(doc.Events), doc.Next, cursors)
	}
}
