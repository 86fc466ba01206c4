// Package cli is the command line: it reads what a person typed, asks the
// daemon (or, with none running, the store within the process), and prints the
// answer. It decides nothing about events itself; it stands on the roof and is
// the one place where words for a terminal are made.
package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Env is what a command has of the world besides the host's files.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// IsTerminal reports whether a person looks at what is written to w.
	IsTerminal func(w io.Writer) bool
	Now        func() time.Time
	Getenv     func(string) string
}

// Build is what the program was put together from. A command whose function is
// nil is not shown.
type Build struct {
	Version string
	// Serve runs the daemon until ctx ends.
	Serve func(ctx context.Context, o ServeOptions) error
	// Local opens the store within the process and gives a transport to the
	// same handler that the daemon serves. The caller closes it.
	Local func(root hostfs.Root, cfg config.Config) (http.RoundTripper, io.Closer, error)
	// OpenLog opens a log by its path in this process, decompressed.
	OpenLog func(path string) (Log, error)
	// Doctor checks the host. Checks come in the order in which data travels.
	Doctor func(ctx context.Context, root hostfs.Root, cfg config.Config) []Check
	// Demo serves a made-up host until ctx ends.
	Demo func(ctx context.Context, o DemoOptions) error
}

// ServeOptions is what the daemon is started with.
type ServeOptions struct {
	Root   hostfs.Root
	Config config.Config
	// Log takes the daemon's own messages.
	Log io.Writer
}

// DemoOptions is what the demo is started with.
type DemoOptions struct {
	// Listen is a loopback address with its port.
	Listen string
	// Out takes what is said to the person who started it.
	Out io.Writer
}

// Log is a log file that was opened for import.
type Log interface {
	io.ReadCloser
	// Name is the file's name, for messages.
	Name() string
	// Modified is the file's own time.
	Modified() time.Time
	// FirstYear is the year of the first stamp that carries none, in the
	// host's zone; 0 if all stamps carry one.
	FirstYear(zone *time.Location) (int, error)
}

// app is one run of the program.
type app struct {
	env   Env
	build Build
	// out is standard output; errors of writing show when it is flushed.
	out *bufio.Writer

	rootDir, configPath, tz string
	json                    bool
	// status is the exit status of a command that ended without an error.
	status int
}

// Main runs the program with the arguments that follow its name and gives the
// exit status.
func Main(ctx context.Context, args []string, env Env, build Build) int {
	a := &app{env: env, build: build, out: bufio.NewWriter(env.Stdout)}
	root := a.command()
	// A nil slice would make cobra read the arguments of the process.
	root.SetArgs(append([]string{}, args...))
	err := root.ExecuteContext(ctx)
	if flushed := a.out.Flush(); flushed != nil && err == nil {
		err = &failure{&outbound.Error{Code: outbound.Unavailable, Message: "the output cannot be written", Err: flushed}}
	}
	if err == nil {
		return a.status
	}
	return a.report(err)
}

// failure is an error of a command that ran; other errors are wrong usage.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// report prints an error with its hint and gives its exit status.
func (a *app) report(err error) int {
	e := explain(err)
	a.complain(e)
	return statusOf(e.Code)
}

func (a *app) complain(e *outbound.Error) {
	_, _ = io.WriteString(a.env.Stderr, "outboundmonitor: "+visible(e.Error())+"\n")
	if e.Hint != "" {
		_, _ = io.WriteString(a.env.Stderr, "hint: "+visible(e.Hint)+"\n")
	}
}

// explain turns any error into one for a person.
func explain(err error) *outbound.Error {
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return &outbound.Error{Code: outbound.Unavailable, Message: "stopped before the answer was complete"}
	}
	if _, ran := errors.AsType[*failure](err); ran {
		return &outbound.Error{Code: outbound.Internal, Message: err.Error()}
	}
	return &outbound.Error{Code: outbound.Invalid, Message: err.Error(), Hint: "outboundmonitor --help"}
}

// runner is what a command does: it gives the exit status, or an error.
type runner func(ctx context.Context, args []string) (int, error)

// run makes a runner fit for cobra.
func (a *app) run(f runner) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if a.json && cmd.Annotations["json"] == "none" {
			return &failure{wrong("--json: "+cmd.Name()+" has no JSON form", "leave --json out")}
		}
		status, err := f(cmd.Context(), args)
		if err != nil {
			return &failure{err}
		}
		a.status = status
		return nil
	}
}

// noJSON marks a command that prints no document.
func noJSON() map[string]string { return map[string]string{"json": "none"} }

// wrong is the error for a value or a usage that cannot be meant.
func wrong(message, hint string) *outbound.Error {
	return &outbound.Error{Code: outbound.Invalid, Message: message, Hint: hint}
}
