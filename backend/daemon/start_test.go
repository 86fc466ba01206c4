package daemon_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/daemon"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	whmplugin "outboundmonitor/whm-plugin"
)

// told is a slog.Handler that passes messages on.
type told struct {
	slog.Handler
	messages chan string
}

func (h told) Handle(_ context.Context, r slog.Record) error {
	select {
	case h.messages <- r.Message:
	default:
	}
	return nil
}

func (h told) Enabled(context.Context, slog.Level) bool { return true }

func (h told) WithAttrs([]slog.Attr) slog.Handler { return h }

func host(t *testing.T) daemon.Options {
	t.Helper()
	root, err := hostfs.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return daemon.Options{Root: root, Config: config.Default(), Plugin: whmplugin.Files}
}

// ready gives what systemd would be told.
func ready(t *testing.T) *net.UnixConn {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	return conn
}

func awaitReady(t *testing.T, conn *net.UnixConn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	n, err := conn.Read(buf)
	if err != nil || string(buf[:n]) != "READY=1" {
		t.Fatalf("systemd is told %q, %v; want READY=1", buf[:n], err)
	}
}

func TestTheDaemonWaitsForACommand(t *testing.T) {
	notify := ready(t)
	o := host(t)
	_, command, err := daemon.Local(o)
	if err != nil {
		t.Fatal(err)
	}
	log := told{messages: make(chan string, 64)}
	o.Logger = slog.New(log)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- daemon.Run(ctx, o) }()
	select {
	case err := <-ended:
		t.Fatalf("the daemon ended: %v", err)
	case <-log.messages:
	}
	if err := command.Close(); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, notify)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTheDaemonDoesNotWaitForAnother(t *testing.T) {
	notify := ready(t)
	o := host(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- daemon.Run(ctx, o) }()
	awaitReady(t, notify)
	log := told{messages: make(chan string, 64)}
	o.Logger = slog.New(log)
	err := daemon.Run(t.Context(), o)
	if len(log.messages) > 0 {
		t.Errorf("a second daemon says %q", <-log.messages)
	}
	if fault, ok := errors.AsType[*outbound.Error](err); !ok || fault.Code != outbound.Conflict {
		t.Errorf("a second daemon ended with %v, want a Conflict", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
