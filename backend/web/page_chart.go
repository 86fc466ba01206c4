package web

import (
	"net/url"
	"strconv"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageGroups are the port groups of a chart, the lowest in a column first.
// The class names a colour of the style sheet.
var pageGroups = []struct{ Key, Label, Class string }{
	{"22", "SSH 22", "s22"}, {"21", "FTP 21", "s21"}, {"80", "HTTP 80", "s80"}, {"443", "HTTPS 443", "s443"}, {"other", "other ports", "sother"},
}

// pagePlot is the height of the plot in pixels. Widths are percentages, so
// the chart fits any screen without its words being scaled.
const pagePlot = 150.0

// pageChart is a stacked chart as SVG with attributes alone, and its table.
type pageChart struct {
	Zone    string
	Total   int
	Max     string
	Columns []pageColumn
	Lines   []pageLine
	Gaps    []pageRect
	Legend  []pageLegend
	Table   []pageHour
	From    *pageTime
	To      *pageTime
}

type pageColumn struct {
	Href, Title string
	X, Width    string
	Parts       []pageRect
	// Tick is the hour under the column, or "". Minor ticks go on a phone.
	Tick, TickX string
	Minor       bool
}

type pageRect struct{ Class, X, Y, Width, Height, Title string }

type pageLine struct{ Y, TextY, Label string }

type pageLegend struct{ Class, Label, Count string }

type pageHour struct {
	From   *pageTime
	Href   string
	Counts []string
	Total  string
}

// chart counts the last 24 hours by hour and port group. state narrows it.
func (q *pageRequest) chart(base outbound.Query, state url.Values) (*pageChart, error) {
	base.Since, base.Until = q.day()
	buckets, err := q.p.Reader.Histogram(q.ctx, q.viewer.Scope, base, time.Hour)
	if err != nil {
		return nil, err
	}
	cover, err := q.p.Reader.Coverage(q.ctx, q.viewer.Scope, base)
	if err != nil {
		return nil, err
	}
	hours := pageHours(buckets, base.Since, base.Until)
	c := &pageChart{From: q.time(base.Since), To: q.time(base.Until)}
	top := 0
	for _, h := range hours {
		top = max(top, h.total())
		c.Total += h.total()
	}
	top = pageNice(top)
	c.Max = outbound.Thousands(top)
	c.Lines = pageLines(top)
	for i, h := range hours {
		c.Columns = append(c.Columns, q.column(h, i, len(hours), top, state))
		c.Table = append(c.Table, q.hour(h, state))
	}
	c.Zone = q.oneZone(c.Table)
	c.Legend = pageLegends(hours)
	if !cover.Uncounted() {
		c.Gaps = pageHatches(cover.Gaps, base.Since, base.Until)
	}
	return c, nil
}

// oneZone names the zone of a chart's hours, for its heading.
func (q *pageRequest) oneZone(hours []pageHour) string {
	times := make([]*pageTime, len(hours))
	for i, h := range hours {
		times[i] = h.From
	}
	return q.headZone(times...)
}

// day is the last 24 hours, from a full hour of the viewer's zone on.
func (q *pageRequest) day() (since, until time.Time) {
	t := q.now.In(q.zone)
	hour := q.now.Add(-time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	return hour.Add(-23 * time.Hour), hour.Add(time.Hour)
}

// pageHours puts buckets into a row without holes; what lies outside is left.
func pageHours(buckets []outbound.Bucket, since, until time.Time) []pageBucket {
	all := make([]pageBucket, int(until.Sub(since)/time.Hour))
	for i := range all {
		all[i] = pageBucket{since.Add(time.Duration(i) * time.Hour), make([]int, len(pageGroups))}
	}
	for _, b := range buckets {
		i := int(b.From.Sub(since) / time.Hour)
		if b.From.Before(since) || i >= len(all) {
			continue
		}
		for j, g := range pageGroups {
			all[i].counts[j] += b.Ports[g.Key]
		}
	}
	return all
}

type pageBucket struct {
	from   time.Time
	counts []int
}

func (b pageBucket) total() int {
	n := 0
	for _, c := range b.counts {
		n += c
	}
	return n
}

// column stacks one hour. Y grows downwards.
func (q *pageRequest) column(b pageBucket, i, of, top int, state url.Values) pageColumn {
	width := 100 / float64(of)
	from := q.time(b.from)
	c := pageColumn{
		Href: q.hourLink(b.from, state), Title: from.String() + ": " + pageCount(b.total(), "connection", "connections"),
		X: pagePercent(float64(i) * width), Width: pagePercent(width), TickX: pagePercent((float64(i) + .5) * width),
	}
	y := pagePlot
	for j, n := range b.counts {
		if n == 0 {
			continue
		}
		h := pagePlot * float64(n) / float64(top)
		y -= h
		c.Title += ", " + pageGroups[j].Label + ": " + outbound.Thousands(n)
		c.Parts = append(c.Parts, pageRect{Class: pageGroups[j].Class, X: pagePercent((float64(i) + .1) * width), Width: pagePercent(width * .8),
			Y: pageFixed(y), Height: pageFixed(h)})
	}
	if local := b.from.In(q.zone); local.Hour()%3 == 0 {
		c.Tick, c.Minor = local.Format("15:04"), local.Hour()%6 != 0
	}
	return c
}

func (q *pageRequest) hour(b pageBucket, state url.Values) pageHour {
	h := pageHour{From: q.time(b.from), Href: q.hourLink(b.from, state), Total: outbound.Thousands(b.total())}
	for _, n := range b.counts {
		h.Counts = append(h.Counts, outbound.Thousands(n))
	}
	return h
}

func (q *pageRequest) hourLink(from time.Time, state url.Values) string {
	return q.links.to("/search", pageWith(state, "since", pageStamp(from), "until", pageStamp(from.Add(time.Hour))))
}

func pageLegends(hours []pageBucket) []pageLegend {
	var all []pageLegend
	for j, g := range pageGroups {
		n := 0
		for _, h := range hours {
			n += h.counts[j]
		}
		all = append(all, pageLegend{g.Class, g.Label, outbound.Thousands(n)})
	}
	return all
}

// pageHatches places gaps over the plot; one of a second is still seen.
func pageHatches(gaps []outbound.Gap, since, until time.Time) []pageRect {
	var all []pageRect
	whole := until.Sub(since).Seconds()
	for _, g := range gaps {
		from, to := max(0, g.From.Sub(since).Seconds()), min(whole, g.To.Sub(since).Seconds())
		if to <= from {
			continue
		}
		all = append(all, pageRect{X: pagePercent(100 * from / whole), Width: pagePercent(max(.4, 100*(to-from)/whole)),
			Title: "may be incomplete for " + pageSeconds(to-from) + ": " + g.Words()})
	}
	return all
}

// pageNice gives the round number that ends the axis: it halves evenly.
func pageNice(n int) int {
	for _, m := range []int{1, 2, 4, 6, 8} {
		if m >= n {
			return m
		}
	}
	for step := 1; ; step *= 10 {
		for _, m := range []int{10, 12, 16, 20, 24, 30, 40, 50, 60, 80} {
			if m*step >= n {
				return m * step
			}
		}
	}
}

func pageLines(top int) []pageLine {
	var all []pageLine
	for _, n := range []int{top, top / 2, 0} {
		if n > 0 && n < top && top%2 != 0 {
			continue
		}
		y := pagePlot * (1 - float64(n)/float64(top))
		all = append(all, pageLine{pageFixed(y), pageFixed(y + 4), outbound.Thousands(n)})
	}
	return all
}

func pagePercent(f float64) string { return pageFixed(f) + "%" }

func pageFixed(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }
