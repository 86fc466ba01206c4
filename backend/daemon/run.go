package daemon

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"outboundmonitor/backend/client"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
	"outboundmonitor/backend/tail"
	"outboundmonitor/backend/web"
)

// memory is what the daemon's heap is kept within where it can be, in bytes.
const memory = 112 << 20

// Run is the daemon: it answers on its socket and follows the log until ctx
// ends, which is no error.
func Run(ctx context.Context, o Options) (err error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	h, err := openWhenFree(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	l, err := web.Listen(o.Root, socket, h.o.Logger)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	failed := make(chan error, 1)
	work.Go(func() { h.prune(ctx) })
	work.Go(func() { h.record(ctx) })
	work.Go(func() {
		if err := h.server.Serve(ctx, l); err != nil {
			failed <- err
			cancel()
		}
	})
	h.monitor.start()
	tellSystemd("READY=1")
	<-ctx.Done()
	tellSystemd("STOPPING=1")
	work.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// freeWithin is how long the daemon waits for a command that has the store
// open because it came before the daemon did, and freeEvery how often it looks.
const (
	freeWithin = 30 * time.Second
	freeEvery  = 50 * time.Millisecond
)

// openWhenFree opens the house. It waits for a command to leave the store, but
// not for another daemon.
func openWhenFree(ctx context.Context, o Options) (*House, error) {
	late := time.NewTimer(freeWithin)
	defer late.Stop()
	for said := false; ; said = true {
		h, err := Open(o)
		fault, told := errors.AsType[*outbound.Error](err)
		if !told || fault.Code != outbound.Conflict {
			return h, err
		}
		if _, other := client.Dial(o.Root); !errors.Is(other, client.ErrNoDaemon) {
			return nil, err
		}
		if !said && o.Logger != nil {
			o.Logger.Info("a command has the store open; waiting for its end")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-late.C:
			return nil, err
		case <-time.After(freeEvery):
		}
	}
}

// record finds the log and follows it. A log that cannot be followed is said
// once and tried again: questions are answered all the while.
func (h *House) record(ctx context.Context) {
	for {
		path, how, err := tail.Find(h.o.Root, h.o.Config.Log.Path)
		if err == nil {
			h.o.Logger.Info("log found", "log", path, "how", how)
			err = h.follow(ctx, path)
		}
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, store.ErrSetAside) {
			h.o.Logger.Warn("a day file was set aside; what the log still holds is read again", "log", path)
			continue
		}
		h.o.Logger.Error("the log is not followed", "log", path, "err", err)
		h.monitor.stop(path, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * retryEvery):
		}
	}
}

// tellSystemd sends a state to systemd if it started us.
//
// Source: sd_notify(3).
func tellSystemd(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if name[0] == '@' {
		name = "\x00" + name[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// Local opens the house within a command, for when no daemon runs, and gives a
// transport to it. The caller closes it.
func Local(o Options) (http.RoundTripper, io.Closer, error) {
	h, err := Open(o)
	if err != nil {
		return nil, nil, err
	}
	return &within{h.Handler()}, h, nil
}
