package cli

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// schemaVersion is the schema of version's document.
const schemaVersion = "outboundmonitor/version/1"

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: example("outboundmonitor version"),
		Args:    exactly(0, ""),
		RunE: a.run(func(context.Context, []string) (int, error) {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if a.json {
				return exitDone, a.printDoc(map[string]string{
					"schema": schemaVersion, "version": a.build.Version, "go": runtime.Version(), "platform": platform,
				})
			}
			a.line("outboundmonitor %s (%s, %s)", a.build.Version, runtime.Version(), platform)
			return exitDone, nil
		}),
	}
}

// shells lists those that a completion can be made for.
const shells = "bash, fish or zsh"

func completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|fish|zsh",
		Short: "Print what makes a shell complete commands and flags",
		Example: example("outboundmonitor completion bash > /etc/bash_completion.d/outboundmonitor",
			"outboundmonitor completion zsh > /usr/share/zsh/site-functions/_outboundmonitor"),
		ValidArgs: []string{"bash", "fish", "zsh"},
		Args:      exactly(1, "shell"),
		RunE: func(c *cobra.Command, args []string) error {
			out, root := c.OutOrStdout(), c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			}
			return wrong(fmt.Sprintf("completion: %q: not a shell that is known", args[0]), shells)
		},
	}
}
