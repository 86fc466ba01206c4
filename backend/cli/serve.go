package cli

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/spf13/cobra"
)

func (a *app) serve() *cobra.Command {
	return &cobra.Command{
		Use:         "serve",
		Short:       "Run the daemon in the foreground",
		Long:        "Run the daemon in the foreground until it is interrupted. It reads the settings\nonce, when it starts.",
		Example:     example("outboundmonitor serve"),
		Args:        exactly(0, ""),
		Annotations: noJSON(),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) {
			root, cfg, err := a.setup()
			if err != nil {
				return 0, err
			}
			err = a.build.Serve(ctx, ServeOptions{Root: root, Config: cfg, Log: a.env.Stderr})
			return exitDone, ended(ctx, err)
		}),
	}
}

// ended takes an interruption for the proper end that it is.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && err == ctx.Err() {
		return nil
	}
	return err
}

func (a *app) demo() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "demo [--listen ADDRESS]",
		Short: "Serve a made-up host to a browser; nothing is installed",
		Long: `Serve a made-up host with a week of traffic to a browser on this machine, as WHM
would show it. Nothing is installed, and nothing of this host is read.`,
		Example:     example("outboundmonitor demo", "outboundmonitor demo --listen 127.0.0.1:9000"),
		Args:        exactly(0, ""),
		Annotations: noJSON(),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) {
			if err := loopback(listen); err != nil {
				return 0, err
			}
			return exitDone, ended(ctx, a.build.Demo(ctx, DemoOptions{Listen: listen, Out: keepLines{a.env.Stdout}}))
		}),
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8787", "loopback `ADDRESS` and port to listen on")
	return c
}

// loopback refuses an address that others could reach: the demo shows itself
// to whoever asks.
func loopback(listen string) error {
	bad := wrong(fmt.Sprintf("--listen: %q is not a loopback address with a port", listen), "as 127.0.0.1:8787 or [::1]:8787")
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return bad
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return bad
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return bad
	}
	return nil
}
