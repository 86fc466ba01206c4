package web

import (
	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// Register puts the pages behind the server's middleware, as a [Mount].
func (p *Pages) Register(g *echo.Group) {
	for _, route := range p.Routes() {
		g.Add(route.Method, route.Path, func(c echo.Context) error {
			route.Handler(c.Response(), c.Request(), viewerOf(c))
			return nil
		})
	}
}

// Fault draws an error as a page, as a [Faulter]. The status is that of the
// error's code.
func (p *Pages) Fault(c echo.Context, status int, e *outbound.Error) error {
	// A zone that is none besides does not change what is answered.
	q, _ := p.request(c.Request(), viewerOf(c))
	a := pageFault(q, e)
	a.status = status
	p.answer(c.Response(), q, a)
	return nil
}

var _ interface {
	Mount
	Faulter
} = (*Pages)(nil)
