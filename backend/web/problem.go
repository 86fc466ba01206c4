package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// Problem is an error as RFC 9457 has it. Code and Hint are ours.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
	Code   string `json:"code"`
}

const problemType = "application/problem+json"

// statuses is the one table from Code to HTTP status.
var statuses = map[outbound.Code]int{
	outbound.Invalid:      http.StatusBadRequest,
	outbound.NotFound:     http.StatusNotFound,
	outbound.NotPermitted: http.StatusForbidden,
	outbound.Conflict:     http.StatusConflict,
	outbound.Unavailable:  http.StatusServiceUnavailable,
	outbound.TooLarge:     http.StatusRequestEntityTooLarge,
	outbound.Internal:     http.StatusInternalServerError,
}

// StatusOf gives the HTTP status of a code; 500 for one that is not in the
// table.
func StatusOf(code outbound.Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// fault answers an error. A fault of the program goes to the log, and its text
// does not go out. If the answer has begun, the connection is cut, so that
// nobody takes a part for the whole.
func (s *Server) fault(err error, c echo.Context) {
	e := s.explain(err, c)
	if c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
	status := StatusOf(e.Code)
	if f, ok := s.opts.Pages.(Faulter); ok && !strings.HasPrefix(c.Request().URL.Path, "/api/") {
		if f.Fault(c, status, e) == nil {
			return
		}
	}
	p := Problem{
		Type: "urn:outboundmonitor:problem:" + string(e.Code), Title: http.StatusText(status), Status: status,
		Detail: oneLine(e.Error()), Hint: oneLine(e.Hint), Code: string(e.Code),
	}
	c.Response().Header().Set(echo.HeaderContentType, problemType)
	_ = writeJSON(c, status, p)
}

// explain turns any error into one for a person.
func (s *Server) explain(err error, c echo.Context) *outbound.Error {
	if e, ok := errors.AsType[*outbound.Error](err); ok && e.Code != outbound.Internal {
		return e
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok && (e.Code == http.StatusNotFound || e.Code == http.StatusMethodNotAllowed) {
		what := c.Request().URL.Path
		if m := c.Request().Method; m != http.MethodGet {
			what = m + " " + what
		}
		return noSuch("page", what)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &outbound.Error{Code: outbound.TooLarge, Message: "the body is too long"}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &outbound.Error{Code: outbound.Unavailable, Message: "the answer took too long", Hint: "narrow the question: since, until, limit"}
	}
	s.opts.Logger.Error("request failed", "method", c.Request().Method, "path", c.Request().URL.Path, "err", err)
	return &outbound.Error{Code: outbound.Internal, Message: "a fault of the program; the daemon's log has the cause"}
}

// noSuch is the answer for what is not there and for what is not the viewer's.
func noSuch(kind, name string) *outbound.Error {
	return &outbound.Error{Code: outbound.NotFound, Message: "there is no " + kind + " " + quote(name)}
}

// wrong names a parameter and the value that it cannot have.
func wrong(name, value, why string) *outbound.Error {
	return &outbound.Error{Code: outbound.Invalid, Message: fmt.Sprintf("%s=%s: %s", name, quote(value), why)}
}

// maxQuoted is how much of a value an error repeats, in bytes.
const maxQuoted = 80

// quote gives hostile text in one printable ASCII line.
func quote(text string) string {
	if len(text) > maxQuoted {
		return fmt.Sprintf("%+q...", text[:maxQuoted])
	}
	return fmt.Sprintf("%+q", text)
}

// oneLine gives text as valid UTF-8 without line breaks.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
}

// rescue turns a panic into a fault. The net/http server's own signal to cut a
// connection passes through.
func (s *Server) rescue(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch r := recover(); r {
			case nil:
			case http.ErrAbortHandler:
				panic(r)
			default:
				err = fmt.Errorf("web: panic: %v", r)
			}
		}()
		return next(c)
	}
}
