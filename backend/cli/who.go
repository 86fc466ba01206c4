package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/outbound"
)

// whoFlags is what was typed.
type whoFlags struct {
	at, window, src, sport, port, limit string
}

func (a *app) who() *cobra.Command {
	var f whoFlags
	c := &cobra.Command{
		Use:   "who [ADDRESS|NETWORK|HOST] [--at TIME]",
		Short: "Tell who connected to an address, and how sure that is",
		Long: `Tell who connected to an address around a time, and how sure that is.

The first line is the verdict: IDENTIFIED, PROBABLE, CANDIDATES, SYSTEM, NONE,
UNKNOWN (nothing found, but recording was incomplete) or NOT THIS SERVER. A host
name is looked up now, which may give other addresses than at the time. The
address may be left out when --sport is given.`,
		Example: example(
			`outboundmonitor who 203.0.113.22 --at "2026-11-05 02:11:03 +0100"`,
			`outboundmonitor who 203.0.113.0/24 --at 05/Nov/2026:02:11:03 --tz Europe/Paris --window 10m`,
			`outboundmonitor who --sport 51514 --at "Nov  5 02:11:03"`,
		),
		Args: atMost("address", `a time goes with --at, and in quotes if it has blanks: --at "2026-11-05 02:11:03"`),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) { return a.runWho(ctx, f, args) }),
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&f.at, "at", "", "`TIME` asked about (default the whole history)")
	c.Flags().StringVar(&f.window, "window", "", "how far to look before and after that time, as `LENGTH` (default 5m)")
	c.Flags().StringVar(&f.src, "src", "", "our `ADDRESS`, as the complaint has it")
	c.Flags().StringVar(&f.sport, "sport", "", "our `PORT`, as the complaint has it")
	c.Flags().StringVar(&f.port, "port", "", "`PORT` connected to")
	c.Flags().StringVar(&f.limit, "limit", "", "list at most `N` connections, 0 for all (default 20, in JSON 100)")
	return c
}

func (a *app) runWho(ctx context.Context, f whoFlags, args []string) (int, error) {
	t, err := a.typed()
	if err != nil {
		return 0, err
	}
	if err := f.into(t, args); err != nil {
		return 0, err
	}
	var doc outbound.WhoDoc
	p := whoPrinter{app: a, doc: &doc, zone: t.zone, rows: whoRows}
	if t.query.Get("limit") == "0" {
		err = a.whoAll(ctx, t.query, p)
	} else {
		err = a.answer(ctx, "/api/v1/who", t.query, &doc, func() error {
			if f.limit != "" {
				p.rows = len(doc.Events)
			}
			p.print()
			return nil
		})
	}
	if err != nil {
		return 0, err
	}
	status, known := StatusOfVerdict(doc.Verdict)
	if !known {
		return 0, &outbound.Error{
			Code: outbound.Unavailable, Message: fmt.Sprintf("the answer has the verdict %q, which this version does not know", doc.Verdict),
			Hint: "the command and the daemon are of different versions: outboundmonitor version",
		}
	}
	return status, nil
}

// into adds what was typed to the request.
func (f whoFlags) into(t *typed, args []string) error {
	switch {
	case len(args) > 0:
		t.address(args[0])
	case f.sport == "":
		t.fault("who", wrong("an address is missing", "outboundmonitor who ADDRESS; without one, --sport is needed"))
	}
	if t.time("at", f.at); f.at == "" && f.window != "" {
		t.fault("--window", wrong(fmt.Sprintf("%q is around no time", f.window), "give the time with --at"))
	}
	t.window(f.window)
	if t.target("src", f.src); strings.Contains(t.query.Get("src"), "/") {
		t.fault("--src", wrong(fmt.Sprintf("%q is a network", f.src), "one address of this server"))
	}
	t.port("sport", f.sport)
	t.port("port", f.port)
	t.limit("limit", f.limit)
	return t.err
}
