// Outboundmonitor tells which account of a cPanel server connected to an
// address around a time, and how sure that is.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // a server may have no zone database

	"golang.org/x/term"

	"outboundmonitor/backend/cli"
)

// version is set when the program is linked.
var version = "dev"

func main() {
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
