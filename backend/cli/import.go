package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"outboundmonitor/backend/outbound"
)

func (a *app) importLogs() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE...",
		Short: "Index existing logs, plain or .gz, in any order",
		Long: `Index existing logs, plain or .gz, in any order. Reading a log again adds
nothing: what is already known is counted and left alone. Exit status 1 means
that a file held nothing of ours.`,
		Example: example("outboundmonitor import /var/log/messages /var/log/messages-*.gz"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrong("import: no file is named", "outboundmonitor import /var/log/messages")
			}
			return nil
		},
		RunE: a.run(a.runImport),
	}
}

// imported is what became of one file.
type imported struct {
	File  string          `json:"file"`
	Lines outbound.Counts `json:"lines"`
	First *time.Time      `json:"first"`
	Last  *time.Time      `json:"last"`
	Error string          `json:"error,omitempty"`
}

// importDoc is an import of several files: their sum, and each.
type importDoc struct {
	outbound.ImportDoc
	Files []imported `json:"files"`
}

func (a *app) runImport(ctx context.Context, files []string) (status int, err error) {
	zone, err := a.zone()
	if err != nil {
		return 0, err
	}
	s, err := a.ask()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	all := importDoc{ImportDoc: outbound.ImportDoc{Schema: outbound.SchemaImport}}
	failed := exitDone
	for _, file := range files {
		doc, err := a.importFile(ctx, s, file)
		one := imported{File: file, Lines: doc.Lines, First: doc.First, Last: doc.Last}
		if err != nil {
			e := explain(err)
			one.Error = e.Error()
			failed = max(failed, statusOf(e.Code))
			a.complain(e)
		} else {
			a.tellFile(file, doc, zone)
		}
		all.add(one)
		if err := errors.Join(ctx.Err(), a.out.Flush()); err != nil {
			return 0, err
		}
	}
	if len(files) > 1 && !a.json {
		a.line("%s: %s", outbound.Counted(len(files), "file"), countWords(all.Lines))
	}
	if a.json {
		err = a.printDoc(all)
	}
	return all.status(failed), err
}

// status is that of the worst that happened: a file that failed, then a file
// with nothing of ours.
func (d *importDoc) status(failed int) int {
	if failed != exitDone {
		return failed
	}
	for _, f := range d.Files {
		if f.Lines.Stored+f.Lines.Known+f.Lines.Expired == 0 {
			return exitNone
		}
	}
	return exitDone
}

func (d *importDoc) add(one imported) {
	d.Files = append(d.Files, one)
	d.Lines.Read += one.Lines.Read
	d.Lines.Stored += one.Lines.Stored
	d.Lines.Known += one.Lines.Known
	d.Lines.Expired += one.Lines.Expired
	for kind, n := range one.Lines.Rejected {
		if d.Lines.Rejected == nil {
			d.Lines.Rejected = map[string]int{}
		}
		d.Lines.Rejected[kind] += n
	}
	if one.First != nil && (d.First == nil || one.First.Before(*d.First)) {
		d.First = one.First
	}
	if one.Last != nil && (d.Last == nil || one.Last.After(*d.Last)) {
		d.Last = one.Last
	}
}

// importFile opens a file and streams it to the store.
func (a *app) importFile(ctx context.Context, s session, file string) (outbound.ImportDoc, error) {
	var doc outbound.ImportDoc
	log, err := a.build.OpenLog(file)
	if err != nil {
		return doc, unopened(file, err)
	}
	defer log.Close()
	root, err := a.host()
	if err != nil {
		return doc, err
	}
	// Stamps are in the host's zone, whatever zone a person reads.
	zone, err := root.Zone()
	if err != nil {
		return doc, err
	}
	year, err := log.FirstYear(zone)
	if err != nil {
		return doc, unopened(file, err)
	}
	q := url.Values{"name": {log.Name()}}
	if year > 0 {
		q.Set("first_year", strconv.Itoa(year))
	}
	body := a.progress(file, log)
	err = s.Post(ctx, "/api/v1/import", q, body, &doc)
	body.done()
	if body.err != nil {
		// What the daemon says of it is a consequence.
		return doc, unopened(file, body.err)
	}
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		named := *e
		named.Message = file + ": " + e.Message
		return doc, &named
	}
	return doc, err
}

// unopened is the error of a file that cannot be read to its end.
func unopened(file string, err error) error {
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		named := *e
		named.Message = file + ": " + e.Message
		return &named
	}
	code, hint := outbound.Invalid, "import reads logs, plain or .gz, as syslog writes them"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wrong(file+": no such file", "logs mostly lie in /var/log")
	case errors.Is(err, fs.ErrPermission):
		code, hint = outbound.NotPermitted, "run the command as root"
	}
	why := strings.TrimPrefix(err.Error(), file+": ")
	return &outbound.Error{Code: code, Message: file + " cannot be read: " + why, Hint: hint}
}

// tellFile says what came in from one file.
func (a *app) tellFile(file string, doc outbound.ImportDoc, zone *time.Location) {
	if a.json {
		return
	}
	if doc.Lines.Read == 0 {
		a.line("%s: nothing of ours: no line has %q", file, outbound.LogPrefix)
		return
	}
	when := ""
	if doc.First != nil && doc.Last != nil {
		when = "; " + between(*doc.First, *doc.Last, zone)
	}
	a.line("%s: %s%s", file, countWords(doc.Lines), when)
}

// countWords gives "41,203 stored, 12 already known, 3 rejected (2 damaged, 1
// too short)".
func countWords(c outbound.Counts) string {
	words := []string{outbound.Thousands(c.Stored) + " stored", outbound.Thousands(c.Known) + " already known"}
	if c.Expired > 0 {
		words = append(words, outbound.Thousands(c.Expired)+" older than what is kept")
	}
	rejected := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(c.Rejected)) {
		rejected += c.Rejected[kind]
		kinds = append(kinds, outbound.Thousands(c.Rejected[kind])+" "+strings.ReplaceAll(kind, "_", " "))
	}
	if rejected > 0 {
		words = append(words, fmt.Sprintf("%s rejected (%s)", outbound.Thousands(rejected), strings.Join(kinds, ", ")))
	}
	return strings.Join(words, ", ")
}

// meter passes a log on and keeps its error: to the one who reads the request,
// a fault of the file looks like one of the connection.
type meter struct {
	r     io.Reader
	err   error
	tell  func(read int64, ended bool)
	bytes int64
}

// progress gives a meter that tells a person at a terminal how far it is.
func (a *app) progress(file string, r io.Reader) *meter {
	m := &meter{r: r, tell: func(int64, bool) {}}
	if !a.env.IsTerminal(a.env.Stderr) {
		return m
	}
	last := a.env.Now()
	m.tell = func(n int64, ended bool) {
		const clearLine = "\r\x1b[K"
		now := a.env.Now()
		if ended {
			_, _ = io.WriteString(a.env.Stderr, clearLine)
		} else if now.Sub(last) >= time.Second/4 {
			last = now
			_, _ = io.WriteString(a.env.Stderr, clearLine+visible(file+": "+size(n)+" read"))
		}
	}
	return m
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.bytes += int64(n)
	if err != nil && err != io.EOF {
		m.err = err
	}
	m.tell(m.bytes, false)
	return n, err
}

func (m *meter) done() { m.tell(m.bytes, true) }
