package web

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// status answers the state of the program. It is root's.
func (s *Server) status(c echo.Context) error {
	if err := s.params.decode(c, &struct{}{}); err != nil {
		return err
	}
	if s.opts.Monitor == nil {
		return &outbound.Error{Code: outbound.Unavailable, Message: "the program's state is not at hand here"}
	}
	doc, err := s.opts.Monitor.Status(c.Request().Context())
	if err != nil {
		return err
	}
	doc.Schema = outbound.SchemaStatus
	doc.Coverage = shown(viewerOf(c), doc.Coverage)
	return writeJSON(c, http.StatusOK, doc)
}

type importParams struct {
	Name      string `query:"name" validate:"max=4096"`
	FirstYear string `query:"first_year" validate:"omitempty,number,len=4"`
}

// takeIn reads a log that the command line opened. It is root's, and only
// from the command line: a browser could be made to send one.
func (s *Server) takeIn(c echo.Context) error {
	v := viewerOf(c)
	if v.Via != ViaCLI {
		return &outbound.Error{Code: outbound.NotPermitted, Message: "logs are imported from the command line alone", Hint: "outboundmonitor import FILE"}
	}
	var p importParams
	if err := s.params.decode(c, &p); err != nil {
		return err
	}
	spec := outbound.ImportSpec{Name: p.Name}
	if p.FirstYear != "" {
		year, err := strconv.Atoi(p.FirstYear)
		if err != nil || year < 1970 || year > 2199 {
			return wrong("first_year", p.FirstYear, "not a year")
		}
		spec.FirstYear = year
	}
	if s.opts.Importer == nil {
		return &outbound.Error{Code: outbound.Unavailable, Message: "nothing can be imported here"}
	}
	r := c.Request()
	doc, err := s.opts.Importer.Import(r.Context(), livelyReader{Reader: r.Body, c: c}, spec)
	if err != nil {
		return err
	}
	deadlines(c, 0, writeTimeout)
	doc.Schema = outbound.SchemaImport
	s.opts.Logger.Info("log imported", "viewer", string(v.Name), "via", v.Via, "name", quote(p.Name), "stored", doc.Lines.Stored)
	return writeJSON(c, http.StatusOK, doc)
}
