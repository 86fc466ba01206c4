package web

import "outboundmonitor/backend/outbound"

// Viewer is who asks, as the server made him out: a page never reads a header.
type Viewer struct {
	Name outbound.Username
	// Scope is what he may see; its zero value sees nothing.
	Scope outbound.Scope
	// Via is "cgi" for a request that came through WHM.
	Via string
}
