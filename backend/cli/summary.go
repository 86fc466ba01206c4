package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/outbound"
)

// ports are those that have a column in the summary.
var ports = []string{"22", "21", "80", "443"}

func (a *app) summary() *cobra.Command {
	var day string
	c := &cobra.Command{
		Use:   "summary [--day DAY]",
		Short: "Summarise a day: which account connected how often and where",
		Example: example("outboundmonitor summary", "outboundmonitor summary --day yesterday",
			"outboundmonitor summary --day 2026-11-05 --json"),
		Args: exactly(0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) { return a.runSummary(ctx, day) }),
	}
	c.Flags().StringVar(&day, "day", "today", "`DAY` as 2026-11-05, today or yesterday")
	return c
}

func (a *app) runSummary(ctx context.Context, day string) (int, error) {
	t, err := a.typed()
	if err != nil {
		return 0, err
	}
	switch now := t.now.In(t.zone); day {
	case "today":
		day = now.Format(time.DateOnly)
	case "yesterday":
		day = now.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return 0, wrong(fmt.Sprintf("--day: %q is not a day", day), "a day looks like 2026-11-05; today and yesterday will do")
	}
	t.text("day", day)
	t.text("tz", a.tz)
	var doc outbound.SummaryDoc
	err = a.answer(ctx, "/api/v1/summary", t.query, &doc, func() error {
		a.printSummary(&doc, t.zone)
		return nil
	})
	return foundOr(doc.Events, doc.Coverage), err
}

func (a *app) printSummary(doc *outbound.SummaryDoc, zone *time.Location) {
	a.line("%s (%s): %s from %s", doc.Day, zoneName(zone), outbound.Counted(doc.Events, "connection"), outbound.Counted(len(doc.Accounts), "account"))
	a.line("%s", coverageWords(doc.Coverage, zone))
	if len(doc.Accounts) > 0 {
		a.summaryAccounts(doc.Accounts)
	}
	if len(doc.SystemUsers) > 0 {
		a.line("")
		t := newTable(left("SYSTEM USER"), right("UID"), right("CONNECTIONS"))
		for _, s := range doc.SystemUsers {
			t.add(s.User, fmt.Sprint(s.UID), outbound.Thousands(s.Events))
		}
		t.print(a.out)
	}
	if doc.Unattributed > 0 {
		a.line("%s by a uid that nobody on record had: outboundmonitor search --group-by account", outbound.Counted(doc.Unattributed, "connection"))
	}
}

func (a *app) summaryAccounts(accounts []outbound.SummaryAccount) {
	head := []column{left("ACCOUNT"), right("UID"), left("OWNER"), right("CONNECTIONS"), right("TARGETS")}
	for _, p := range ports {
		head = append(head, right("PORT "+p))
	}
	t := newTable(append(head, right("OTHER"), left("TOP TARGET"))...)
	for _, s := range accounts {
		cells := []string{s.Account, fmt.Sprint(s.UID), dash(s.Owner), outbound.Thousands(s.Events), outbound.Thousands(s.Targets)}
		other := s.Events
		for _, p := range ports {
			cells = append(cells, outbound.Thousands(s.Ports[p]))
			other -= s.Ports[p]
		}
		target := "-"
		if len(s.TopTargets) > 0 {
			top := s.TopTargets[0]
			target = fmt.Sprintf("%s port %d (%s)", top.Dst, top.DstPort, outbound.Thousands(top.Events))
		}
		t.add(append(cells, outbound.Thousands(other), target)...)
	}
	a.line("")
	t.print(a.out)
}
