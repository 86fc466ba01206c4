package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// demoSeed makes each demo the same but for its dates.
const demoSeed = 1

// Demo makes up a host in a temporary folder, indexes its week of traffic and
// serves it on a loopback address until ctx ends, which is no error. out takes
// what is said to the person who started it.
func Demo(ctx context.Context, o Options, listen string, out io.Writer) (err error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return &outbound.Error{Code: outbound.Conflict, Message: "the demo cannot listen on " + listen, Err: err, Hint: "outboundmonitor demo --listen 127.0.0.1:0 takes any port that is free"}
	}
	defer l.Close()
	dir, err := os.MkdirTemp("", "obm-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.Root, err = hostfs.At(dir); err != nil {
		return err
	}
	story, err := demo.Make(dir, demo.Options{Seed: demoSeed, Now: time.Now(), AsItWas: o.lookAt})
	if err != nil {
		return err
	}
	o.Config = config.Default()
	o.Config.Log.Path = demo.LogPath
	o.DemoViewers = []string{"root"}
	for _, name := range story.Resellers {
		o.DemoViewers = append(o.DemoViewers, string(name))
	}
	h, err := Open(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	began := time.Now()
	if err := h.importRotations(ctx, dir); err != nil {
		return err
	}
	return h.show(ctx, l, &story, began, out)
}

// lookAt lets the register of accounts see the host at a time, as if the
// program ran since then: it knows who was removed later.
func (o Options) lookAt(at time.Time) error {
	book, err := cpanel.NewBook(cpanel.Options{Root: o.Root, Register: register, Now: func() time.Time { return at }, Logger: o.Logger})
	if err != nil {
		return err
	}
	_, err = book.Current()
	return err
}

// importRotations takes in the logs that were rotated away.
func (h *House) importRotations(ctx context.Context, dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, demo.LogPath) + "-*")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := h.importFile(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (h *House) importFile(ctx context.Context, name string) error {
	log, err := OpenLog(name)
	if err != nil {
		return err
	}
	defer log.Close()
	year, err := log.FirstYear(h.zone)
	if err != nil {
		return err
	}
	_, err = h.Import(ctx, log, outbound.ImportSpec{Name: filepath.Base(name), FirstYear: year})
	return err
}

// show serves the demo while its log grows.
func (h *House) show(ctx context.Context, l net.Listener, story *demo.Story, began time.Time, out io.Writer) error {
	log, err := os.OpenFile(h.o.Root.Path(demo.LogPath), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	unix, err := web.Listen(h.o.Root, socket, h.o.Logger)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: h.asViewer(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(h.o.Logger.Handler(), slog.LevelDebug)}
	var work sync.WaitGroup
	errs := make(chan error, 4)
	run := func(f func() error) {
		work.Go(func() {
			if err := f(); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	h.monitor.start()
	run(func() error { h.record(ctx); return nil })
	run(func() error { return story.Live(ctx, log, tick.C) })
	run(func() error { return h.server.Serve(ctx, unix) })
	run(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	run(func() error { return h.welcome(ctx, l.Addr(), story, began, out) })
	<-ctx.Done()
	_ = server.Close()
	work.Wait()
	close(errs)
	return <-errs
}

// welcome says what to open and what to try, once the week is indexed.
func (h *House) welcome(ctx context.Context, addr net.Addr, story *demo.Story, began time.Time, out io.Writer) error {
	if err := h.monitor.wait(ctx); err != nil {
		return nil // interrupted
	}
	x, err := h.store.Extent(ctx, outbound.Everything())
	if err != nil {
		return err
	}
	text := fmt.Appendf(nil, `Open http://%s/ in a browser.

It shows a made-up server with %d connections of one week (indexed in %.1f s).
At the top of the page, switch between root and the resellers %s.

In another terminal, define

  obm() { %s --root %s "$@"; }

and try

`, addr, x.Events, time.Since(began).Seconds(), words(story.Resellers), outbound.ShellQuote(program()), outbound.ShellQuote(h.o.Root.Path("/")))
	for _, try := range story.Tries() {
		text = fmt.Appendf(text, "  obm %s\n      # %s\n", try.Command, try.Shows)
	}
	text = append(text, "\nNew connections arrive as you watch. Ctrl-C ends the demo and removes all of it.\n"...)
	_, err = out.Write(text)
	return err
}

// words gives "northhost and brightweb".
func words(names []outbound.Username) string {
	var all []string
	for _, name := range names {
		all = append(all, string(name))
	}
	return strings.Join(all, " and ")
}

// program is how this program was called, for commands to copy.
func program() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "outboundmonitor"
}

// asViewer turns the demo's parameter "as" into a viewer, as WHM would after
// its own sign-in. No header of the browser's is passed on.
func (h *House) asViewer() http.Handler {
	inner := h.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer := h.o.DemoViewers[0]
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err == nil && query.Has("as") {
			viewer = query.Get("as")
			query.Del("as")
			r.URL.RawQuery = query.Encode()
		}
		if !slices.Contains(h.o.DemoViewers, viewer) {
			http.Error(w, "the demo has no such viewer", http.StatusNotFound)
			return
		}
		r.Header = http.Header{}
		r.Header.Set(web.ViewerHeader, viewer)
		r.Header.Set(web.ViaHeader, web.ViaDemo)
		inner.ServeHTTP(w, r)
	})
}
