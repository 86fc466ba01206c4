// Outboundmonitor tells which account of a cPanel server connected to an
// address around a time, and how sure that is.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
	_ "time/tzdata" // a server may have no zone database

	"golang.org/x/term"

	"outboundmonitor/backend/cli"
)

// version is set when the program is linked.
var version = "dev"

// memory is what a command's heap is kept within where it can be, in bytes:
// collecting earlier costs an import a few per cent of its time.
const memory = 56 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Main(ctx, os.Args[1:], cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		IsTerminal: isTerminal, Now: time.Now, Getenv: os.Getenv,
	}, cli.Put(version, time.Now))
	stop()
	os.Exit(status)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
