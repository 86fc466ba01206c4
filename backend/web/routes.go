package web

import "github.com/labstack/echo/v4"

const importPath = "/api/v1/import"

// routes lists what is served, but for the pages. API.md documents each; a
// test holds the two against each other.
func (s *Server) routes() {
	e := s.echo
	e.GET("/api/v1/events", s.events)
	e.GET("/api/v1/who", s.who)
	e.GET("/api/v1/top", s.top)
	e.GET("/api/v1/account", s.account)
	e.GET("/api/v1/accounts", s.accounts)
	e.GET("/api/v1/summary", s.summary)
	e.GET("/api/v1/live", s.live)
	e.GET("/api/v1/status", s.status, rootOnly)
	e.POST(importPath, s.takeIn, rootOnly)
}

func (s *Server) events(c echo.Context) error   { return noSuch(c.Path()) }
func (s *Server) who(c echo.Context) error      { return noSuch(c.Path()) }
func (s *Server) top(c echo.Context) error      { return noSuch(c.Path()) }
func (s *Server) account(c echo.Context) error  { return noSuch(c.Path()) }
func (s *Server) accounts(c echo.Context) error { return noSuch(c.Path()) }
func (s *Server) summary(c echo.Context) error  { return noSuch(c.Path()) }
func (s *Server) live(c echo.Context) error     { return noSuch(c.Path()) }
func (s *Server) status(c echo.Context) error   { return noSuch(c.Path()) }
func (s *Server) takeIn(c echo.Context) error   { return noSuch(c.Path()) }
