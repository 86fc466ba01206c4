package web

import (
	"errors"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// The headers that say who asks. The peer of the socket is root, so what they
// say is true; no header of a browser reaches them.
const (
	ViewerHeader = "Outboundmonitor-Viewer"
	ViaHeader    = "Outboundmonitor-Via"
)

// Ways on which a request comes.
const (
	ViaCLI  = "cli"
	ViaCGI  = "cgi"
	ViaDemo = "demo"
)

// Viewer is who asks, as the server made him out: a page never reads a header.
type Viewer struct {
	Name outbound.Username
	// Scope is what he may see; its zero value sees nothing.
	Scope outbound.Scope
	// Via is the way on which the request came: "cgi" through WHM.
	Via string
}

const viewerKey = "viewer"

// viewerOf gives who asks. Its zero value sees nothing.
func viewerOf(c echo.Context) Viewer {
	v, _ := c.Get(viewerKey).(Viewer)
	return v
}

// identify puts the viewer into the context, or answers 403. The Scope is
// asked for anew with each request.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		name, ok := only(c, ViewerHeader)
		if !ok || !outbound.Username(name).Valid() {
			return &outbound.Error{Code: outbound.NotPermitted, Message: "the request does not say who asks, or not in one word"}
		}
		via, ok := only(c, ViaHeader)
		if !ok || via != ViaCLI && via != ViaCGI && via != ViaDemo {
			return &outbound.Error{Code: outbound.NotPermitted, Message: "the request does not say which way it came"}
		}
		v, err := s.see(outbound.Username(name), via)
		if err != nil {
			return err
		}
		c.Set(viewerKey, v)
		return next(c)
	}
}

// see asks what a viewer may see. All who may see nothing get one answer.
func (s *Server) see(name outbound.Username, via string) (Viewer, error) {
	scope, err := s.opts.Directory.Scope(name)
	if fault, ok := errors.AsType[*outbound.Error](err); ok && fault.Code == outbound.NotPermitted {
		return Viewer{}, &outbound.Error{
			Code: outbound.NotPermitted, Message: "this WHM user may not use Outbound Monitor",
			Hint: "root gives resellers the privilege software-OutboundMonitor in WHM, Edit Reseller Nameservers and Privileges",
		}
	}
	if err != nil {
		return Viewer{}, err
	}
	return Viewer{Name: name, Scope: scope, Via: via}, nil
}

// only gives a header that stands there exactly once.
func only(c echo.Context, header string) (string, bool) {
	all := c.Request().Header.Values(header)
	if len(all) != 1 {
		return "", false
	}
	return all[0], true
}

// rootOnly lets nobody pass but those who see everything.
func rootOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !viewerOf(c).Scope.All() {
			return &outbound.Error{Code: outbound.NotPermitted, Message: "this is for root alone"}
		}
		return next(c)
	}
}
