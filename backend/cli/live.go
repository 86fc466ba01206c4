package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/outbound"
)

// liveWait is how long the daemon keeps a question that has no answer yet.
const liveWait = 25 * time.Second

func (a *app) live() *cobra.Command {
	var f filters
	var jsonl bool
	c := &cobra.Command{
		Use:   "live [FLAGS]",
		Short: "Follow connections as they are recorded",
		Long: `Follow connections as they are recorded, until interrupted. The flags narrow as
those of search do. A SYN that was sent again is not shown again; with --json or
--jsonl each event is a line of JSON.`,
		Example: example("outboundmonitor live --port 22", "outboundmonitor live --account alice --jsonl"),
		Args:    exactly(0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) {
			return a.runLive(ctx, f, jsonl || a.json)
		}),
	}
	f.bind(c)
	c.Flags().BoolVar(&jsonl, "jsonl", false, "print one event a line, as JSON")
	return c
}

func (a *app) runLive(ctx context.Context, f filters, asJSON bool) (status int, err error) {
	t, err := a.typed()
	if err != nil {
		return 0, err
	}
	if f.into(t); t.err != nil {
		return 0, t.err
	}
	s, err := a.ask()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if s.local {
		return 0, noDaemon("live: nothing new is recorded while no daemon runs")
	}
	// The first answer says where now is: what is recorded once the heading
	// stands there is shown.
	show := a.liveJSON
	for {
		var doc outbound.LiveDoc
		err := s.Get(ctx, "/api/v1/live", t.query, &doc)
		if ctx.Err() != nil {
			// Interrupting is how a person ends it.
			return exitDone, nil
		}
		if err != nil {
			return 0, err
		}
		if !asJSON && !t.query.Has("after") {
			show = a.liveTable(t.zone)
		}
		if err := errors.Join(show(doc.Events), a.out.Flush()); err != nil {
			return 0, err
		}
		t.query.Set("after", doc.After)
		t.query.Set("wait", liveWait.String())
	}
}

// liveJSON prints each event as a line.
func (a *app) liveJSON(events []outbound.EventDoc) error {
	for i := range events {
		raw, err := json.Marshal(&events[i])
		if err != nil {
			return err
		}
		if err := copyJSON(a.out, bytes.NewReader(raw)); err != nil {
			return err
		}
		if err := a.out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}

// liveTable gives what prints rows under one heading, whose columns widen as
// needed. Each row carries its offset: clocks may change meanwhile.
func (a *app) liveTable(zone *time.Location) func([]outbound.EventDoc) error {
	c := clock{zone: zone, mixed: zone != time.UTC}
	t := newTable(slices.Delete(eventColumns(c), seenColumn, seenColumn+1)...)
	t.roomFor(c.cell(time.Time{}), "reseller", "65535", "192.0.2.255", "65535", "192.0.2.255", "65535", "log, could be forged")
	t.printHead(a.out)
	var f outbound.Folder
	return func(events []outbound.EventDoc) error {
		for _, r := range f.Fold(events) {
			t.add(slices.Delete(cells(r, c), seenColumn, seenColumn+1)...)
		}
		t.printRows(a.out)
		f.Forget(a.env.Now())
		return nil
	}
}
