// Package web answers over HTTP: the JSON API and the pages. It takes a
// viewer's name from one header, asks for that viewer's Scope, and reads
// through it. It knows neither files nor the store, only the interfaces here.
package web

import (
	"context"
	"io"
	"time"

	"outboundmonitor/backend/outbound"
)

// Reader reads events. Each method takes the viewer's Scope, whose zero value
// sees nothing, and counts, groups and pages within it alone.
//
// All methods return an [outbound.Error] with code Invalid for a cursor that
// was not handed out for this scope and query.
type Reader interface {
	// Events gives a page of at most q.Limit events, newest first unless
	// q.OldestFirst.
	Events(ctx context.Context, s outbound.Scope, q outbound.Query) (outbound.Page, error)
	// Walk calls f with each event in the same order, without a limit. The
	// event is valid until f returns.
	Walk(ctx context.Context, s outbound.Scope, q outbound.Query, f func(*outbound.Event) error) error
	// Groups counts events by a key, largest first (ByHour: oldest first). A
	// limit of 0 gives all groups. ByAccount, two lives of one login name are
	// two groups.
	Groups(ctx context.Context, s outbound.Scope, q outbound.Query, by outbound.GroupBy, limit int) ([]outbound.Group, error)
	// Histogram counts events by port group in steps from q.Since to q.Until,
	// which must both be set. Empty steps are left out.
	Histogram(ctx context.Context, s outbound.Scope, q outbound.Query, step time.Duration) ([]outbound.Bucket, error)
	// After gives events in the order in which they were stored, from where
	// cursor ("" is now) ended, and the next cursor in Page.Next, never "".
	After(ctx context.Context, s outbound.Scope, q outbound.Query, cursor string) (outbound.Page, error)
	// Extent tells how many events the scope sees, and the first and last
	// one's time (nil if none).
	Extent(ctx context.Context, s outbound.Scope) (Extent, error)
	// Coverage tells for how much of a range everything was recorded.
	Coverage(ctx context.Context, s outbound.Scope, q outbound.Query) (outbound.Coverage, error)
}

// Extent is what the store holds for a scope.
type Extent = outbound.Extent

// Directory says who a viewer is and what he may see.
type Directory interface {
	// Scope gives a viewer's scope, read anew for each request. It returns an
	// [outbound.Error] with code NotPermitted for a viewer who may see nothing.
	Scope(viewer outbound.Username) (outbound.Scope, error)
	// Lives lists the account instances that ever had this name, oldest first;
	// removed ones too.
	Lives(name outbound.Username) []outbound.Life
	// About is a sentence on what a system user is.
	About(user outbound.Username) string
}

// Importer takes in a log that was opened by the command line.
type Importer interface {
	// Import reads decompressed log text to its end.
	Import(ctx context.Context, r io.Reader, spec outbound.ImportSpec) (outbound.ImportDoc, error)
}

// Monitor tells of the program itself.
type Monitor interface {
	Status(ctx context.Context) (outbound.StatusDoc, error)
}
