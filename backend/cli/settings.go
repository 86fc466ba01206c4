package cli

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/config"
)

// schemaConfig is the schema of the document that config show prints.
const schemaConfig = "outboundmonitor/config/1"

func (a *app) settings() *cobra.Command {
	c := &cobra.Command{
		Use:     "config",
		Short:   "Check or show the settings",
		Example: example("outboundmonitor config check", "outboundmonitor config show"),
		Args:    noSuchCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.configCheck(), a.configShow())
	return c
}

func (a *app) configCheck() *cobra.Command {
	return &cobra.Command{
		Use:         "check",
		Short:       "Say whether the settings can be used; exit status 2 if not",
		Example:     example("outboundmonitor config check"),
		Args:        exactly(0, ""),
		Annotations: noJSON(),
		RunE: a.run(func(context.Context, []string) (int, error) {
			root, _, err := a.setup()
			if err != nil {
				return 0, err
			}
			if _, err := root.Stat(a.configPath); errors.Is(err, fs.ErrNotExist) {
				a.line("%s is not there: the defaults hold", a.configPath)
				return exitDone, nil
			}
			a.line("%s can be used", a.configPath)
			return exitDone, nil
		}),
	}
}

func (a *app) configShow() *cobra.Command {
	var defaults bool
	c := &cobra.Command{
		Use:     "show",
		Short:   "Print the settings that hold, with what each does",
		Long:    "Print the settings that hold, each with what it does and its default. What is\nprinted can be used as the settings file.",
		Example: example("outboundmonitor config show", "outboundmonitor config show --default > /etc/outboundmonitor/config.toml"),
		Args:    exactly(0, ""),
		RunE: a.run(func(context.Context, []string) (int, error) {
			cfg := config.Default()
			if !defaults {
				var err error
				if _, cfg, err = a.setup(); err != nil {
					return 0, err
				}
			}
			if a.json {
				return exitDone, a.printDoc(struct {
					Schema string `json:"schema"`
					config.Config
				}{schemaConfig, cfg})
			}
			_, err := keepLines{a.out}.Write(cfg.TOML())
			return exitDone, err
		}),
	}
	c.Flags().BoolVar(&defaults, "default", false, "print the defaults, whatever the file says")
	return c
}
