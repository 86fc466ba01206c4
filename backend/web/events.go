package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// eventsParams are the flags of search.
type eventsParams struct {
	filter
	Limit   string `query:"limit" validate:"max=6"`
	Cursor  string `query:"cursor" validate:"max=1024"`
	GroupBy string `query:"group_by" validate:"omitempty,oneof=account dst port hour"`
	Format  string `query:"format" validate:"omitempty,oneof=json jsonl csv"`
}

// events answers rows, groups, or a stream of rows.
func (s *Server) events(c echo.Context) error {
	var p eventsParams
	if err := s.params.decode(c, &p); err != nil {
		return err
	}
	t, err := s.params.times(p.TZ)
	if err != nil {
		return err
	}
	q, err := p.query(t)
	if err != nil {
		return err
	}
	streamed := p.Format == "jsonl" || p.Format == "csv"
	least := 1
	if streamed || p.GroupBy != "" {
		least = 0
	}
	if q.Limit, err = limit(p.Limit, defaultLimit, least); err != nil {
		return err
	}
	q.Cursor = p.Cursor
	switch {
	case p.GroupBy != "" && (streamed || p.Cursor != ""):
		return &outbound.Error{Code: outbound.Invalid, Message: "group_by goes with neither cursor nor a format but json"}
	case p.GroupBy != "":
		return s.groups(c, q, outbound.GroupBy(p.GroupBy))
	case streamed:
		return s.stream(c, q, p.Format)
	}
	return s.rows(c, q)
}

func (s *Server) rows(c echo.Context, q outbound.Query) error {
	v, ctx := viewerOf(c), c.Request().Context()
	// Coverage comes first: what is stored in between can only add rows.
	coverage, err := s.coverage(c, q)
	if err != nil {
		return err
	}
	page, err := s.opts.Reader.Events(ctx, v.Scope, q)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, searchRows{
		Schema: outbound.SchemaSearch, Events: docs(v, page.Events), Next: optional(page.Next), Coverage: coverage,
	})
}

// searchRows is outbound.SearchDoc with rows, none of which is [] and not
// left out.
type searchRows struct {
	Schema   string              `json:"schema"`
	Events   []outbound.EventDoc `json:"events"`
	Next     *string             `json:"next"`
	Coverage outbound.Coverage   `json:"coverage"`
}

// searchGroups is outbound.SearchDoc with groups.
type searchGroups struct {
	Schema   string              `json:"schema"`
	Groups   []outbound.GroupDoc `json:"groups"`
	Next     *string             `json:"next"`
	Coverage outbound.Coverage   `json:"coverage"`
}

func (s *Server) groups(c echo.Context, q outbound.Query, by outbound.GroupBy) error {
	groups, err := s.opts.Reader.Groups(c.Request().Context(), viewerOf(c).Scope, q, by, q.Limit)
	if err != nil {
		return err
	}
	coverage, err := s.coverage(c, q)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, searchGroups{Schema: outbound.SchemaSearch, Groups: groupDocs(groups), Coverage: coverage})
}

// coverage asks what was recorded of a query's range and leaves out what the
// viewer may not see: how many events a gap lost counts everybody's.
func (s *Server) coverage(c echo.Context, q outbound.Query) (outbound.Coverage, error) {
	v := viewerOf(c)
	q.Cursor, q.Limit = "", 0
	coverage, err := s.opts.Reader.Coverage(c.Request().Context(), v.Scope, q)
	return shown(v, coverage), err
}

// shown gives coverage as a viewer may see it, with [] for empty lists.
func shown(v Viewer, coverage outbound.Coverage) outbound.Coverage {
	gaps := make([]outbound.Gap, len(coverage.Gaps))
	for i, g := range coverage.Gaps {
		if !v.Scope.All() {
			g.Lost = nil
		}
		g.From, g.To = g.From.UTC(), g.To.UTC()
		gaps[i] = g
	}
	coverage.Gaps = gaps
	coverage.From, coverage.To = utc(coverage.From), utc(coverage.To)
	coverage.Watched.UDP = append([]string{}, coverage.Watched.UDP...)
	coverage.Watched.Families = append([]int{}, coverage.Watched.Families...)
	return coverage
}

// docs gives events as a viewer may see them.
func docs(v Viewer, events []outbound.Event) []outbound.EventDoc {
	all := make([]outbound.EventDoc, len(events))
	for i := range events {
		all[i] = events[i].Doc(!v.Scope.All())
	}
	return all
}

func groupDocs(groups []outbound.Group) []outbound.GroupDoc {
	all := make([]outbound.GroupDoc, len(groups))
	for i, g := range groups {
		all[i] = outbound.GroupDoc{Key: g.Key, Events: g.Events, First: g.First.UTC(), Last: g.Last.UTC()}
	}
	return all
}

// optional gives null for "".
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
