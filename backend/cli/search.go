package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/outbound"
)

// groupings says what events can be grouped by, and the heading of each.
var groupings = map[outbound.GroupBy]string{
	outbound.ByAccount: "ACCOUNT OR SYSTEM USER", outbound.ByDst: "TARGET", outbound.ByPort: "PORT", outbound.ByHour: "HOUR",
}

type searchFlags struct {
	filters
	since, until, limit, cursor, groupBy string
	jsonl, csv                           bool
}

func (a *app) search() *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use:   "search [FLAGS]",
		Short: "List connections, or count them by account, target, port or hour",
		Long: `List connections, the newest first, or count them by account, target, port or
hour. All flags narrow. In tables a connection whose SYN was sent again is one
row; --json, --jsonl and --csv give each packet.`,
		Example: example(
			"outboundmonitor search --account alice --port 22 --since -2d",
			"outboundmonitor search --dst 203.0.113.0/24 --group-by account",
			"outboundmonitor search --since -1h --jsonl --limit 0 > events.jsonl",
		),
		Args: exactly(0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (int, error) { return a.runSearch(ctx, f) }),
	}
	f.bind(c)
	c.Flags().StringVar(&f.since, "since", "", "not before `TIME`")
	c.Flags().StringVar(&f.until, "until", "", "before `TIME`")
	c.Flags().StringVar(&f.limit, "limit", "", "at most `N` connections or groups, 0 for all (default 100)")
	c.Flags().StringVar(&f.cursor, "cursor", "", "go on where an answer ended, at its `CURSOR`")
	c.Flags().StringVar(&f.groupBy, "group-by", "", "count by `WHAT`: account, dst, port or hour")
	c.Flags().BoolVar(&f.jsonl, "jsonl", false, "print one event a line, as JSON, as they come")
	c.Flags().BoolVar(&f.csv, "csv", false, "print comma-separated values, as they come")
	return c
}

func (a *app) runSearch(ctx context.Context, f searchFlags) (int, error) {
	t, err := a.typed()
	if err != nil {
		return 0, err
	}
	if f.into(t, a.json); t.err != nil {
		return 0, t.err
	}
	if f.jsonl || f.csv {
		return a.stream(ctx, f, t.query)
	}
	var doc outbound.SearchDoc
	if f.groupBy == "" && t.query.Get("limit") == "0" {
		n, coverage, err := a.allPages(ctx, t.query, t.zone)
		return foundOr(n, coverage), err
	}
	most := 0
	if f.groupBy != "" {
		most = a.oneMore(t.query, searchGroups)
	}
	err = a.answer(ctx, "/api/v1/events", t.query, &doc, func() error {
		a.printSearch(f, &doc, most, t.zone)
		return nil
	})
	return foundOr(len(doc.Events)+len(doc.Groups), doc.Coverage), err
}

// into adds what was typed to the request.
func (f *searchFlags) into(t *typed, asJSON bool) {
	f.filters.into(t)
	t.period(f.since, f.until)
	t.limit("limit", f.limit)
	t.text("cursor", f.cursor)
	if f.groupBy != "" && groupings[outbound.GroupBy(f.groupBy)] == "" {
		t.fault("--group-by", wrong(fmt.Sprintf("%q is none of the groups", f.groupBy), "account, dst, port or hour"))
	}
	t.text("group_by", f.groupBy)
	var forms []string
	for form, on := range map[string]bool{"--json": asJSON, "--jsonl": f.jsonl, "--csv": f.csv} {
		if on {
			forms = append(forms, form)
		}
	}
	slices.Sort(forms)
	if len(forms) > 1 {
		t.fault("search", wrong(strings.Join(forms, " and ")+": one form at a time", "--json is one document, --jsonl one event a line"))
	}
	if f.groupBy != "" && (f.jsonl || f.csv) {
		t.fault("--group-by", wrong("groups have no "+strings.Join(forms, "")+" form", "use --json"))
	}
}

// stream copies rows as they come, and says whether there were any.
func (a *app) stream(ctx context.Context, f searchFlags, q url.Values) (status int, err error) {
	s, err := a.ask()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	form, heading := "jsonl", 0
	if f.csv {
		form, heading = "csv", 1
	}
	q.Set("format", form)
	r, err := s.Stream(ctx, "/api/v1/events", q)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	lines := &lineCounter{r: r}
	switch {
	case f.jsonl:
		err = copyJSON(a.out, lines)
	case a.env.IsTerminal(a.env.Stdout):
		err = copyLines(a.out, lines)
	default:
		// A file gets each byte as it is.
		_, err = io.Copy(a.out, lines)
	}
	if err != nil {
		return 0, &outbound.Error{Code: outbound.Unavailable, Message: "the answer broke off; what was printed is a part", Err: err,
			Hint: "narrow the question: --since, --until, --limit"}
	}
	if lines.n > heading {
		return exitDone, nil
	}
	return a.emptyStream(ctx, s, q)
}

// emptyStream asks how complete recording was, which a stream of rows does not
// say, and tells the person on standard error.
func (a *app) emptyStream(ctx context.Context, s session, q url.Values) (int, error) {
	zone, err := a.zone()
	if err != nil {
		return 0, err
	}
	q.Del("format")
	q.Set("limit", "1")
	var doc outbound.SearchDoc
	if err := s.Get(ctx, "/api/v1/events", q, &doc); err != nil {
		return 0, err
	}
	_, err = io.WriteString(a.env.Stderr, visible("nothing found; "+coverageWords(doc.Coverage, zone))+"\n")
	return foundOr(len(doc.Events), doc.Coverage), err
}

// lineCounter counts the lines that pass.
type lineCounter struct {
	r io.Reader
	n int
}

func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.n += strings.Count(string(p[:n]), "\n")
	return n, err
}

func (a *app) printSearch(f searchFlags, doc *outbound.SearchDoc, most int, zone *time.Location) {
	switch {
	case len(doc.Groups) > 0:
		a.printCut(groupings[outbound.GroupBy(f.groupBy)], doc.Groups, most, zone)
	case len(doc.Events) > 0:
		a.printRows(doc.Events, zone)
	default:
		a.line("nothing found")
	}
	a.line("%s", coverageWords(doc.Coverage, zone))
	if len(doc.Events)+len(doc.Groups) == 0 {
		a.line("watched: %s", doc.Coverage.Watched.Words())
	}
	if doc.Next != nil {
		a.line("more: the same command with --cursor %s", outbound.ShellQuote(*doc.Next))
	}
}

// searchGroups is how many groups a search lists unless --limit is given.
const searchGroups = 100

// oneMore asks for one group more than is to be shown, by which a list that is
// cut is known, and gives how many are shown; 0 is all. A document for scripts
// holds what was asked for.
func (a *app) oneMore(q url.Values, otherwise int) int {
	most, err := strconv.Atoi(q.Get("limit"))
	if err != nil {
		most = otherwise
	}
	switch {
	case a.json || most == 0:
	case most == maxPage || q.Get("group_by") == string(outbound.ByHour):
		// Hours come oldest first, and the last ones are shown.
		q.Set("limit", "0")
	default:
		q.Set("limit", strconv.Itoa(most+1))
	}
	return most
}

// printCut prints at most so many groups, and says if there are more. Of hours
// it prints the last.
func (a *app) printCut(heading string, groups []outbound.GroupDoc, most int, zone *time.Location) {
	cut := most > 0 && len(groups) > most
	switch {
	case cut && heading == groupings[outbound.ByHour]:
		groups = groups[len(groups)-most:]
	case cut:
		groups = groups[:most]
	}
	a.printGroups(heading, groups, zone)
	if cut {
		a.line("%s shown; more with --limit 0", outbound.Thousands(most))
	}
}

// printGroups prints counts under the heading of what they are counted by.
func (a *app) printGroups(heading string, groups []outbound.GroupDoc, zone *time.Location) {
	var times []time.Time
	for _, g := range groups {
		times = append(times, g.First, g.Last)
	}
	c := newClock(zone, times)
	if heading == groupings[outbound.ByHour] {
		heading = c.heading(heading)
	}
	t := newTable(left(heading), right("CONNECTIONS"), left(c.heading("FIRST")), left("LAST"))
	for _, g := range groups {
		key := g.Key
		if hour, err := time.Parse(time.RFC3339, key); err == nil {
			key = c.cell(hour)
		}
		t.add(key, outbound.Thousands(g.Events), c.cell(g.First), c.cell(g.Last))
	}
	t.print(a.out)
}
