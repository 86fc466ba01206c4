package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
)

// pagePolicy lets a page load our own style sheet, images and modules, and
// nothing else: no inline code runs even if a template were to let one through.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'self'"

// PagesOptions are what the pages need of the house.
type PagesOptions struct {
	// Files holds templates/ and assets/.
	Files     fs.FS
	Reader    Reader
	Directory Directory
	Monitor   Monitor
	// Zone is the server's; nil is UTC.
	Zone *time.Location
	// Now is the clock; nil is the real one.
	Now func() time.Time
	// Who answers who connected to target (an address, a CIDR or a host name)
	// around at, give or take window. at and window may be empty; at is RFC
	// 3339 otherwise. Without Who the question box leads to the search.
	Who func(ctx context.Context, s outbound.Scope, target, at, window string, zone *time.Location) (outbound.WhoDoc, error)
	// DemoViewers are the viewers that the demo's switch offers, the first
	// being the one shown without a choice. It is empty on a server. The choice
	// travels as the parameter "as", which the demo turns into a viewer.
	DemoViewers []string
}

// Pages draws the pages as HTML that works without scripts.
type Pages struct {
	PagesOptions
	templates map[string]*template.Template
	assets    map[string]pageAsset
}

// PageRoute is one address and what answers there.
type PageRoute struct {
	Method, Path string
	Handler      func(w http.ResponseWriter, r *http.Request, v Viewer)
}

// NewPages parses the templates and reads the assets: a fault in either shows
// when the program starts and not when somebody is in a hurry.
func NewPages(o PagesOptions) (*Pages, error) {
	if o.Files == nil || o.Reader == nil || o.Directory == nil || o.Monitor == nil {
		return nil, errors.New("web: pages need Files, Reader, Directory and Monitor")
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Pages{PagesOptions: o}
	var err error
	if p.templates, err = pageTemplates(o.Files); err != nil {
		return nil, err
	}
	p.assets, err = pageAssets(o.Files)
	return p, err
}

// pageTemplates parses each page together with the frame and the parts.
func pageTemplates(files fs.FS) (map[string]*template.Template, error) {
	frame, err := template.New("frame").Funcs(template.FuncMap{"see": pageVisible, "capital": pageCapital, "sentence": pageSentence}).
		ParseFS(files, "templates/frame.html", "templates/parts.html", "templates/rows.html")
	if err != nil {
		return nil, err
	}
	all := map[string]*template.Template{}
	for _, name := range []string{"overview", "search", "account", "message"} {
		t, err := frame.Clone()
		if err != nil {
			return nil, err
		}
		if all[name], err = t.ParseFS(files, "templates/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Routes lists every address that the pages answer, each asset by its name.
func (p *Pages) Routes() []PageRoute {
	routes := []PageRoute{
		{http.MethodGet, "/", p.page((*pageRequest).overview)},
		{http.MethodGet, "/search", p.page((*pageRequest).search)},
		{http.MethodGet, "/account", p.page((*pageRequest).account)},
	}
	var names []string
	for name := range p.assets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		routes = append(routes, PageRoute{http.MethodGet, name, p.asset})
	}
	return routes
}

// pageAnswer is what a page's function decides: a template with its data and
// a status, or another address.
type pageAnswer struct {
	template string
	title    string
	status   int
	body     any
	redirect string
}

// page makes a handler of a page's function. An error becomes a page of its
// own in the same frame.
func (p *Pages) page(f func(*pageRequest) (pageAnswer, error)) func(http.ResponseWriter, *http.Request, Viewer) {
	return func(w http.ResponseWriter, r *http.Request, v Viewer) {
		q, err := p.request(r, v)
		var a pageAnswer
		if err == nil {
			a, err = f(q)
		}
		if err != nil {
			a = pageFault(q, err)
		}
		p.answer(w, q, a)
	}
}

// answer sends a page, or another address.
func (p *Pages) answer(w http.ResponseWriter, q *pageRequest, a pageAnswer) {
	pageHeaders(w.Header())
	if a.redirect != "" {
		w.Header().Set("Location", a.redirect)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	p.render(w, q, a)
}

// render writes a page at once or not at all. What the browser would hide or
// reorder is made visible in the whole of it, so that no field is forgotten.
func (p *Pages) render(w http.ResponseWriter, q *pageRequest, a pageAnswer) {
	var b bytes.Buffer
	if err := p.templates[a.template].ExecuteTemplate(&b, "frame", q.frame(a)); err != nil {
		http.Error(w, "this page could not be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write(pageSweep(b.Bytes()))
}

func pageHeaders(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// pageMessage is a page that says one thing and what to do next.
type pageMessage struct {
	Heading, Text, Hint string
	Back                string
}

// pageFault turns an error into a page. A cause is for the log, not for a
// viewer who may be a reseller: the message and the hint are shown, no more.
func pageFault(q *pageRequest, err error) pageAnswer {
	m := pageMessage{Heading: "This did not work", Text: "The program met a fault while it answered.",
		Hint: "Try again; if it stays, the daemon's own messages say more.", Back: q.links.to("/", nil)}
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		status = StatusOf(e.Code)
		m.Heading, m.Text, m.Hint = pageHeading(e.Code), e.Message, e.Hint
	}
	return pageAnswer{template: "message", title: m.Heading, status: status, body: m}
}

func pageHeading(c outbound.Code) string {
	switch c {
	case outbound.Invalid:
		return "Not understood"
	case outbound.NotFound:
		return "Not found"
	case outbound.NotPermitted:
		return "Not permitted"
	case outbound.Unavailable:
		return "Out of reach"
	}
	return "This did not work"
}
