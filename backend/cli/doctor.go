package cli

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/outbound"
)

// State is how a check ended.
type State string

// The states, from good to bad.
const (
	CheckOK   State = "ok"
	CheckWarn State = "warn"
	CheckFail State = "fail"
)

// Check is one assumption about the host, checked.
type Check struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Words say what was found.
	Words string `json:"words"`
	// Hint is a command or a sentence that mends it; "" if all is well.
	Hint string `json:"hint,omitempty"`
}

// schemaDoctor is the schema of doctor's document.
const schemaDoctor = "outboundmonitor/doctor/1"

func (a *app) doctor() *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "Check each assumption about this host, with a hint for what fails",
		Long:    "Check each assumption about this host, with a hint for what fails. Exit status: 0\nhealthy, 1 warnings, 2 failures.",
		Example: example("outboundmonitor doctor"),
		Args:    exactly(0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) {
			checks, err := a.checks(ctx)
			if err != nil {
				return 0, err
			}
			if a.json {
				return worst(checks), a.printDoc(struct {
					Schema string  `json:"schema"`
					Checks []Check `json:"checks"`
				}{schemaDoctor, checks})
			}
			a.printChecks(checks)
			return worst(checks), nil
		}),
	}
}

// checks begins with the settings: with wrong ones the others are made with
// the defaults.
func (a *app) checks(ctx context.Context) ([]Check, error) {
	root, err := a.host()
	if err != nil {
		return nil, err
	}
	first := Check{Name: "settings", State: CheckOK, Words: a.configPath + " can be used"}
	cfg, err := a.load(root)
	if _, none := root.Stat(a.configPath); errors.Is(none, fs.ErrNotExist) && err == nil {
		first.Words = a.configPath + " is not there: the defaults hold"
	}
	if err != nil {
		cfg = config.Default()
		first = Check{Name: "settings", State: CheckFail, Words: err.Error()}
		if e, ok := errors.AsType[*outbound.Error](err); ok {
			first.Hint = e.Hint
		}
	}
	return append([]Check{first}, a.build.Doctor(ctx, root, cfg)...), nil
}

func (a *app) printChecks(checks []Check) {
	colours := map[State]string{CheckOK: good, CheckWarn: careful, CheckFail: bad}
	width := 0
	for _, c := range checks {
		width = max(width, len([]rune(visible(c.Name))))
	}
	n := map[State]int{}
	for _, c := range checks {
		n[c.State]++
		name := visible(c.Name)
		pad := strings.Repeat(" ", len(CheckWarn)-min(len(CheckWarn), len(c.State)))
		a.headline(colours[c.State], string(c.State), "%s%s%s  %s", pad, name, strings.Repeat(" ", width-len([]rune(name))), c.Words)
		if c.Hint != "" {
			a.line("      hint: %s", c.Hint)
		}
	}
	a.line("%d ok, %s, %s", n[CheckOK], outbound.Counted(n[CheckWarn], "warning"), outbound.Counted(n[CheckFail], "failure"))
}

// worst gives the exit status: 0 healthy, 1 warnings, 2 failures.
func worst(checks []Check) int {
	status := 0
	for _, c := range checks {
		switch c.State {
		case CheckOK:
		case CheckWarn:
			status = max(status, 1)
		default:
			status = 2
		}
	}
	return status
}
