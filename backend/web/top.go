package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// defaultTop is the length of a ranking that names none.
const defaultTop = 20

type topParams struct {
	Of    string `query:"of" validate:"omitempty,oneof=accounts targets"`
	Since string `query:"since" validate:"max=128"`
	Until string `query:"until" validate:"max=128"`
	Limit string `query:"limit" validate:"max=6"`
	TZ    string `query:"tz" validate:"max=64"`
}

// top answers who connected most, or where to.
func (s *Server) top(c echo.Context) error {
	var p topParams
	if err := s.params.decode(c, &p); err != nil {
		return err
	}
	t, err := s.params.times(p.TZ)
	if err != nil {
		return err
	}
	q, err := filter{Since: p.Since, Until: p.Until}.query(t)
	if err != nil {
		return err
	}
	n, err := limit(p.Limit, defaultTop, 0)
	if err != nil {
		return err
	}
	of, by := "accounts", outbound.ByAccount
	if p.Of == "targets" {
		of, by = p.Of, outbound.ByDst
	}
	groups, err := s.opts.Reader.Groups(c.Request().Context(), viewerOf(c).Scope, q, by, n)
	if err != nil {
		return err
	}
	coverage, err := s.coverage(c, q)
	if err != nil {
		return err
	}
	doc := outbound.TopDoc{Schema: outbound.SchemaTop, Of: of, Top: groupDocs(groups), Coverage: coverage}
	if !q.Since.IsZero() {
		doc.Since = &q.Since
	}
	return writeJSON(c, http.StatusOK, doc)
}
