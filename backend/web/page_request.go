package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageScript is the script's name under WHM, relative to itself.
const pageScript = "index.cgi"

// pageRequest is one look at a page.
type pageRequest struct {
	p      *Pages
	viewer Viewer
	// path is that of the page, "/" for one that is none; shown is the path as
	// it came.
	path, shown string
	// params are the page's own; the zone and the like have been taken out.
	params url.Values
	links  pageLinks
	zone   *time.Location
	now    time.Time
	ctx    context.Context
}

// request reads what all pages have in common. A zone that is none is an
// error; the request can be answered with it all the same.
func (p *Pages) request(r *http.Request, v Viewer) (*pageRequest, error) {
	q := &pageRequest{p: p, viewer: v, path: p.known(r.URL.Path), shown: r.URL.Path, params: r.URL.Query(), zone: p.Zone, now: p.Now(), ctx: r.Context()}
	q.links.keep = url.Values{}
	if v.Via == ViaCGI {
		q.links.base = pageScript
	}
	err := q.readZone()
	if d := p.DemoViewers; len(d) > 0 && string(v.Name) != d[0] {
		q.links.keep.Set("as", string(v.Name))
	}
	for _, k := range []string{"tz", "as", "p"} {
		q.params.Del(k)
	}
	return q, err
}

// readZone takes the zone that the viewer chose, if he did.
func (q *pageRequest) readZone() error {
	name := q.get("tz")
	if name == "" {
		return nil
	}
	if strings.EqualFold(name, "UTC") {
		name = "UTC"
	}
	zone, err := outbound.ParseZone(name)
	if err != nil {
		return err
	}
	q.zone = zone
	q.links.keep.Set("tz", name)
	return nil
}

// known gives a page's path, and "/" for a path that is none: the switches of
// a page of an error lead somewhere.
func (p *Pages) known(path string) string {
	if path == "/search" || path == "/account" {
		return path
	}
	return "/"
}

// get gives a parameter without the spaces that pasting brings along.
func (q *pageRequest) get(name string) string { return strings.TrimSpace(q.params.Get(name)) }

// reseller reports whether the viewer sees less than all.
func (q *pageRequest) reseller() bool { return !q.viewer.Scope.All() }

// users names what stands behind the connections that the viewer sees.
func (q *pageRequest) users() string {
	if q.reseller() {
		return "Account"
	}
	return "Account or system user"
}

// pageFrame is what stands around each page.
type pageFrame struct {
	Title   string
	Style   string
	Home    string
	Nav     []pageChoice
	Zones   []pageChoice
	Viewers []pageChoice
	Strip   pageStrip
	Body    any
}

// pageChoice is one link of a switch.
type pageChoice struct {
	Label, Href string
	Current     bool
}

func (q *pageRequest) frame(a pageAnswer) pageFrame {
	if q.viewer.Name == "" { // nobody that is known: no word of the program
		return pageFrame{Title: a.title, Style: q.style(), Home: q.links.to("/", nil), Body: a.body}
	}
	return pageFrame{
		Title: a.title,
		Style: q.style(), Home: q.links.to("/", nil),
		Nav: []pageChoice{
			{"Overview", q.links.to("/", nil), q.shown == "/"},
			{"Search", q.links.to("/search", nil), q.shown == "/search"},
		},
		Zones: q.zones(), Viewers: q.viewers(), Strip: q.strip(), Body: a.body,
	}
}

func (q *pageRequest) style() string {
	const name = "/assets/obm.css"
	return q.links.to(name, url.Values{"v": {q.p.assets[name].hash}})
}

// zones is the switch between the server's zone and UTC: none where they are
// the same.
func (q *pageRequest) zones() []pageChoice {
	server := q.p.Zone.String()
	if server == "UTC" {
		return nil
	}
	if server == "Local" {
		server = q.now.In(q.p.Zone).Format("MST")
	}
	links := q.links
	links.keep = pageWith(q.links.keep, "tz", "")
	chosen := q.links.keep.Get("tz")
	all := []pageChoice{
		{"Server time, " + server, links.to(q.path, q.params), chosen == ""},
		{"UTC", links.to(q.path, pageWith(q.params, "tz", "UTC")), chosen == "UTC"},
	}
	if chosen != "" && chosen != "UTC" {
		all = append(all, pageChoice{chosen, q.links.to(q.path, q.params), true})
	}
	return all
}

// viewers is the demo's switch. A page of one viewer may not exist for the
// next, so it leads to the overview.
func (q *pageRequest) viewers() []pageChoice {
	var all []pageChoice
	for i, name := range q.p.DemoViewers {
		links := q.links
		links.keep = pageWith(q.links.keep, "as", name)
		if i == 0 {
			links.keep = pageWith(q.links.keep, "as", "")
		}
		all = append(all, pageChoice{name, links.to("/", nil), name == string(q.viewer.Name)})
	}
	return all
}

// pageStrip is the line that says whether anything is recorded at all.
type pageStrip struct {
	// State is ok, off or unknown.
	State, Words string
	Why          string
	Since        *pageTime
	Newest       *pageTime
	Ago          string
	Coverage     pageCoverage
	Reading      bool
}

// strip asks the program for root. A reseller is told of his own events and
// of the coverage: the server's state and totals are not his.
func (q *pageRequest) strip() pageStrip {
	if q.reseller() {
		return q.stripOwn()
	}
	d, err := q.p.Monitor.Status(q.ctx)
	if err != nil {
		return pageStrip{State: "unknown", Words: "State unknown", Why: "the program did not say how it is"}
	}
	s := pageStrip{State: "ok", Words: "Recording", Since: q.timeOr(d.Started), Coverage: pageCovered(d.Coverage, ""), Reading: !d.CaughtUp}
	if !d.Recording {
		s.State, s.Words, s.Why, s.Since = "off", "Not recording", d.Why, nil
	}
	q.newest(&s, d.Last)
	return s
}

func (q *pageRequest) stripOwn() pageStrip {
	s := pageStrip{State: "own", Words: string(q.viewer.Name) + ": your accounts only"}
	if x, err := q.p.Reader.Extent(q.ctx, q.viewer.Scope); err == nil {
		q.newest(&s, x.Last)
	}
	c, err := q.p.Reader.Coverage(q.ctx, q.viewer.Scope, outbound.Query{Since: q.now.Add(-24 * time.Hour), Until: q.now})
	if err == nil {
		s.Coverage = pageCovered(c, "")
	}
	return s
}

func (q *pageRequest) newest(s *pageStrip, last *time.Time) {
	if last == nil {
		return
	}
	s.Newest, s.Ago = q.time(*last), pageSpan(q.now.Sub(*last))
}

// lives gives the account instances of a name that the viewer can see.
func (q *pageRequest) lives(name outbound.Username) []outbound.AccountLife {
	if !name.Valid() {
		return nil
	}
	return accountLives(q.p.Directory, q.viewer.Scope, name)
}

// systemUser reports whether the viewer can see connections of a system user
// of this name.
func (q *pageRequest) systemUser(name outbound.Username) (bool, error) {
	if !name.Valid() {
		return false, nil
	}
	groups, err := q.p.Reader.Groups(q.ctx, q.viewer.Scope, outbound.Query{Account: name}, outbound.ByAccount, 1)
	return len(groups) > 0 && groups[0].Who != nil && groups[0].Who.Kind == outbound.SystemUser, err
}
