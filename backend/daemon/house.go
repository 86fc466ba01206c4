// Package daemon is the roof: it puts the rooms together. Read top to bottom,
// House opens them in the order in which data travels: accounts, store, intake,
// answers. Run is the daemon, Local the same house within a command.
package daemon

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/ingest"
	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/match"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
	"outboundmonitor/backend/web"
)

// Where things lie on the host.
const (
	stateDir = "/var/lib/outboundmonitor"
	register = stateDir + "/accounts.json"
	socket   = "/run/outboundmonitor/api.sock"
)

// Options are what a house is built from.
type Options struct {
	Root    hostfs.Root
	Config  config.Config
	Version string
	// Plugin holds the templates and assets of the pages.
	Plugin fs.FS
	Now    func() time.Time
	Logger *slog.Logger
	// DemoViewers are those that the demo's pages switch between.
	DemoViewers []string
	// MinFree takes the place of the setting min_free below a Root that is not
	// "/", where that does not hold: a folder that stands for a host may lie on
	// any disk. In bytes.
	MinFree int64
	// PositionApart is the store's option of that name, for the crash tests.
	PositionApart bool
}

// House is the rooms put together.
type House struct {
	o       Options
	zone    *time.Location
	book    *cpanel.Book
	store   *store.Store
	ingest  *ingest.Ingest
	monitor *monitor
	server  *web.Server
}

// Open opens the house. One process can have a host's house open.
func Open(o Options) (*House, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &House{o: o}
	var err error
	if h.zone, err = o.Root.Zone(); err != nil {
		return nil, err
	}
	if err := o.Root.MkdirAll(stateDir, 0o700); err != nil {
		return nil, cannotOpen(err)
	}
	h.store, err = store.Open(store.Options{
		Dir: o.Root.Path(stateDir), Retention: o.Config.Store.RetentionDays, MaxDisk: o.Config.Store.MaxBytes(), MinFree: minFree(o),
		Now: o.Now, Logger: o.Logger, PositionApart: o.PositionApart,
	})
	if err != nil {
		return nil, cannotOpen(err)
	}
	if err := h.furnish(); err != nil {
		return nil, errors.Join(cannotOpen(err), h.store.Close())
	}
	return h, nil
}

// minFree gives how many bytes must stay free on the disk of the state folder.
func minFree(o Options) int64 {
	if !o.Root.IsHost() {
		return o.MinFree
	}
	_, disk := space(o.Root.Path(stateDir))
	return o.Config.Store.FreeBytes(disk)
}

func cannotOpen(err error) error {
	if _, told := errors.AsType[*outbound.Error](err); told {
		return err
	}
	if errors.Is(err, fs.ErrPermission) {
		return &outbound.Error{Code: outbound.NotPermitted, Message: "the state folder " + stateDir + " cannot be opened", Hint: "run the command as root", Err: err}
	}
	return &outbound.Error{Code: outbound.Unavailable, Message: "the state folder " + stateDir + " cannot be opened", Err: err}
}

func (h *House) furnish() error {
	var err error
	h.book, err = cpanel.NewBook(cpanel.Options{Root: h.o.Root, Register: register, Now: h.o.Now, Logger: h.o.Logger})
	if err != nil {
		return err
	}
	h.ingest = ingest.New(ingest.Options{
		Store: h.store, Next: kernlog.Next, Now: h.o.Now, Logger: h.o.Logger,
		Accounts: h.accounts,
	})
	h.monitor = newMonitor(h)
	reader, people := &reader{h.store, h.o.Now}, &directory{h.book}
	who := func(ctx context.Context, s outbound.Scope, q outbound.Question) (outbound.WhoDoc, error) {
		return match.Who(ctx, reader, s, people.About, q)
	}
	pages, err := web.NewPages(web.PagesOptions{
		Files: h.o.Plugin, Reader: reader, Directory: people, Monitor: h.monitor, Zone: h.zone, Now: h.o.Now,
		DemoViewers: h.o.DemoViewers, Who: web.PagesWho(web.Options{Who: who, Resolve: resolve, Now: h.o.Now}),
	})
	if err != nil {
		return err
	}
	h.server = web.New(web.Options{
		Reader: reader, Directory: people, Who: who, Importer: h, Monitor: h.monitor,
		Resolve: resolve, Zone: h.zone, Now: h.o.Now, Logger: h.o.Logger, Pages: pages,
	})
	return nil
}

// accounts gives who has which UID. Where the host's files cannot be read just
// now, the last good reading holds: events wait for nothing.
func (h *House) accounts() (ingest.Accounts, error) {
	snap, err := h.book.Current()
	if snap == nil {
		return nil, err
	}
	return snap, nil
}

// Handler gives the routes. Whoever serves them answers for the viewer's name.
func (h *House) Handler() http.Handler { return h.server.Handler() }

// Close closes the store. Nothing may use the house after it.
func (h *House) Close() error { return h.store.Close() }

// resolve looks up a host name now, with the host's resolver.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
