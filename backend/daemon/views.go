package daemon

import (
	"context"
	"time"

	"outboundmonitor/backend/access"
	"outboundmonitor/backend/coverage"
	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// reader is the store with the coverage of its answers.
type reader struct {
	*store.Store
	now func() time.Time
}

// Coverage tells for how much of the query's range everything was recorded.
func (r *reader) Coverage(ctx context.Context, s outbound.Scope, q outbound.Query) (outbound.Coverage, error) {
	var x outbound.Extent
	if q.Since.IsZero() {
		var err error
		if x, err = r.Extent(ctx, s); err != nil {
			return outbound.Coverage{}, err
		}
	}
	c := coverage.NotCounted(q.Since, q.Until, r.now(), x)
	if c.From != nil {
		c.Gaps = append(c.Gaps, r.Gaps(*c.From, *c.To)...)
	} else {
		// Nothing is stored any more of what the gaps tell of.
		c.Gaps = append(c.Gaps, r.Gaps(q.Since, q.Until)...)
	}
	return c, nil
}

// directory is the accounts' book as the pages ask it.
type directory struct{ book *cpanel.Book }

// Scope gives a viewer's scope, from the host's files as they are now.
func (d *directory) Scope(viewer outbound.Username) (outbound.Scope, error) {
	snap, err := d.book.Current()
	if err != nil {
		return outbound.Scope{}, unreadable(err)
	}
	return access.Scope(viewer, snap)
}

// Lives lists the account instances that ever had this name.
func (d *directory) Lives(name outbound.Username) []outbound.Life {
	snap, err := d.book.Current()
	if err != nil {
		return nil
	}
	return snap.Lives(name)
}

// About is a sentence on what a system user is.
func (d *directory) About(user outbound.Username) string {
	snap, err := d.book.Current()
	if err != nil {
		return ""
	}
	return snap.About(user)
}

func unreadable(err error) error {
	return &outbound.Error{Code: outbound.Unavailable, Message: "the host's accounts cannot be read", Err: err, Hint: "outboundmonitor doctor"}
}
