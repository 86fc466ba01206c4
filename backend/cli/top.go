package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/outbound"
)

// topRows is how long a ranking is unless --limit is given.
const topRows = 20

func (a *app) top() *cobra.Command {
	var since, limit string
	c := &cobra.Command{
		Use:       "top [accounts|targets] [--since TIME] [--limit N]",
		Short:     "Rank accounts or targets by their connections",
		Example:   example("outboundmonitor top accounts --since -24h", "outboundmonitor top targets --since 2026-11-05"),
		ValidArgs: []string{"accounts", "targets"},
		Args:      atMost("ranking", "outboundmonitor top accounts, or outboundmonitor top targets"),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) {
			return a.runTop(ctx, append(args, "accounts")[0], since, limit)
		}),
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&since, "since", "", "not before `TIME` (default all that is kept)")
	c.Flags().StringVar(&limit, "limit", strconv.Itoa(topRows), "at most `N` of them, 0 for all")
	return c
}

func (a *app) runTop(ctx context.Context, of, since, limit string) (int, error) {
	heading, ok := map[string]string{"accounts": groupings[outbound.ByAccount], "targets": "TARGET"}[of]
	if !ok {
		return 0, wrong(fmt.Sprintf("top: %q cannot be ranked", of), "outboundmonitor top accounts, or outboundmonitor top targets")
	}
	t, err := a.typed()
	if err != nil {
		return 0, err
	}
	t.text("of", of)
	t.time("since", since)
	if t.limit("limit", limit); t.err != nil {
		return 0, t.err
	}
	most := a.oneMore(t.query, topRows)
	var doc outbound.TopDoc
	err = a.answer(ctx, "/api/v1/top", t.query, &doc, func() error {
		if len(doc.Top) > 0 {
			a.printCut(heading, doc.Top, most, t.zone)
		} else {
			a.line("nothing found")
		}
		a.line("%s", coverageWords(doc.Coverage, t.zone))
		return nil
	})
	return foundOr(len(doc.Top), doc.Coverage), err
}
