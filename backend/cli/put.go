package cli

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/daemon"
	"outboundmonitor/backend/hostfs"
	whmplugin "outboundmonitor/whm-plugin"
)

// Put puts the program together from its rooms. now is the clock of all of
// them; the demo alone has always the machine's.
func Put(version string, now func() time.Time) Build {
	options := func(root hostfs.Root, cfg config.Config, log io.Writer) daemon.Options {
		return daemon.Options{
			Root: root, Config: cfg, Version: version, Plugin: whmplugin.Files,
			Logger: slog.New(slog.NewTextHandler(log, nil)), Now: now,
		}
	}
	return Build{
		Version: version,
		Serve: func(ctx context.Context, o ServeOptions) error {
			return daemon.Run(ctx, options(o.Root, o.Config, o.Log))
		},
		Local: func(root hostfs.Root, cfg config.Config) (http.RoundTripper, io.Closer, error) {
			return daemon.Local(options(root, cfg, io.Discard))
		},
		OpenLog: func(path string) (Log, error) { return daemon.OpenLog(path) },
		Doctor: func(ctx context.Context, root hostfs.Root, cfg config.Config) []Check {
			var all []Check
			for _, f := range daemon.Examine(ctx, root, cfg, now()) {
				all = append(all, Check{Name: f.Name, State: state(f), Words: f.Words, Hint: f.Hint})
			}
			return all
		},
		Demo: func(ctx context.Context, o DemoOptions) error {
			return daemon.Demo(ctx, options(hostfs.Root{}, config.Default(), io.Discard), o.Listen, o.Out)
		},
	}
}

func state(f daemon.Finding) State {
	switch {
	case f.OK:
		return CheckOK
	case f.Warn:
		return CheckWarn
	}
	return CheckFail
}
