// Command corpus writes a large kernel log with a known truth, for benchmarks:
//
//	go run ./scripts/corpus -o DIR [-size 1g] [-seed 1] [-format traditional|rfc3339] [-rotated]
//
// DIR/messages is the log, DIR/host a cPanel host whose accounts it names,
// DIR/truth what it holds, and DIR/rotated the same log as six compressed days
// and today. The same flags give the same bytes.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"outboundmonitor/backend/demo"
)

type options struct {
	dir     string
	size    int64
	seed    uint64
	format  demo.Format
	rotated bool
	end     time.Time
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	s, err := generate(o)
	if err != nil {
		return err
	}
	fmt.Printf("%d bytes, %d lines, %d of ours, %d events, %d addresses, %d damaged, %d forged\n",
		s.Bytes, s.Lines, s.Ours, s.Events, s.Addresses, s.Damaged, s.Forged)
	return nil
}

func parse(args []string) (options, error) {
	fs := flag.NewFlagSet("corpus", flag.ContinueOnError)
	dir := fs.String("o", "", "the folder to write into")
	size := fs.String("size", "1g", "about how many bytes the log has; k, m and g are powers of 1000")
	seed := fs.Uint64("seed", 1, "decides all that is random")
	format := fs.String("format", "traditional", "how stamps look: traditional or rfc3339")
	rotated := fs.Bool("rotated", false, "write the rotated set too")
	end := fs.String("end", "2026-11-05", "the day in UTC before which the log ends")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	o := options{dir: *dir, seed: *seed, rotated: *rotated}
	if o.dir == "" {
		return o, fmt.Errorf("-o is missing")
	}
	switch *format {
	case "traditional":
		o.format = demo.Traditional
	case "rfc3339":
		o.format = demo.RFC3339
	default:
		return o, fmt.Errorf("-format %q: want traditional or rfc3339", *format)
	}
	var err error
	if o.size, err = parseSize(*size); err != nil {
		return o, err
	}
	o.end, err = time.Parse(time.DateOnly, *end)
	return o, err
}

func parseSize(s string) (int64, error) {
	unit := int64(1)
	for i, suffix := range []string{"k", "m", "g"} {
		if number, ok := strings.CutSuffix(s, suffix); ok {
			s = number
			for range i + 1 {
				unit *= 1000
			}
		}
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("-size: %q is no size", s)
	}
	return n * unit, nil
}
