package cli_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"outboundmonitor/backend/cli"
	"outboundmonitor/backend/config"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// update rewrites what scripts compare with; read the change as a stranger.
var update = flag.Bool("update", false, "rewrite the expected output in scripts")

// now is when all scripts run.
var now = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"outboundmonitor": func() {
		os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Env{
			Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
			IsTerminal: func(io.Writer) bool { return os.Getenv("TERMINAL") != "" },
			Now:        func() time.Time { return now }, Getenv: os.Getenv,
		}, build(os.Getenv("ANSWERS"))))
	}})
}

// TestScripts runs a script a subcommand, each on a host of its own below
// $WORK/host whose log is imported first. The answers are documents in
// $WORK/answers, as the store gives them for that log.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		UpdateScripts: *update,
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			e.Setenv("ANSWERS", filepath.Join(e.WorkDir, "answers"))
			for _, dir := range []string{"host", "answers"} {
				if err := copyMissing(filepath.Join("testdata", dir), filepath.Join(e.WorkDir, dir)); err != nil {
					return err
				}
			}
			return nil
		},
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

// build stands in for the rooms that are behind the command line.
func build(answers string) cli.Build {
	return cli.Build{
		Version: "1.0.0",
		Local: func(root hostfs.Root, cfg config.Config) (http.RoundTripper, io.Closer, error) {
			return inProcess{&fake{answers: answers}}, io.NopCloser(nil), nil
		},
		OpenLog: openLog,
		Serve: func(_ context.Context, o cli.ServeOptions) error {
			_, err := fmt.Fprintf(o.Log, "serving %s for %d days\n", o.Config.Log.Path, o.Config.Store.RetentionDays)
			return err
		},
		Demo: func(_ context.Context, o cli.DemoOptions) error {
			_, err := fmt.Fprintf(o.Out, "open http://%s/\n", o.Listen)
			return err
		},
		Doctor: func(_ context.Context, root hostfs.Root, cfg config.Config) []cli.Check {
			c := cli.Check{Name: "log", State: cli.CheckOK, Words: cfg.Log.Path + " can be read"}
			if _, err := root.Stat(cfg.Log.Path); err != nil {
				c = cli.Check{Name: "log", State: cli.CheckFail, Words: cfg.Log.Path + " is not there", Hint: "set log.path"}
			}
			return []cli.Check{c}
		},
	}
}

// inProcess carries requests to a handler.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// fake answers with the document that fits a request best: the one named after
// a parameter, else the one named after the path.
type fake struct{ answers string }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.URL.Path)
	if name == "import" {
		f.takeIn(w, r)
		return
	}
	q := r.URL.Query()
	ext := ".json"
	if form := q.Get("format"); form != "" {
		ext = "." + form
	}
	names := []string{name + "-" + strings.ReplaceAll(q.Get("address"), "/", "_")}
	for _, key := range []string{"group_by", "name", "of", "day", "account", "dst"} {
		names = append(names, name+"-"+key+"="+q.Get(key))
	}
	for _, n := range append(names, name) {
		if data, err := os.ReadFile(filepath.Join(f.answers, n+ext)); err == nil {
			_, _ = w.Write(data)
			return
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": fmt.Sprintf("there is no %q", q.Get("name")), "code": "not_found"})
}

// takeIn counts each line once, whatever file it comes from.
func (f *fake) takeIn(w http.ResponseWriter, r *http.Request) {
	seen := filepath.Join(f.answers, "imported")
	old, _ := os.ReadFile(seen)
	lines := strings.Split(string(old), "\n")
	doc := outbound.ImportDoc{Schema: outbound.SchemaImport}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	for in := bufio.NewScanner(r.Body); in.Scan(); {
		line := in.Text()
		if !strings.Contains(line, outbound.LogPrefix) {
			continue
		}
		doc.Lines.Read++
		at, err := time.ParseInLocation("2006 Jan _2 15:04:05", r.URL.Query().Get("first_year")+" "+line[:15], zone)
		if err != nil {
			panic(err)
		}
		if doc.First == nil {
			doc.First = &at
		}
		doc.Last = &at
		if slices.Contains(lines, line) {
			doc.Lines.Known++
			continue
		}
		doc.Lines.Stored++
		lines = append(lines, line)
	}
	if err := os.WriteFile(seen, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		panic(err)
	}
	_ = json.NewEncoder(w).Encode(doc)
}

// file is a log, plain or compressed.
type file struct {
	io.Reader
	*os.File
}

func (f *file) Read(p []byte) (int, error)            { return f.Reader.Read(p) }
func (f *file) Name() string                          { return filepath.Base(f.File.Name()) }
func (f *file) Modified() time.Time                   { return now }
func (f *file) FirstYear(*time.Location) (int, error) { return now.Year(), nil }

func openLog(path string) (cli.Log, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return nil, errors.Join(err, hostfs.ErrNotRegular, f.Close())
	}
	in := bufio.NewReader(f)
	if head, _ := in.Peek(2); string(head) != "\x1f\x8b" {
		return &file{in, f}, nil
	}
	zr, err := gzip.NewReader(in)
	return &file{zr, f}, err
}
