package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Where the daemon listens on the host.
const (
	socketDir  = "/run/outboundmonitor"
	socketName = "api.sock"
)

// ErrNoDaemon means that no daemon runs: its socket is absent, or is left over
// and refuses.
var ErrNoDaemon = errors.New("no daemon runs")

// Dial gives a transport to the daemon of the host. It connects once to see
// that somebody is there.
//
// It returns [ErrNoDaemon], wrapped, if nobody is, and an [outbound.Error] with
// code NotPermitted if the caller may not ask: only root may.
func Dial(root hostfs.Root) (http.RoundTripper, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return connect(ctx, root) }
	conn, err := dial(context.Background(), "", "")
	if err != nil {
		return nil, absent(err)
	}
	_ = conn.Close()
	return &http.Transport{DialContext: dial, DisableCompression: true}, nil
}

// connect opens the socket relative to its folder: the path of a socket has
// room for 107 bytes (unix(7), sun_path), and the path of a test's host is
// longer.
func connect(ctx context.Context, root hostfs.Root) (net.Conn, error) {
	dir, err := os.OpenFile(root.Path(socketDir), os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var d net.Dialer
	return d.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketName))
}

// absent tells nobody there from not allowed and from out of order.
func absent(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: %w", ErrNoDaemon, err)
	case errors.Is(err, fs.ErrPermission):
		return &outbound.Error{
			Code: outbound.NotPermitted, Message: "only root may ask the daemon",
			Hint: "run the command as root, as with sudo",
		}
	}
	return &outbound.Error{
		Code: outbound.Unavailable, Message: "the daemon's socket " + socketDir + "/" + socketName + " is out of order",
		Err: err, Hint: "start the daemon anew: " + outbound.StartHint,
	}
}
