package cli_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"outboundmonitor/backend/cli"
)

// update rewrites what scripts compare with; read the change as a stranger.
var update = flag.Bool("update", false, "rewrite the expected output in scripts")

// now is when all scripts run.
var now = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"outboundmonitor": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		status := cli.Main(ctx, os.Args[1:], cli.Env{
			Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
			IsTerminal: func(io.Writer) bool { return os.Getenv("TERMINAL") != "" },
			Now:        clock, Getenv: os.Getenv,
		}, cli.Put("1.0.0", clock))
		stop()
		os.Exit(status)
	}})
}

// clock is that of a script: what its variable NOW says.
func clock() time.Time {
	at, err := time.Parse(time.RFC3339, os.Getenv("NOW"))
	if err != nil {
		panic(err)
	}
	return at
}

// TestScripts runs a script a subcommand, each on a host of its own below
// $WORK/host. The program is the whole one: what a script imports goes
// through the parser and the store to the answer that is printed.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		UpdateScripts: *update,
		Condition: func(cond string) (bool, error) {
			if cond != "root" {
				return false, fmt.Errorf("%q: no such condition", cond)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "serve": serve, "follow": startFollowing, "lines": endFollowing},
		Setup: func(e *testscript.Env) error {
			e.Setenv("NOW", now.Format(time.RFC3339))
			e.Values[followed] = &following{}
			host := filepath.Join(e.WorkDir, "host")
			if err := copyMissing("testdata/host", host); err != nil {
				return err
			}
			return writtenNow(e.WorkDir)
		},
	})
}

// writtenNow gives all files the scripts' time: stamps without a year take
// theirs from it.
func writtenNow(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return os.Chtimes(path, now, now)
	})
}

// exits runs a command that must end with an exit status: exits 3 COMMAND.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARG...]")
	}
	status := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		status = ended.ExitCode()
	}
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("exit status %d, want %s", status, args[0])
	}
}

// copyMissing copies a folder; what a script brings itself stays.
func copyMissing(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if _, err := os.Lstat(target); err == nil {
			return nil
		}
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}

// build is the real program on the scripts' clock.
func build() cli.Build { return cli.Put("1.0.0", func() time.Time { return now }) }
