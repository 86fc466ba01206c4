package web

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
