// Package client asks the daemon over its socket, as root and by way of the
// command line, or whatever else answers the same requests. It understands
// problem documents; it knows no document's meaning.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"outboundmonitor/backend/outbound"
)

// Headers that tell who asks, and by what way.
const (
	ViewerHeader = "Outboundmonitor-Viewer"
	ViaHeader    = "Outboundmonitor-Via"
)

// base is the address that requests carry; the socket stands behind it.
const base = "http://outboundmonitor"

// maxProblem bounds what is read of a problem document, in bytes.
const maxProblem = 64 << 10

// Client asks questions and sends changes.
type Client struct{ http *http.Client }

// New gives a client whose requests rt carries: that of [Dial], or one within
// the process.
func New(rt http.RoundTripper) *Client {
	return &Client{http: &http.Client{
		Transport: rt,
		// The API does not redirect; a page that does is none of its answers.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Get asks for the JSON document at path and decodes it into the value that
// into points to.
//
// Errors are [outbound.Error]: what the problem document says, or Unavailable.
func (c *Client) Get(ctx context.Context, path string, q url.Values, into any) error {
	return c.document(ctx, http.MethodGet, path, q, nil, into)
}

// Post sends body to path and decodes the answer as [Client.Get] does.
func (c *Client) Post(ctx context.Context, path string, q url.Values, body io.Reader, into any) error {
	return c.document(ctx, http.MethodPost, path, q, body, into)
}

// Stream asks for path and hands out the answer as it comes. The caller closes
// it. An answer that breaks off ends in an error other than io.EOF.
func (c *Client) Stream(ctx context.Context, path string, q url.Values) (io.ReadCloser, error) {
	return c.do(ctx, http.MethodGet, path, q, nil)
}

func (c *Client) document(ctx context.Context, method, path string, q url.Values, body io.Reader, into any) error {
	r, err := c.do(ctx, method, path, q, body)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := json.NewDecoder(r).Decode(into); err != nil {
		return &outbound.Error{
			Code: outbound.Unavailable, Message: "the answer to " + path + " cannot be read",
			Hint: "the command and the daemon may be of different versions: outboundmonitor version", Err: err,
		}
	}
	return nil
}

// do sends one request. The body that it hands out is that of a success.
func (c *Client) do(ctx context.Context, method, path string, q url.Values, body io.Reader) (io.ReadCloser, error) {
	u := base + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return nil, &outbound.Error{Code: outbound.Internal, Message: "the request cannot be made", Err: err}
	}
	req.Header.Set(ViewerHeader, "root")
	req.Header.Set(ViaHeader, "cli")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	if resp.StatusCode/100 == 2 {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	return nil, problem(resp)
}

// unreachable is the error of a request that got no answer. What the caller
// handed in or stopped stays what it is.
func unreachable(err error) error {
	var known *outbound.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &known) {
		return err
	}
	var u *url.Error
	if errors.As(err, &u) {
		// The address in it is ours and tells a person nothing.
		err = u.Err
	}
	return &outbound.Error{
		Code: outbound.Unavailable, Message: "the daemon does not answer", Err: err,
		Hint: "if it stays so, start the daemon anew: " + outbound.StartHint,
	}
}

// problemDoc is a problem document with our two fields.
//
// Source: RFC 9457, section 3.
type problemDoc struct {
	Title  string        `json:"title"`
	Detail string        `json:"detail"`
	Hint   string        `json:"hint"`
	Code   outbound.Code `json:"code"`
}

// problem turns an answer that is no success into an error for a person. An
// answer without a problem document is told by its status.
func problem(resp *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	var p problemDoc
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "application/problem+json" || kind == "application/json" {
		_ = json.Unmarshal(data, &p)
	}
	e := &outbound.Error{Code: p.Code, Message: p.Detail, Hint: p.Hint}
	if e.Code == "" {
		e.Code = codeOf(resp.StatusCode)
	}
	if e.Message == "" {
		e.Message = p.Title
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("the daemon answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return e
}

// codeOf gives the code for an HTTP status that came without one.
func codeOf(status int) outbound.Code {
	switch status {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity:
		return outbound.Invalid
	case http.StatusUnauthorized, http.StatusForbidden:
		return outbound.NotPermitted
	case http.StatusNotFound:
		return outbound.NotFound
	case http.StatusConflict:
		return outbound.Conflict
	case http.StatusRequestEntityTooLarge:
		return outbound.TooLarge
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		return outbound.Unavailable
	}
	return outbound.Internal
}
