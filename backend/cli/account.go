package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/outbound"
)

// systemUser begins what is told of a name that is no account's.
const systemUser = "a system user, no cPanel account: "

// busiest is how many hours an account's story lists.
const busiest = 5

func (a *app) account() *cobra.Command {
	return &cobra.Command{
		Use:   "account NAME",
		Short: "Tell one account's story, of a removed one too",
		Long: `Tell one account's story: who it was and is, where it connects to and when most.
An account name can have had several lives; removed ones are told too.`,
		Example: example("outboundmonitor account alice"),
		Args:    exactly(1, "account name"),
		RunE: a.run(func(ctx context.Context, args []string) (int, error) {
			return a.runAccount(ctx, args[0])
		}),
	}
}

func (a *app) runAccount(ctx context.Context, account string) (int, error) {
	t, err := a.typed()
	if err != nil {
		return 0, err
	}
	if !outbound.Username(account).Valid() {
		return 0, wrong(fmt.Sprintf("account: %q is not a login name", account), "a login name has up to 32 of A-Z a-z 0-9 . _ -")
	}
	t.text("name", account)
	var doc outbound.AccountDoc
	err = a.answer(ctx, "/api/v1/account", t.query, &doc, func() error {
		a.printAccount(&doc, t.zone)
		return nil
	})
	return exitDone, err
}

func (a *app) printAccount(doc *outbound.AccountDoc, zone *time.Location) {
	a.line("%s", doc.Account)
	for _, l := range doc.Lives {
		a.line("  %s", lifeWords(l, zone))
	}
	switch {
	case len(doc.Lives) > 0:
	case doc.About != "":
		a.line("  %s%s", systemUser, strings.TrimPrefix(doc.About, systemUser))
	default:
		a.line("  no account of this name is on record")
	}
	if doc.First != nil && doc.Last != nil {
		a.line("  %s, %s", outbound.Counted(doc.Events, "connection"), between(*doc.First, *doc.Last, zone))
	} else {
		a.line("  no connections on record")
	}
	a.line("  %s", coverageWords(doc.Coverage, zone))
	hours := slices.Clone(doc.Hours)
	slices.SortStableFunc(hours, func(x, y outbound.GroupDoc) int { return y.Events - x.Events })
	for _, part := range []struct {
		title, heading string
		groups         []outbound.GroupDoc
	}{
		{"By port", groupings[outbound.ByPort], doc.Ports},
		{"By target", groupings[outbound.ByDst], doc.Targets},
		{"Busiest hours", groupings[outbound.ByHour], hours[:min(busiest, len(hours))]},
	} {
		if len(part.groups) > 0 {
			a.line("")
			a.line("%s", part.title)
			a.printGroups(part.heading, part.groups, zone)
		}
	}
}

// lifeWords tells one life of an account.
func lifeWords(l outbound.AccountLife, zone *time.Location) string {
	words := fmt.Sprintf("uid %d", l.UID)
	if l.Owner != "" {
		words += ", owner " + l.Owner
	}
	if l.Domain != "" {
		words += ", " + l.Domain
	}
	if l.Begin != nil {
		words += ", since " + stamp(*l.Begin, zone)
	} else {
		words += ", beginning not on record"
	}
	if l.RenamedFrom != "" && l.RenamedAt != nil {
		words += ", called " + l.RenamedFrom + " until " + stamp(*l.RenamedAt, zone)
	}
	switch {
	case l.End != nil && l.RenamedTo != "":
		return words + ", renamed to " + l.RenamedTo + " " + stamp(*l.End, zone)
	case l.End != nil:
		return words + ", removed " + stamp(*l.End, zone)
	}
	return words + ", exists"
}
