package web_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

func TestARelativeTimeBecomesAbsolute(t *testing.T) {
	for address, want := range map[string]string{
		"/search?port=22&since=-2h":                  "/search?port=22&since=2026-11-05T07%3A30%3A00Z",
		"/search?since=2026-11-05+02:11:03":          "/search?since=2026-11-05T01%3A11%3A03Z",
		"/search?since=02:11&tz=UTC&group_by=dst":    "/search?group_by=dst&since=2026-11-05T02%3A11%3A00Z&tz=UTC",
		"/?q=203.0.113.22&at=-15m&window=1h":         "/?at=2026-11-05T09%3A15%3A00Z&q=203.0.113.22&window=1h",
		"/search?since=2026-11-05T01:11:03Z&port=22": "",
	} {
		w := pageFakeTown().get(t, pageFakeRoot, address)
		if got := w.Header().Get("Location"); got != want || (want != "") != (w.Code == http.StatusSeeOther) {
			t.Errorf("%s leads to %q with %d, want %q", address, got, w.Code, want)
		}
	}
}

func TestWhatIsNotUnderstoodIsSaidBesideTheForm(t *testing.T) {
	for _, address := range []string{"/search?dst=nowhere", "/search?port=0", "/search?port=65536", "/search?uid=-1", "/search?account=../x", "/search?since=soon",
		"/search?limit=0", "/search?limit=1001", "/search?group_by=uid", "/search?cursor=other", "/search?since=2026-11-05T02:00:00Z&until=2026-11-05T01:00:00Z", "/?q=%2F%2F"} {
		w := pageFakeTown().get(t, pageFakeRoot, address)
		body := w.Body.String()
		if w.Code != http.StatusBadRequest || !strings.Contains(body, `role="alert"`) || !strings.Contains(body, "<form") {
			t.Errorf("%s answers %d", address, w.Code)
		}
	}
}

func TestASYNSentAgainIsOneRow(t *testing.T) {
	one := func(before time.Duration, sport uint16) outbound.Event {
		return pageFakeEvent(pageFakeAlice, before, sport, "203.0.113.22", 22)
	}
	other := pageFakeEvent(pageFakeBob, 62*time.Second, 51514, "203.0.113.22", 22)
	for name, c := range map[string]struct {
		events []outbound.Event
		want   []string
	}{
		"three packets within seconds":   {[]outbound.Event{one(60*time.Second, 1), one(61*time.Second, 1), one(63*time.Second, 1)}, []string{"×3"}},
		"another row between":            {[]outbound.Event{one(60*time.Second, 1), one(61*time.Second, 2), one(63*time.Second, 1)}, []string{"×2", ""}},
		"the port again minutes later":   {[]outbound.Event{one(60*time.Second, 1), one(600*time.Second, 1)}, []string{"", ""}},
		"another account, the same port": {[]outbound.Event{one(60*time.Second, 51514), other}, []string{"", ""}},
	} {
		for _, order := range []string{"", "?order=oldest"} {
			t.Run(name+order, func(t *testing.T) {
				h := pageFakeTown()
				h.reader = pageFakeStore(c.events...)
				body := h.get(t, pageFakeRoot, "/search"+order).Body.String()
				var got []string
				for _, row := range strings.Split(body, "<tr role=\"row\">\n")[1:] {
					got = append(got, regexp.MustCompile(`×\d+|$`).FindString(strings.Split(row, "</tr>")[0]))
				}
				slices.Sort(got)
				want := slices.Sorted(slices.Values(c.want))
				if !slices.Equal(got, want) {
					t.Errorf("rows are marked %q, want %q", got, want)
				}
				if lines := strings.Count(body, `<pre class="line"`); lines != len(c.events) {
					t.Errorf("%d lines are shown, want each of %d", lines, len(c.events))
				}
				if len(c.want) == 1 && !strings.Contains(body, `datetime="2026-11-05T09:28:57Z" title="2026-11-05 09:28:57 UTC">`) {
					t.Error("the row has not the time of the first packet")
				}
			})
		}
	}
}

// pageLink gives the address of the link with this text.
func pageLink(body, text string) string {
	m := regexp.MustCompile(`href="([^"]*)"[^>]*>` + regexp.QuoteMeta(text) + `</a>`).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// TestPagingMeetsEachRowOnce walks to the end and back again.
func TestPagingMeetsEachRowOnce(t *testing.T) {
	var events []outbound.Event
	for i := range 25 {
		events = append(events, pageFakeEvent(pageFakeAlice, time.Duration(i)*time.Minute, uint16(40000+i), "203.0.113.22", 22))
	}
	ports := regexp.MustCompile(`port (400\d\d)</a>`)
	for order, names := range map[string][2]string{"": {"older", "newer"}, "&order=oldest": {"newer", "older"}} {
		h := pageFakeTown()
		h.reader = pageFakeStore(events...)
		var on, back []string
		address := "/search?port=22&limit=10" + order
		for address != "" && len(on) < 100 {
			body := h.get(t, pageFakeRoot, address).Body.String()
			on = append(on, ports.FindAllString(body, -1)...)
			if next := pageLink(body, names[0]); next != "" {
				address = next
				continue
			}
			for address = pageLink(body, names[1]); address != "" && len(back) < 100; address = pageLink(body, names[1]) {
				body = h.get(t, pageFakeRoot, address).Body.String()
				back = append(back, ports.FindAllString(body, -1)...)
			}
			break
		}
		slices.Sort(on)
		if len(on) != 25 || len(slices.Compact(on)) != 25 {
			t.Errorf("order %q: %d rows on the way, want each of 25 once", order, len(on))
		}
		if len(back) != 20 {
			t.Errorf("order %q: %d rows on the way back, want 20", order, len(back))
		}
	}
}

func TestChipsDownloadsAndTheCommandCarryTheFilter(t *testing.T) {
	h := pageFakeTown()
	h.reader.events[0].Rule = "a' $(x)"
	body := h.get(t, pageFakeRoot, "/search?dst=203.0.113.9/24&port=22&rule=a'+$(x)&since=2026-11-05T00:00:00Z").Body.String()
	if got := pageLink(body, "CSV"); got != "/api/v1/events?dst=203.0.113.0%2F24&format=csv&limit=0&port=22&rule=a%27+%24%28x%29&since=2026-11-05T00%3A00%3A00Z" {
		t.Errorf("CSV leads to %s", got)
	}
	if got := pageLink(body, "JSON Lines"); !strings.Contains(got, "format=jsonl") {
		t.Errorf("JSON Lines leads to %s", got)
	}
	want := `outboundmonitor search --dst 203.0.113.0/24 --port 22 --since 2026-11-05T00:00:00Z --rule 'a'\'' $(x)'`
	if !strings.Contains(html.UnescapeString(body), `readonly value="`+want+`"`) {
		t.Errorf("the page does not hold the command %s", want)
	}
	chip := regexp.MustCompile(`<li><a href="([^"]*)" title="remove this filter"><bdi>([^<]*)`)
	var chips []string
	for _, m := range chip.FindAllStringSubmatch(body, -1) {
		u, _ := url.Parse(html.UnescapeString(m[1]))
		chips = append(chips, html.UnescapeString(m[2])+" without it "+strconv.Itoa(len(u.Query())))
	}
	if want := []string{"target 203.0.113.0/24 without it 3", "target port 22 without it 3", "since 2026-11-05 01:00:00 CET without it 3", "rule a' $(x) without it 3"}; !slices.Equal(chips, want) {
		t.Errorf("chips are %q, want %q", chips, want)
	}
}

func TestEachTimeIsInTheChosenZone(t *testing.T) {
	h := pageFakeTown()
	h.viewers = []string{"root", "reseller7"}
	tables := regexp.MustCompile(`(?s)<table.*?</table>`)
	times := regexp.MustCompile(`<time [^>]*>([^<]*) <span class="zone">([^<]*)</span>`)
	for address, zone := range map[string]string{"/": "CET", "/?tz=UTC": "UTC", "/search": "CET", "/search?tz=UTC": "UTC", "/search?tz=%2B05:30": "+05:30", "/search?group_by=hour": "CET", "/account?name=alice&tz=utc": "UTC"} {
		body := h.get(t, pageFakeOwner, address).Body.String()
		body = strings.ReplaceAll(body, "&#43;", "+")
		loose := tables.ReplaceAllStringFunc(body, func(table string) string {
			if heads := strings.Count(table, ", "+zone+"</th>"); heads == 0 {
				t.Errorf("%s: no heading of a table names %s", address, zone)
			}
			if strings.Contains(table, `<span class="zone">`) {
				t.Errorf("%s: the zone stands in the heading and in the cells", address)
			}
			return ""
		})
		all := times.FindAllStringSubmatch(loose, -1)
		if len(all) == 0 || len(all) != strings.Count(loose, "<time ") {
			t.Errorf("%s: %d of %d times outside of tables name a zone", address, len(all), strings.Count(loose, "<time "))
		}
		for _, m := range all {
			if m[2] != zone {
				t.Errorf("%s shows %s in %s", address, m[1], m[2])
			}
		}
		for _, m := range pageTargets.FindAllStringSubmatch(body, -1) {
			// The switch back to root is the one link that drops the viewer.
			if strings.HasPrefix(m[0], `href="/`) && !strings.Contains(m[1], "as=reseller7") && pageLink(body, "root") != html.UnescapeString(m[1]) {
				t.Errorf("%s: %s loses the demo's viewer", address, m[1])
			}
		}
	}
}

func TestTheChartAndItsTableHoldTheSameNumbers(t *testing.T) {
	body := pageFakeTown().get(t, pageFakeRoot, "/").Body.String()
	rows := regexp.MustCompile(`<td>(\d+)</td></tr>`).FindAllStringSubmatch(body, -1)
	total := 0
	for _, m := range rows {
		n, _ := strconv.Atoi(m[1])
		total += n
	}
	if columns := strings.Count(body, `class="hit"`); columns != 24 || len(rows) != 24 || total != 4 {
		t.Errorf("%d columns, %d rows, %d connections; want 24, 24 and 4", columns, len(rows), total)
	}
	if parts := regexp.MustCompile(`<rect class="s\w+" x=`).FindAllString(body, -1); len(parts) != 4 {
		t.Errorf("%d parts are drawn, want 4", len(parts))
	}
}
