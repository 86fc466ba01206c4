package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// SocketPath is where the daemon listens on the host.
const SocketPath = "/run/outboundmonitor/api.sock"

// maxConns is how many connections are open at once; others wait to be
// accepted.
const maxConns = 64

// Listen makes the socket name on the host and listens there. Its folder is
// made with mode 0700, or brought to it; the socket is 0600 from its first
// moment. A socket that a daemon left behind is replaced only if nobody
// listens on it.
//
// A connection is accepted only if its other side is root or the user of this
// process; any other is closed before a byte of it is read.
//
// It returns an [outbound.Error] with code Conflict if another daemon listens
// there, or something stands there that is no socket.
func Listen(root hostfs.Root, name string, logger *slog.Logger) (net.Listener, error) {
	folder, err := openFolder(root, path.Dir(name))
	if err != nil {
		return nil, err
	}
	l, err := listenIn(folder, path.Base(name))
	if err != nil {
		_ = folder.Close()
		return nil, err
	}
	return &listener{UnixListener: l, folder: folder, base: path.Base(name), logger: logger, seats: make(chan struct{}, maxConns)}, nil
}

// openFolder makes the socket's folder, and takes it as this process's own
// with a lock that ends with the process.
func openFolder(root hostfs.Root, name string) (*os.File, error) {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(root.Path(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	folder, err := os.OpenFile(root.Path(name), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("web: folder of the socket: %w", err)
	}
	if err := own(folder, name); err != nil {
		_ = folder.Close()
		return nil, err
	}
	return folder, nil
}

func own(folder *os.File, name string) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(folder.Fd()), &st); err != nil {
		return fmt.Errorf("web: %s: %w", name, err)
	}
	if int(st.Uid) != os.Geteuid() {
		return &outbound.Error{Code: outbound.Conflict, Message: fmt.Sprintf("the folder %s belongs to UID %d", name, st.Uid), Hint: "remove it and start again"}
	}
	if err := folder.Chmod(0o700); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return taken(name)
	}
	return nil
}

func taken(name string) error {
	return &outbound.Error{Code: outbound.Conflict, Message: "another daemon listens in " + name, Hint: "outboundmonitor status"}
}

// near gives a short path to a file of an open folder: a path in a socket's
// address holds 107 bytes, and test roots are longer.
//
// Source: unix(7), proc(5).
func near(folder *os.File, base string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), base)
}

func listenIn(folder *os.File, base string) (*net.UnixListener, error) {
	if err := clearStale(folder, base); err != nil {
		return nil, err
	}
	// The mode of a socket's inode is that of its descriptor at bind.
	var modeErr error
	config := net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) error {
		err := conn.Control(func(fd uintptr) { modeErr = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(err, modeErr)
	}}
	l, err := config.Listen(context.Background(), "unix", near(folder, base))
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	unixListener := l.(*net.UnixListener)
	unixListener.SetUnlinkOnClose(false) // Close does it, through the folder
	return unixListener, nil
}

// clearStale removes a socket on which nobody listens.
func clearStale(folder *os.File, base string) error {
	var st unix.Stat_t
	err := unix.Fstatat(int(folder.Fd()), base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("web: %s: %w", base, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return &outbound.Error{Code: outbound.Conflict, Message: base + " in the socket's folder is not a socket", Hint: "remove it and start again"}
	}
	conn, err := net.Dial("unix", near(folder, base))
	if err == nil {
		_ = conn.Close()
		return taken(folder.Name())
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("web: %w", err)
	}
	if err := unix.Unlinkat(int(folder.Fd()), base, 0); err != nil {
		return fmt.Errorf("web: %s: %w", base, err)
	}
	return nil
}

// listener accepts only root and the daemon's own user.
type listener struct {
	*net.UnixListener
	folder *os.File
	base   string
	logger *slog.Logger
	seats  chan struct{}
	once   sync.Once
	err    error
}

// Accept waits for the next connection of one who may connect.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peer(conn)
		if err == nil && (uid == 0 || int(uid) == os.Geteuid()) {
			l.seats <- struct{}{}
			return &seated{UnixConn: conn, leave: sync.OnceFunc(func() { <-l.seats })}, nil
		}
		l.logger.Warn("connection refused", "uid", uid, "err", err)
		_ = conn.Close()
	}
}

// peer gives the UID of the process that connected, as of then.
//
// Source: unix(7), SO_PEERCRED.
func peer(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return cred.Uid, nil
}

// Close stops listening and removes the socket.
func (l *listener) Close() error {
	l.once.Do(func() {
		unlink := unix.Unlinkat(int(l.folder.Fd()), l.base, 0)
		if errors.Is(unlink, unix.ENOENT) {
			unlink = nil
		}
		l.err = errors.Join(unlink, l.UnixListener.Close(), l.folder.Close())
	})
	return l.err
}

// seated is a connection that gives its seat back.
type seated struct {
	*net.UnixConn
	leave func()
}

// Close closes the connection.
func (s *seated) Close() error {
	defer s.leave()
	return s.UnixConn.Close()
}
