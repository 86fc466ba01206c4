package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/outbound"
)

// Exit statuses of Nagios plugins.
//
// Source: Nagios Plugins Development Guidelines, plugin return codes.
const (
	nagiosOK       = 0
	nagiosWarning  = 1
	nagiosCritical = 2
	nagiosUnknown  = 3
)

func (a *app) showStatus() *cobra.Command {
	var nagios bool
	c := &cobra.Command{
		Use:     "status",
		Short:   "Show on one screen whether all is recorded",
		Long:    "Show on one screen whether connections are recorded, since when, how completely,\nand what is kept.",
		Example: example("outboundmonitor status", "outboundmonitor status --nagios"),
		Args:    exactly(0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) {
			if nagios {
				return a.runNagios(ctx)
			}
			return a.runStatus(ctx)
		}),
	}
	c.Flags().BoolVar(&nagios, "nagios", false, "print one line; exit status 0 ok, 1 warning, 2 critical, 3 unknown")
	return c
}

func (a *app) runStatus(ctx context.Context) (int, error) {
	zone, err := a.zone()
	if err != nil {
		return 0, err
	}
	var doc outbound.StatusDoc
	err = a.answer(ctx, "/api/v1/status", nil, &doc, func() error {
		a.printStatus(&doc, zone)
		return nil
	})
	return exitDone, err
}

func (a *app) printStatus(d *outbound.StatusDoc, zone *time.Location) {
	switch {
	case d.Recording && !d.CaughtUp:
		a.headline(careful, "CATCHING UP", "what was written before is still being read")
	case d.Recording:
		a.headline(good, "RECORDING", "from %s", d.Log)
	default:
		a.headline(bad, "NOT RECORDING", "%s", why(d))
	}
	a.line("  daemon     %s", daemonWords(d, zone))
	if d.Version != "" && d.Version != a.build.Version {
		a.line("  version    daemon %s, this command %s: start the daemon anew", d.Version, a.build.Version)
	} else {
		a.line("  version    %s", a.build.Version)
	}
	if d.Log != "" {
		a.line("  log        %s", d.Log)
	}
	if d.Daemon {
		a.line("  rate       %.1f connections a minute, over the last five minutes", d.Rate)
	}
	a.line("  stored     %s", a.storedWords(d, zone))
	a.line("  coverage   %s", coverageWords(d.Coverage, zone))
	a.line("  watched    %s", d.Coverage.Watched.Words())
	if d.Daemon {
		a.line("  lines      %s read: %s", outbound.Thousands(d.Lines.Read), countWords(d.Lines))
	}
	a.line("  disk       %s", diskWords(d.Disk))
	if n := len(d.Disk.SetAside); n > 0 {
		a.line("  damaged    %s set aside, what was in it is missing: %s", outbound.Counted(n, "day file"), strings.Join(d.Disk.SetAside, ", "))
		a.line("             import the logs of these days again: outboundmonitor import FILE...")
	}
}

// diskWords says what is used and free, and the limits of both.
func diskWords(d outbound.DiskDoc) string {
	most, least := "", ""
	if d.Max > 0 {
		most = " of at most " + size(d.Max)
	}
	if d.MinFree > 0 {
		least = " (" + size(d.MinFree) + " must stay free)"
	}
	return fmt.Sprintf("%s used%s for %s (%s are kept), %s free%s", size(d.Used), most, outbound.Counted(d.Days, "day"), outbound.Counted(d.RetentionDays, "day"), size(d.Free), least)
}

func why(d *outbound.StatusDoc) string {
	switch {
	case !d.Daemon:
		return "no daemon runs: " + outbound.StartHint
	case d.Why != "":
		return d.Why
	}
	return "the daemon does not say why"
}

func daemonWords(d *outbound.StatusDoc, zone *time.Location) string {
	switch {
	case !d.Daemon:
		return "not running; this is read from the store itself"
	case d.Started == nil:
		return "running"
	}
	return "running since " + stamp(*d.Started, zone)
}

func (a *app) storedWords(d *outbound.StatusDoc, zone *time.Location) string {
	if d.First == nil || d.Last == nil {
		return "no connection yet"
	}
	ago := ""
	if old := a.env.Now().Sub(*d.Last); old >= 0 {
		ago = "; the newest " + outbound.Length(old.Seconds()) + " old"
	}
	return outbound.Counted(d.Events, "connection") + ", " + between(*d.First, *d.Last, zone) + ago
}

// runNagios prints one line whatever happens: a plugin has no standard error.
func (a *app) runNagios(ctx context.Context) (int, error) {
	if a.json {
		return 0, wrong("--nagios and --json: one form at a time", "leave one out")
	}
	var doc outbound.StatusDoc
	zone, err := a.zone()
	if err == nil {
		err = a.nagiosAsk(ctx, &doc)
	}
	if err != nil {
		a.line("OUTBOUNDMONITOR UNKNOWN - %s", strings.ReplaceAll(explain(err).Error(), "|", "/"))
		return nagiosUnknown, nil
	}
	status, word, words := nagiosState(&doc, zone)
	// A bar would begin the performance data.
	a.line("OUTBOUNDMONITOR %s - %s | events=%dc rate=%.1f covered=%.4f;%g:;;0;1 disk=%dB", word, strings.ReplaceAll(words, "|", "/"),
		doc.Events, doc.Rate, doc.Coverage.Covered, outbound.Enough, doc.Disk.Used)
	return status, nil
}

func (a *app) nagiosAsk(ctx context.Context, doc *outbound.StatusDoc) (err error) {
	s, err := a.ask()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.Get(ctx, "/api/v1/status", nil, doc)
}

func nagiosState(d *outbound.StatusDoc, zone *time.Location) (status int, word, words string) {
	switch {
	case !d.Recording || !d.Daemon:
		return nagiosCritical, "CRITICAL", "not recording: " + why(d)
	case !d.CaughtUp:
		return nagiosWarning, "WARNING", "still reading what was written before"
	case !d.Coverage.Complete && !d.Coverage.Uncounted() && d.Coverage.Covered < outbound.Enough:
		return nagiosWarning, "WARNING", coverageWords(d.Coverage, zone)
	}
	return nagiosOK, "OK", fmt.Sprintf("recording %.1f connections a minute; %s", d.Rate, coverageWords(d.Coverage, zone))
}
