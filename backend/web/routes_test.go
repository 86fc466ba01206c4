package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/web"
)

var (
	heading   = regexp.MustCompile(`(?m)^### (GET|POST) (/api/v1/[a-z]+)$`)
	statusRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([0-9]{3}) \\|$")
	hintList  = regexp.MustCompile(`known are ([a-z_, ]*)`)
)

func manual(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("API.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestManualHasEachRoute holds API.md against what is registered.
func TestManualHasEachRoute(t *testing.T) {
	var documented []string
	for _, m := range heading.FindAllStringSubmatch(manual(t), -1) {
		documented = append(documented, m[1]+" "+m[2])
	}
	registered := web.New(options(world())).Routes()
	slices.Sort(documented)
	if len(registered) < 9 || !slices.Equal(documented, registered) {
		t.Errorf("API.md has %v\nthe server %v", documented, registered)
	}
}

// TestManualHasEachParameter reads the parameters of a route from the hint of
// its answer to an unknown one, and looks for them below its heading.
func TestManualHasEachParameter(t *testing.T) {
	h := web.New(options(world())).Handler()
	for _, section := range strings.Split(manual(t), "\n### ")[1:] {
		title, text, _ := strings.Cut(section, "\n\n")
		method, path, _ := strings.Cut(title, " ")
		line, _, _ := strings.Cut(text, "\n")
		said := map[string]bool{}
		for _, quoted := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(line, -1) {
			for _, p := range strings.Fields(quoted[1]) {
				said[p] = true
			}
		}
		if strings.HasPrefix(line, "No parameters.") {
			said = map[string]bool{}
		}
		hint := hintList.FindStringSubmatch(ask(t, h, "root", method, path+"?no_such=1").body)
		known := strings.FieldsFunc(strings.Join(hint[min(1, len(hint)):], ""), func(r rune) bool { return r == ',' || r == ' ' })
		if got := slices.Sorted(maps.Keys(said)); !slices.Equal(got, known) {
			t.Errorf("%s: API.md has %v, the server knows %v", title, got, known)
		}
	}
}

// TestEachCodeHasAStatus proves the table total, and holds API.md against it.
func TestEachCodeHasAStatus(t *testing.T) {
	said := map[string]string{}
	for _, m := range statusRow.FindAllStringSubmatch(manual(t), -1) {
		said[m[1]] = m[2]
	}
	if len(said) != len(outbound.Codes) {
		t.Errorf("API.md has %d codes, there are %d", len(said), len(outbound.Codes))
	}
	seen := map[int]bool{}
	for _, code := range outbound.Codes {
		status := web.StatusOf(code)
		if status < 400 || (status == 500) != (code == outbound.Internal) || seen[status] || said[string(code)] != fmt.Sprint(status) {
			t.Errorf("%s has status %d, in API.md %q", code, status, said[string(code)])
		}
		seen[status] = true
	}
	if web.StatusOf("nonsense") != 500 {
		t.Error("a code that is none has a status")
	}
}

// failing is a Reader whose every answer is err, or a panic.
type failing struct {
	*model
	err error
}

func (f failing) Events(context.Context, outbound.Scope, outbound.Query) (outbound.Page, error) {
	if f.err == nil {
		panic("broken")
	}
	return outbound.Page{}, f.err
}

func TestFaultsTellNothing(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		detail string
	}{
		"a fault":              {errors.New("bbolt: page 4711 of /var/lib/outboundmonitor/x is free"), 500, "a fault of the program"},
		"a fault with a code":  {&outbound.Error{Code: outbound.Internal, Message: "secret"}, 500, "a fault of the program"},
		"a panic":              {nil, 500, "a fault of the program"},
		"what a person may do": {fmt.Errorf("x: %w", &outbound.Error{Code: outbound.Unavailable, Message: "the store is busy"}), 503, "the store is busy"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(world())
			o.Monitor = nil
			o.Importer = nil
			o.Reader = failing{world(), c.err}
			a := ask(t, web.New(o).Handler(), "root", "GET", "/api/v1/events")
			problemIn(t, a, c.status, c.detail)
			if strings.Contains(a.body, "4711") || strings.Contains(a.body, "secret") {
				t.Errorf("the answer tells: %s", a.body)
			}
			problemIn(t, ask(t, web.New(o).Handler(), "root", "GET", "/api/v1/status"), 503, "")
			problemIn(t, ask(t, web.New(o).Handler(), "root", "POST", "/api/v1/import"), 503, "")
		})
	}
}

// sign is a Mount that shows who asks.
type sign struct{ seen []string }

func (s *sign) Register(g *echo.Group) {
	g.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "a page") })
	g.GET("/broken", func(echo.Context) error { return errors.New("secret") })
}

func (s *sign) Fault(c echo.Context, status int, e *outbound.Error) error {
	s.seen = append(s.seen, e.Message)
	return c.String(status, "a page about: "+string(e.Code))
}

func TestPagesAreMountedBehindTheViewer(t *testing.T) {
	for name, c := range map[string]struct {
		viewer, path string
		status       int
		body         string
	}{
		"a page":                    {"root", "/", 200, "a page"},
		"a page for nobody":         {"", "/", 403, "a page about: not_permitted"},
		"a page that is not there":  {"root", "/nothing", 404, "a page about: not_found"},
		"a page that breaks":        {"root", "/broken", 500, "a page about: internal"},
		"the API keeps its errors":  {"root", "/api/v1/nothing", 404, `"code":"not_found"`},
		"the API keeps its answers": {"root", "/api/v1/top", 200, `"top":`},
	} {
		t.Run(name, func(t *testing.T) {
			o, pages := options(world()), &sign{}
			o.Pages = pages
			a := ask(t, web.New(o).Handler(), c.viewer, "GET", c.path)
			if a.status != c.status || !strings.Contains(a.body, c.body) || strings.Contains(strings.Join(pages.seen, ""), "secret") {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
}

// TestManualsFieldsAreThose looks for each field of each golden answer in
// API.md.
func TestManualsFieldsAreThose(t *testing.T) {
	text := manual(t)
	h := web.New(options(world())).Handler()
	for _, path := range []string{"events", "events?group_by=dst", "who?address=203.0.113.22&at=now", "top", "accounts", "account?name=bob", "summary", "live", "status"} {
		var doc any
		if err := json.Unmarshal([]byte(ask(t, h, "root", "GET", "/api/v1/"+path).body), &doc); err != nil {
			t.Fatal(err)
		}
		for _, field := range fieldsOf(doc) {
			if !strings.Contains(text, "`"+field+"`") && !strings.Contains(text, `"`+field+`"`) {
				t.Errorf("%s: %s is not in API.md", path, field)
			}
		}
	}
}

func fieldsOf(doc any) []string {
	var all []string
	switch v := doc.(type) {
	case map[string]any:
		for name, value := range v {
			if name != "rejected" {
				all = append(all, fieldsOf(value)...)
			}
			all = append(all, name)
		}
	case []any:
		for _, value := range v {
			all = append(all, fieldsOf(value)...)
		}
	}
	return all
}
