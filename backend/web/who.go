package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// whoParams are the flags of who, and its ADDRESS.
type whoParams struct {
	Address string `query:"address" validate:"max=253"`
	At      string `query:"at" validate:"max=128"`
	Window  string `query:"window" validate:"max=16"`
	Src     string `query:"src" validate:"max=128"`
	SrcPort string `query:"sport" validate:"omitempty,number,max=5"`
	Port    string `query:"port" validate:"omitempty,number,max=5"`
	Limit   string `query:"limit" validate:"max=6"`
	Cursor  string `query:"cursor" validate:"max=1024"`
	TZ      string `query:"tz" validate:"max=64"`
}

const (
	defaultWindow = 5 * time.Minute
	maxWindow     = 366 * 24 * time.Hour
)

// who answers the question of a complaint.
func (s *Server) who(c echo.Context) error {
	var p whoParams
	if err := s.params.decode(c, &p); err != nil {
		return err
	}
	q, err := s.question(c, p)
	if err != nil {
		return err
	}
	all := q.Limit == 0
	if all {
		q.Limit = 1 // they are streamed, not held
	}
	doc, err := s.opts.Who(c.Request().Context(), viewerOf(c).Scope, q)
	if err != nil {
		return err
	}
	doc.Coverage = shown(viewerOf(c), doc.Coverage)
	rest := q.Query()
	rest.Limit, rest.Cursor = q.Limit, p.Cursor
	if all {
		rest.Limit = 0
		return s.streamWho(c, doc, rest)
	}
	if p.Cursor != "" || counted(doc) > len(doc.Events) {
		page, err := s.opts.Reader.Events(c.Request().Context(), viewerOf(c).Scope, rest)
		if err != nil {
			return err
		}
		doc.Events, doc.Next = docs(viewerOf(c), page.Events), optional(page.Next)
	}
	return writeJSON(c, http.StatusOK, doc)
}

// counted gives how many events an answer rests on or sets apart.
func counted(doc outbound.WhoDoc) int {
	n := 0
	for _, a := range slices.Concat(doc.Accounts, doc.Unverified) {
		n += a.Events
	}
	for _, u := range doc.SystemUsers {
		n += u.Events
	}
	return n
}

// question reads what is asked.
func (s *Server) question(c echo.Context, p whoParams) (outbound.Question, error) {
	q := outbound.Question{Window: defaultWindow, Mask: !viewerOf(c).Scope.All()}
	t, err := s.params.times(p.TZ)
	if err != nil {
		return q, err
	}
	if q.At, err = t.read("at", p.At); err != nil {
		return q, err
	}
	if q.Window, err = window(p.Window, p.At != ""); err != nil {
		return q, err
	}
	src, err := target("src", p.Src)
	if err != nil {
		return q, err
	}
	if src.IsValid() && !src.IsSingleIP() {
		return q, wrong("src", p.Src, "a network; one address of this server is asked for")
	}
	q.Src = src.Addr()
	if q.SrcPort, err = port("sport", p.SrcPort); err != nil {
		return q, err
	}
	if q.Port, err = port("port", p.Port); err != nil {
		return q, err
	}
	if q.Limit, err = limit(p.Limit, defaultLimit, 0); err != nil {
		return q, err
	}
	if p.Address == "" && q.SrcPort == 0 {
		return q, &outbound.Error{Code: outbound.Invalid, Message: "neither address nor sport is given", Hint: "address=203.0.113.22"}
	}
	q.Prefix, q.Host, err = s.address(c.Request().Context(), p.Address)
	return q, err
}

// window reads how far to both sides of at is looked.
func window(text string, hasAt bool) (time.Duration, error) {
	if text == "" {
		return defaultWindow, nil
	}
	if !hasAt {
		return 0, wrong("window", text, "without at there is no window")
	}
	w, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		w, err = time.ParseDuration(days + "h")
		w *= 24
	}
	if err != nil || w < 0 || w > maxWindow || w%time.Second != 0 {
		e := wrong("window", text, "not a span of whole seconds up to 366 days")
		e.Hint = "spans look like 30s, 5m, 2h or 1d"
		return 0, e
	}
	return w, nil
}

// hostName is what can be looked up: at least one dot or letter, and no
// number at its end, which is an address with a slip in it.
var hostName = regexp.MustCompile(`(?i)^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.?$`)

// address reads an address or a network, or looks a host name up now.
func (s *Server) address(ctx context.Context, text string) (prefix netip.Prefix, host string, err error) {
	if text == "" {
		return netip.Prefix{}, "", nil
	}
	prefix, err = outbound.ParseTarget(text)
	if err == nil || s.opts.Resolve == nil || !hostName.MatchString(text) {
		return prefix, "", named("address", err)
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := s.opts.Resolve(ctx, text)
	for i := range found {
		found[i] = found[i].Unmap().WithZone("")
	}
	slices.SortFunc(found, netip.Addr.Compare)
	found = slices.Compact(found)
	switch {
	case err != nil || len(found) == 0:
		return prefix, "", &outbound.Error{Code: outbound.Invalid, Message: "address: the name " + quote(text) + " has no address just now", Hint: "give the address from the complaint"}
	case len(found) > 1:
		return prefix, "", &outbound.Error{Code: outbound.Invalid, Message: "address: the name " + quote(text) + " has several addresses", Hint: "ask for one of them: " + list(found)}
	}
	return netip.PrefixFrom(found[0], found[0].BitLen()), text, nil
}

// list names the first few addresses.
func list(addrs []netip.Addr) string {
	const most = 8
	var all []string
	for _, a := range addrs[:min(len(addrs), most)] {
		all = append(all, a.String())
	}
	if len(addrs) > most {
		all = append(all, "...")
	}
	return strings.Join(all, ", ")
}

// streamWho answers a document whose events are written as they are read.
func (s *Server) streamWho(c echo.Context, doc outbound.WhoDoc, q outbound.Query) error {
	doc.Events, doc.Next = []outbound.EventDoc{}, nil
	frame, err := marshal(doc)
	if err != nil {
		return err
	}
	const tail = `],"next":null}` + "\n"
	head, ok := bytes.CutSuffix(frame, []byte(tail))
	if !ok {
		return &outbound.Error{Code: outbound.Internal, Message: "the answer does not end with its events"}
	}
	first := true
	err = s.pages(c, q, func(events []outbound.Event) error {
		var out bytes.Buffer
		if first {
			c.Response().Header().Set(echo.HeaderContentType, "application/json")
			c.Response().WriteHeader(http.StatusOK)
			out.Write(head)
		}
		if err := appendRows(&out, docs(viewerOf(c), events), first); err != nil {
			return err
		}
		first = false
		_, err := c.Response().Write(out.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	_, err = c.Response().Write([]byte(tail))
	return err
}

// appendRows writes list items; before all but the very first stands a comma.
func appendRows(out *bytes.Buffer, rows []outbound.EventDoc, first bool) error {
	for i := range rows {
		body, err := json.Marshal(&rows[i])
		if err != nil {
			return err
		}
		if !first || i > 0 {
			out.WriteByte(',')
		}
		out.Write(escapeControls(body))
	}
	return nil
}
