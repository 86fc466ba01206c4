package cli_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

// empty is a store without an event, all of whose time was recorded.
type empty struct{}

func (empty) Events(context.Context, outbound.Scope, outbound.Query) (outbound.Page, error) {
	return outbound.Page{}, nil
}
func (empty) Walk(context.Context, outbound.Scope, outbound.Query, func(*outbound.Event) error) error {
	return nil
}
func (empty) Groups(context.Context, outbound.Scope, outbound.Query, outbound.GroupBy, int) ([]outbound.Group, error) {
	return nil, nil
}
func (empty) Histogram(context.Context, outbound.Scope, outbound.Query, time.Duration) ([]outbound.Bucket, error) {
	return nil, nil
}
func (empty) After(context.Context, outbound.Scope, outbound.Query, string) (outbound.Page, error) {
	return outbound.Page{Next: "1"}, nil
}
func (empty) Extent(context.Context, outbound.Scope) (outbound.Extent, error) {
	return outbound.Extent{}, nil
}
func (empty) Coverage(context.Context, outbound.Scope, outbound.Query) (outbound.Coverage, error) {
	return outbound.Coverage{Complete: true, Covered: 1}, nil
}
func (empty) Scope(outbound.Username) (outbound.Scope, error) { return outbound.Everything(), nil }
func (empty) Lives(outbound.Username) []outbound.Life         { return nil }
func (empty) About(outbound.Username) string                  { return "" }
func (empty) Import(_ context.Context, r io.Reader, _ outbound.ImportSpec) (outbound.ImportDoc, error) {
	_, err := io.Copy(io.Discard, r)
	return outbound.ImportDoc{Schema: outbound.SchemaImport}, err
}
func (empty) Status(context.Context) (outbound.StatusDoc, error) {
	return outbound.StatusDoc{Schema: outbound.SchemaStatus}, nil
}

func server() http.Handler {
	return web.New(web.Options{
		Reader: empty{}, Directory: empty{}, Importer: empty{}, Monitor: empty{}, Now: func() time.Time { return now },
		Who: func(_ context.Context, _ outbound.Scope, q outbound.Question) (outbound.WhoDoc, error) {
			return outbound.WhoDoc{Schema: outbound.SchemaWho, Verdict: outbound.None, Coverage: outbound.Coverage{Complete: true, Covered: 1},
				Accounts: []outbound.WhoAccount{}, Events: []outbound.EventDoc{}}, nil
		},
	}).Handler()
}

// TestTheAPIUnderstandsEachFlag sends each flag of each command to the real
// routes, which refuse a parameter that they do not know. With nothing stored
// and everything recorded each answer is none.
func TestTheAPIUnderstandsEachFlag(t *testing.T) {
	for _, c := range []struct {
		words string
		want  int
	}{
		{"who 203.0.113.22", 1},
		{"who 203.0.113.22 --at -2d --window 1d --src 192.0.2.10 --sport 51514 --port 22 --limit 10000", 1},
		{"who 2001:db8::/32 --at now --limit 1", 1},
		{"who --sport 51514", 1},
		{"--tz Europe/Berlin who 203.0.113.22 --at 02:11", 1},
		{"--json who 203.0.113.22", 1},
		{"search", 1},
		{"search --dst 203.0.113.0/24 --src 192.0.2.10 --account alice --uid 0 --port 22 --sport 1 --rule 80:443 --since -2d --until now --limit 5", 1},
		{"search --limit 0", 1},
		{"search --json --limit 0", 1},
		{"search --jsonl --limit 0", 1},
		{"search --csv --since -1h", 1},
		{"search --group-by account", 1},
		{"search --group-by dst --limit 0", 1},
		{"search --group-by port --json", 1},
		{"search --group-by hour", 1},
		{"top", 1},
		{"top targets --since -1d", 1},
		{"account zoe", 1},
		{"summary", 1},
		{"summary --day yesterday", 1},
		{"--tz Europe/Berlin summary --day 2026-11-05", 1},
		{"status", 0},
		{"status --nagios", 2},
		{"import script_test.go", 1},
	} {
		status, out, complaints := run(t, false, server(), strings.Fields(c.words)...)
		if status != c.want || strings.Contains(complaints, "not known") {
			t.Errorf("%s: status %d, want %d\n%s%s", c.words, status, c.want, out, complaints)
		}
	}
}

// TestTheTestCanFail asks for what the API does not know.
func TestTheTestCanFail(t *testing.T) {
	b := build()
	b.Local = func(hostfs.Root, config.Config) (http.RoundTripper, io.Closer, error) {
		return inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.RawQuery += "&colour=red"
			server().ServeHTTP(w, r)
		})}, io.NopCloser(nil), nil
	}
	status, _, complaints := runBuild(t, context.Background(), false, b, "search")
	if status != 2 || !strings.Contains(complaints, "not known") {
		t.Errorf("status %d: %s", status, complaints)
	}
}
