package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"outboundmonitor/backend/outbound"
)

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// Walk calls f with each event that the scope sees and the query selects,
// newest first unless q.OldestFirst. The event is valid until f returns.
func (s *Store) Walk(ctx context.Context, scope outbound.Scope, q outbound.Query, f func(*outbound.Event) error) error {
	var e outbound.Event
	return s.eachDay(scope, &q, func(k *dayQuery) error {
		return k.walk(ctx, func(r *rows, x ref) error {
			if err := s.fill(k, r, x, &e, q.Bare); err != nil {
				return err
			}
			return f(&e)
		})
	})
}

func (s *Store) fill(k *dayQuery, r *rows, x ref, e *outbound.Event, bare bool) error {
	if err := r.event(int(x.row), &k.v.whos, e, bare); err != nil {
		return asDamage(fmt.Errorf("store: %s: block %d, row %d: %w", k.d.name, x.block, x.row, err))
	}
	if !bare {
		e.ID = s.eventID(e)
	}
	return nil
}

// Events gives a page of at most q.Limit events.
func (s *Store) Events(ctx context.Context, scope outbound.Scope, q outbound.Query) (outbound.Page, error) {
	if q.Limit <= 0 {
		return outbound.Page{}, &outbound.Error{Code: outbound.Invalid, Message: fmt.Sprintf("limit %d: must be 1 or more", q.Limit)}
	}
	normalise(&q)
	binding := bind(scope, q)
	var after *mark
	if q.Cursor != "" {
		m, err := s.readMark(q.Cursor, binding)
		if err != nil {
			return outbound.Page{}, err
		}
		after = &m
		if q.OldestFirst {
			q.Since = later(q.Since, m.time())
		} else {
			q.Until = earlier(q.Until, m.time().Add(time.Microsecond))
		}
	}
	var page outbound.Page
	var last mark
	err := s.eachDay(scope, &q, func(k *dayQuery) error {
		return k.walk(ctx, func(r *rows, x ref) error {
			m := mark{begin: k.d.begin, ref: x}
			if after != nil && !m.follows(*after, q.OldestFirst) {
				return nil
			}
			if len(page.Events) == q.Limit {
				page.Next = s.writeMark(last, binding)
				return errEnough
			}
			var e outbound.Event
			if err := s.fill(k, r, x, &e, q.Bare); err != nil {
				return err
			}
			page.Events, last = append(page.Events, e), m
			return nil
		})
	})
	if err != nil && !errors.Is(err, errEnough) {
		return outbound.Page{}, err
	}
	return page, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
