package web_test

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// many gives a world of n events of alice, to one address, one a minute.
func many(n int) *model {
	m := world()
	m.events = nil
	for i := range n {
		e := event(1, alice, i, "203.0.113.22", 22)
		e.ID = outbound.ID{byte(i >> 8), byte(i)}
		m.events = append(m.events, e)
	}
	return m
}

// idsOf gives the ids of a document's events, or of lines of JSON.
func idsOf(t *testing.T, text string) (ids []string, next *string) {
	t.Helper()
	var doc struct {
		Events []outbound.EventDoc
		Next   *string
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	for _, e := range doc.Events {
		ids = append(ids, e.ID)
	}
	return ids, doc.Next
}

// all gives the ids of a model's events, oldest first.
func (m *model) all() []string {
	var ids []string
	for _, e := range m.picked(outbound.Everything(), outbound.Query{OldestFirst: true}) {
		ids = append(ids, e.ID.String())
	}
	return ids
}

func TestStreamHoldsEachEventOnce(t *testing.T) {
	for _, n := range []int{0, 1, 999, 1000, 1001, 2500} {
		m := many(n)
		h := web.New(options(m)).Handler()
		want := m.all()
		slices.Reverse(want)
		lines := strings.Split(ask(t, h, "root", "GET", "/api/v1/events?format=jsonl&limit=0").body, "\n")
		var got []string
		for _, line := range lines[:len(lines)-1] {
			var e outbound.EventDoc
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			got = append(got, e.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d events: %d lines as JSON", n, len(got))
		}
		rows, err := csv.NewReader(strings.NewReader(ask(t, h, "root", "GET", "/api/v1/events?format=csv&limit=0").body)).ReadAll()
		if err != nil || len(rows) != n+1 {
			t.Errorf("%d events: %d rows as CSV, %v", n, len(rows), err)
		}
		if cut := strings.Count(ask(t, h, "root", "GET", "/api/v1/events?format=jsonl&limit=1200").body, "\n"); cut != min(n, 1200) {
			t.Errorf("%d events, limit 1200: %d lines", n, cut)
		}
	}
}

// TestStreamedAnswerIsTheSame asks who with all its events, streamed, and
// with a limit that is not reached.
func TestStreamedAnswerIsTheSame(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000, 2500} {
		h := web.New(options(many(n))).Handler()
		streamed := ask(t, h, "root", "GET", "/api/v1/who?address=203.0.113.22&limit=0")
		whole := ask(t, h, "root", "GET", "/api/v1/who?address=203.0.113.22&limit=10000")
		if streamed.body != whole.body || streamed.header.Get("Content-Type") != whole.header.Get("Content-Type") {
			t.Errorf("%d events: streamed %.200s\nwhole %.200s", n, streamed.body, whole.body)
		}
	}
}

// TestPagesLeaveNothingOut follows next to the end.
func TestPagesLeaveNothingOut(t *testing.T) {
	for path, newestFirst := range map[string]bool{"/api/v1/events?dst=203.0.113.22&limit=7": true, "/api/v1/who?address=203.0.113.22&limit=7": false} {
		m := many(50)
		h := web.New(options(m)).Handler()
		var got []string
		for cursor, pages := "", 0; pages < 20; pages++ {
			ids, next := idsOf(t, ask(t, h, "root", "GET", path+cursor).body)
			got = append(got, ids...)
			if next == nil {
				break
			}
			cursor = "&cursor=" + *next
		}
		if newestFirst {
			slices.Reverse(got)
		}
		if !slices.Equal(got, m.all()) {
			t.Errorf("%s: %d events, want %d in order", path, len(got), len(m.all()))
		}
	}
}

// TestWhoCutsOnlyWhatIsLonger looks at next on both sides of the limit.
func TestWhoCutsOnlyWhatIsLonger(t *testing.T) {
	h := web.New(options(many(5))).Handler()
	for limit, cut := range map[string]bool{"4": true, "5": false, "6": false} {
		ids, next := idsOf(t, ask(t, h, "root", "GET", "/api/v1/who?address=203.0.113.22&limit="+limit).body)
		if (next != nil) != cut {
			t.Errorf("limit %s: %d events, next %v", limit, len(ids), next)
		}
	}
}

func TestCellsAreHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "": "", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "' =1", "\r=1": "' =1", "\n=1": "' =1",
		" =1": "' =1", "\uff1d1": "'\uff1d1", "\ufeff=1": "'\ufeff=1", "a=1": "a=1", "a\x1b[31mb": "a [31mb", "a\u009bb": "a b", "a\x7f\x00b": "a  b",
		"\xff=": "\ufffd=", "a\u2028b": "a b",
	} {
		if got := web.Cell(in); got != want {
			t.Errorf("Cell(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestRowsStayRows puts any bytes into a line: as many rows come out of a CSV
// parser as went in, and no cell is a formula.
func TestRowsStayRows(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := many(3)
		for i := range m.events {
			hostile := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("=+-@\t\r\n\",; '\x1b"))))
			m.events[i].Line = hostile.Draw(r, "line")
			m.events[i].Rule = string(hostile.Draw(r, "rule"))
		}
		h := web.New(options(m)).Handler()
		body := ask(t, h, "root", "GET", "/api/v1/events?format=csv&limit=0").body
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil || len(rows) != 4 {
			r.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if trimmed := strings.TrimSpace(cell); trimmed != "" && strings.IndexAny(trimmed[:1], "=+-@") == 0 || strings.ContainsAny(cell, "\t\r\n\x1b\x00") {
					r.Fatalf("cell %q", cell)
				}
			}
		}
		if !utf8.ValidString(body) {
			r.Fatal("not UTF-8")
		}
		jsonl := ask(t, h, "root", "GET", "/api/v1/events?format=jsonl&limit=0").body
		if strings.Count(jsonl, "\n") != 3 || strings.ContainsAny(jsonl, "\x1b\x7f\u0080\u009b\u009f\r<>") || !utf8.ValidString(jsonl) {
			r.Fatalf("%q", jsonl)
		}
	})
}
