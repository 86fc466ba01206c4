package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
)

// How long the command line may wait for the next event, and how often is
// looked meanwhile.
const (
	maxWait  = 60 * time.Second
	liveStep = 250 * time.Millisecond
)

type liveParams struct {
	filter
	After string `query:"after" validate:"max=1024"`
	Limit string `query:"limit" validate:"max=6"`
	Wait  string `query:"wait" validate:"max=8"`
}

// live answers what was stored since a cursor, and the next cursor.
func (s *Server) live(c echo.Context) error {
	var p liveParams
	if err := s.params.decode(c, &p); err != nil {
		return err
	}
	t, err := s.params.times(p.TZ)
	if err != nil {
		return err
	}
	q, err := p.query(t)
	if err != nil {
		return err
	}
	if q.Limit, err = limit(p.Limit, defaultLimit, 1); err != nil {
		return err
	}
	wait, err := waitFor(p.Wait, viewerOf(c).Via)
	if err != nil {
		return err
	}
	page, err := s.await(c, q, p.After, wait)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, outbound.LiveDoc{
		Schema: outbound.SchemaLive, Events: docs(viewerOf(c), page.Events), After: page.Next,
	})
}

func waitFor(text, via string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if via != ViaCLI {
		return 0, wrong("wait", text, "only the command line may wait")
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 || wait > maxWait {
		return 0, wrong("wait", text, "not a span of time up to 60s")
	}
	return wait, nil
}

// await looks until there is an event or the wait is over. Who may see what
// is asked anew with each look. The cursor moves on past what the viewer does
// not see, so that no look covers the same ground twice.
func (s *Server) await(c echo.Context, q outbound.Query, after string, wait time.Duration) (outbound.Page, error) {
	deadlines(c, wait+readTimeout, wait+writeTimeout)
	ctx, cancel := context.WithTimeout(c.Request().Context(), wait)
	defer cancel()
	step := time.NewTicker(liveStep)
	defer step.Stop()
	for {
		v, err := s.see(viewerOf(c).Name, viewerOf(c).Via)
		if err != nil {
			return outbound.Page{}, err
		}
		c.Set(viewerKey, v)
		page, err := s.opts.Reader.After(c.Request().Context(), v.Scope, q, after)
		if err != nil || len(page.Events) > 0 {
			return page, err
		}
		after = page.Next
		select {
		case <-step.C:
		case <-ctx.Done():
			return page, c.Request().Context().Err()
		}
	}
}
