package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// streamPage is how many events are held at once while streaming. Pages are
// read one by one, so that a slow client keeps no store from its work.
const streamPage = 1000

// stream answers rows one a line, q.Limit of them, or all for 0. Who may see
// what is asked anew before each page.
func (s *Server) stream(c echo.Context, q outbound.Query, format string) error {
	rows := newRowWriter(c, format)
	return s.pages(c, q, func(events []outbound.Event) error {
		return rows.write(docs(viewerOf(c), events))
	})
}

// pages gives f the events of q page by page, q.Limit of them, or all for 0.
// Even without any event f is called once.
func (s *Server) pages(c echo.Context, q outbound.Query, f func([]outbound.Event) error) error {
	left, all := q.Limit, q.Limit == 0
	for {
		v, err := s.see(viewerOf(c).Name, viewerOf(c).Via)
		if err != nil {
			return err
		}
		c.Set(viewerKey, v)
		q.Limit = streamPage
		if !all {
			q.Limit = min(streamPage, left)
		}
		page, err := s.opts.Reader.Events(c.Request().Context(), v.Scope, q)
		if err != nil {
			return err
		}
		// Past its read deadline a connection is taken for one that is gone,
		// and the request ends.
		deadlines(c, readTimeout, writeTimeout)
		if err := f(page.Events); err != nil {
			return err
		}
		left -= len(page.Events)
		if q.Cursor = page.Next; q.Cursor == "" || !all && left <= 0 {
			return nil
		}
	}
}

// rowWriter writes events one a line.
type rowWriter struct {
	c      echo.Context
	format string
	begun  bool
}

func newRowWriter(c echo.Context, format string) *rowWriter {
	return &rowWriter{c: c, format: format}
}

func (w *rowWriter) write(rows []outbound.EventDoc) error {
	var out strings.Builder
	if !w.begun {
		w.begin(&out)
	}
	for i := range rows {
		if w.format == "csv" {
			writeRow(&out, cells(&rows[i]))
			continue
		}
		line, err := marshal(&rows[i])
		if err != nil {
			return err
		}
		out.Write(line)
	}
	if _, err := w.c.Response().Write([]byte(out.String())); err != nil {
		return err
	}
	w.c.Response().Flush()
	return nil
}

func (w *rowWriter) begin(out *strings.Builder) {
	w.begun = true
	h := w.c.Response().Header()
	if w.format == "csv" {
		h.Set(echo.HeaderContentType, "text/csv; charset=utf-8; header=present")
		h.Set(echo.HeaderContentDisposition, `attachment; filename="outbound-events.csv"`)
		writeRow(out, columns)
	} else {
		h.Set(echo.HeaderContentType, "application/jsonl")
	}
	w.c.Response().WriteHeader(http.StatusOK)
}

// columns are the names of an event's JSON fields, in the same order.
var columns = []string{
	"id", "time", "time_basis", "account", "user", "owner", "attribution", "uid", "gid", "src", "sport", "dst", "dport",
	"proto", "rule", "host", "host_from", "witness", "line", "line_from",
}

func cells(d *outbound.EventDoc) []string {
	return []string{
		d.ID, d.Time.Format(time.RFC3339Nano), d.TimeBasis, text(d.Account), text(d.User), text(d.Owner), d.Attribution,
		number(d.UID), number(d.GID), d.Src, strconv.Itoa(int(d.SrcPort)), d.Dst, strconv.Itoa(int(d.DstPort)),
		d.Proto, d.Rule, text(d.Host), text(d.HostFrom), d.Witness, d.Line, d.LineFrom,
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *uint32) string {
	if n == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*n), 10)
}

// writeRow writes one row as RFC 4180 has it, every cell quoted.
func writeRow(out *strings.Builder, row []string) {
	for i, cell := range row {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('"')
		out.WriteString(strings.ReplaceAll(Cell(cell), `"`, `""`))
		out.WriteByte('"')
	}
	out.WriteString("\r\n")
}

// formulas are the characters with which a spreadsheet takes a cell for a
// formula, with their full-width forms. TAB and CR, which some strip before
// they look, are gone before this is asked.
//
// Source: OWASP, CSV Injection.
const formulas = "=+-@\uFF1D\uFF0B\uFF0D\uFF20"

// Cell makes text harmless in a spreadsheet and on a terminal: valid UTF-8,
// a blank for each control character, and an apostrophe before what would be
// a formula, also where blanks stand before it.
func Cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if strings.IndexAny(strings.TrimLeft(text, " \u00a0\ufeff"), formulas) == 0 {
		return "'" + text
	}
	return text
}
