package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/gommon/log"

	"outboundmonitor/backend/outbound"
)

// Limits of one connection and one request.
const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 60 * time.Second
	readTimeout    = 30 * time.Second
	writeTimeout   = 60 * time.Second
	importTimeout  = 5 * time.Minute // without a byte
	resolveTimeout = 5 * time.Second
	stopTimeout    = 5 * time.Second

	maxHeader = 32 << 10
	maxQuery  = 8 << 10
	maxBody   = 64 << 10

	// perViewer is how many requests of one viewer run at once; others wait.
	perViewer = 8
)

// Options is what a Server is made of. Reader, Directory and Who must be set.
type Options struct {
	Reader    Reader
	Directory Directory
	// Who answers the question of a complaint, as match.Who does.
	Who func(ctx context.Context, s outbound.Scope, q outbound.Question) (outbound.WhoDoc, error)
	// Importer and Monitor may be nil: their routes then answer 503.
	Importer Importer
	Monitor  Monitor
	// Resolve looks up a host name now; nil means that names are refused.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Zone is the host's: that of times typed without one. Nil means UTC.
	Zone *time.Location
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger may be nil.
	Logger *slog.Logger
	// Pages are mounted on "/"; nil means that only the API is served.
	Pages Mount
}

// Mount is what the pages are to the server. Each handler that it registers
// runs behind the viewer's middleware, so that viewerOf gives who asks.
//
// If a Mount also is a [Faulter], it draws the errors of every path that does
// not lie below /api/.
type Mount interface {
	Register(g *echo.Group)
}

// Faulter draws an error for a person. A viewer who could not be told who he
// is gets one as well: then viewerOf gives the zero viewer.
type Faulter interface {
	Fault(c echo.Context, status int, e *outbound.Error) error
}

// Server answers requests.
type Server struct {
	opts Options
	echo *echo.Echo
	turn *turnstile
	// params reads what was typed in the host's zone.
	params *decoder
}

// New gives a Server with all routes.
func New(o Options) *Server {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{opts: o, echo: echo.New(), turn: newTurnstile(perViewer), params: newDecoder(o.Zone, o.Now)}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.Logger.SetLevel(log.OFF) // Faults go to Options.Logger.
	s.echo.HTTPErrorHandler = s.fault
	s.echo.Use(s.rescue, safeHeaders, s.identify, s.bound)
	s.routes()
	if o.Pages != nil {
		o.Pages.Register(s.echo.Group(""))
	}
	return s
}

// Handler gives the routes without a listener, for the demo and for tests.
func (s *Server) Handler() http.Handler { return s.echo }

// Routes lists what is served as "METHOD /path", sorted.
func (s *Server) Routes() []string {
	var all []string
	for _, r := range s.echo.Routes() {
		if !strings.HasPrefix(r.Method, "echo_") {
			all = append(all, r.Method+" "+r.Path)
		}
	}
	slices.Sort(all)
	return all
}

// Serve answers on l until ctx ends, then lets requests end for a few seconds.
// It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.echo, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.opts.Logger.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		_ = server.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
