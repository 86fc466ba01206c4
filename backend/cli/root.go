package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/config"
)

// Groups of commands in the help text.
const (
	groupAsk = "ask"
	groupRun = "run"
	groupSee = "see"
)

const about = `Outbound Monitor tells which account of this server connected to an address
around a time, and how sure that is.

Exit status: 0 identified, found or done; 1 none; 2 wrong usage or settings;
3 unknown: nothing found and recording was incomplete; 4 daemon or store out of
reach; 5 not permitted; 6 probable or candidates.

Times are typed as 2026-11-05T02:11:03+01:00, "2026-11-05 02:11:03 +0100",
"2026-11-05 02:11:03", 05/Nov/2026:02:11:03 +0100, "Nov  5 02:11:03", -15m, -2d
or seconds since 1970. Without a zone they are in the host's, or that of --tz.`

// command gives the whole tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "outboundmonitor",
		Short:         "Tell which account connected where, when, and how sure that is",
		Long:          about,
		Example:       example(`outboundmonitor who 203.0.113.22 --at "2026-11-05 02:11:03 +0100"`),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetOut(keepLines{a.out})
	root.SetErr(keepLines{a.env.Stderr})
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return wrong(err.Error(), c.CommandPath()+" --help")
	})
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&a.rootDir, "root", "/", "`DIR` that holds the host's files")
	f.StringVar(&a.configPath, "config", config.Path, "settings `FILE` on the host")
	f.BoolVar(&a.json, "json", false, "print one JSON document; its times are UTC")
	f.StringVar(&a.tz, "tz", "", "`ZONE` of times typed and printed, as Europe/Berlin or UTC (default the host's)")
	root.AddGroup(
		&cobra.Group{ID: groupAsk, Title: "Ask what happened:"},
		&cobra.Group{ID: groupRun, Title: "Run and fill:"},
		&cobra.Group{ID: groupSee, Title: "See to the program itself:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			c.DisableFlagsInUseLine = true
			root.AddCommand(c)
		}
	}
	add(groupAsk, a.who(), a.search(), a.top(), a.account(), a.summary(), a.live())
	if a.build.Serve != nil {
		add(groupRun, a.serve())
	}
	if a.build.OpenLog != nil {
		add(groupRun, a.importLogs())
	}
	if a.build.Demo != nil {
		add(groupRun, a.demo())
	}
	if a.build.Doctor != nil {
		add(groupSee, a.doctor())
	}
	add(groupSee, a.showStatus(), a.settings(), a.version(), completion())
	root.SetHelpCommand(helpCommand())
	root.SetHelpCommandGroupID(groupSee)
	return root
}

// example indents lines of examples as cobra's help text does other lists.
func example(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }

// noSuchCommand refuses words that are no command.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := c.CommandPath() + " --help"
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return wrong(fmt.Sprintf("%q: no such command", args[0]), hint)
}

// exactly wants n arguments, named in what.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == n:
			return nil
		case n == 0:
			return wrong(fmt.Sprintf("%s: %q: takes no such argument", c.Name(), args[0]), c.CommandPath()+" --help")
		case len(args) > n:
			return wrong(fmt.Sprintf("%s: %q: one %s at a time", c.Name(), args[n], what), c.CommandPath()+" --help")
		}
		return wrong(fmt.Sprintf("%s: %s is missing", c.Name(), what), c.CommandPath()+" --help")
	}
}

// atMost wants one argument or none; instead says what else may be meant.
func atMost(what, instead string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < 2 {
			return nil
		}
		return wrong(fmt.Sprintf("%s: %q: one %s at a time", c.Name(), args[1], what), instead)
	}
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || about == nil || len(rest) > 0 {
				return noSuchCommand(c.Root(), args)
			}
			return about.Help()
		},
	}
}
