// Command bench measures the product beside the tools that people use today,
// on one corpus in one run, and checks its answers against the truth:
//
//	go run ./scripts/bench -dir build/bench -size 1g -runs 5 -bin build/outboundmonitor
//
// It fails if one answer differs, or if the product was not there to be
// measured. A goal that is missed is shown and is no failure.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"outboundmonitor/scripts/truth"
)

type options struct {
	dir, size, format, bin, out string
	runs                        int
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&o.dir, "dir", "build/bench", "where the corpus is or will be")
	fs.StringVar(&o.size, "size", "1g", "size of the corpus")
	fs.StringVar(&o.format, "format", "traditional", "its stamps: traditional or rfc3339")
	fs.StringVar(&o.bin, "bin", "build/outboundmonitor", "the product")
	fs.StringVar(&o.out, "out", "", "a file to keep the table in")
	fs.IntVar(&o.runs, "runs", 5, "rounds; each figure is the median of them")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.runs < 1 {
		return o, fmt.Errorf("-runs %d: want at least 1", o.runs)
	}
	var err error
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return o, err
	}
	o.bin, err = filepath.Abs(o.bin)
	return o, err
}

func run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	b := &bench{options: o}
	if err := b.corpus(time.Now()); err != nil {
		return err
	}
	b.plan()
	if err := b.rounds(); err != nil {
		return err
	}
	wrong := b.verify()
	report := b.report(time.Now())
	fmt.Print(report)
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(report), 0o644); err != nil {
			return err
		}
	}
	return wrong
}

// bench is one run of the program.
type bench struct {
	options
	sum    truth.Summary
	sample []truth.Address
	jobs   []*job
	// missing names tools that the machine lacks.
	missing []string
	// product is false if its binary is absent.
	product bool
	store   storeFigures
	checked int
}

// freshFor is how old the end of a corpus may be: the product does not store
// what is older than its retention.
const freshFor = 14 * 24 * time.Hour

// corpus makes the corpus unless a fresh one with the same flags is there. It
// takes over no folder that holds anything else.
func (b *bench) corpus(now time.Time) error {
	wanted := b.size + " " + b.format
	mark := b.path("made")
	made, err := os.ReadFile(mark)
	if held, _ := os.ReadDir(b.dir); err != nil && len(held) > 0 {
		return fmt.Errorf("%s holds something that is no corpus of ours", b.dir)
	}
	if string(made) == wanted && b.load() == nil && now.Sub(b.sum.End) <= freshFor {
		return nil
	}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(mark, []byte("begun"), 0o644); err != nil {
		return err
	}
	if err := b.remake(now); err != nil {
		return err
	}
	if err := os.WriteFile(mark, []byte(wanted), 0o644); err != nil {
		return err
	}
	return b.load()
}

// remake writes the corpus anew.
func (b *bench) remake(now time.Time) error {
	for _, name := range []string{"messages", "host", "truth", "rotated"} {
		if err := os.RemoveAll(b.path(name)); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "making a corpus of %s in %s\n", b.size, b.dir)
	c := exec.Command("go", "run", "outboundmonitor/scripts/corpus", "-o", b.dir, "-size", b.size,
		"-format", b.format, "-rotated", "-end", now.UTC().Format(time.DateOnly))
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("corpus: %w", err)
	}
	return nil
}

func (b *bench) load() error {
	return errors.Join(
		truth.Read(filepath.Join(b.dir, "truth", "summary.json"), &b.sum),
		truth.Read(filepath.Join(b.dir, "truth", "addresses.json"), &b.sample))
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// sampled gives the first address of a class that has its events listed.
func (b *bench) sampled(class string) truth.Address {
	var found truth.Address
	for _, a := range b.sample {
		if a.Class != class {
			continue
		}
		if found.Address == "" || found.List == nil && a.List != nil {
			found = a
		}
	}
	return found
}

// at gives a time worth asking about: in the middle of an address's events.
func (b *bench) at(a truth.Address) string {
	if n := len(a.List); n > 0 {
		return a.List[n/2].Time.Format(time.RFC3339)
	}
	return b.sum.From.Add(b.sum.End.Sub(b.sum.From) / 2).Format(time.RFC3339)
}

func perEvent(bytes int64, events int) string {
	if events == 0 {
		return "-"
	}
	return strconv.FormatFloat(float64(bytes)/float64(events), 'f', 2, 64)
}
