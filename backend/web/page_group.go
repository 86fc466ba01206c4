package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// pageKey is a group's key as it is shown, and the rows behind it.
type pageKey struct{ Label, Sub, Href string }

// key names a group and leads to its rows within state.
func (q *pageRequest) key(g outbound.Group, by outbound.GroupBy, state url.Values) pageKey {
	k := pageKey{Label: g.Key}
	switch by {
	case outbound.ByAccount:
		return q.keyAccount(g, state)
	case outbound.ByDst:
		k.Href = q.links.to("/search", pageWith(state, "dst", g.Key))
	case outbound.ByPort:
		k.Label, k.Sub = pagePort(g.Key)
		k.Href = q.links.to("/search", pageWith(state, "port", g.Key))
	case outbound.ByHour:
		if t, err := time.Parse(time.RFC3339, g.Key); err == nil {
			k.Label, k.Href = q.time(t).String(), q.hourLink(t, state)
		}
	}
	return k
}

func (q *pageRequest) keyAccount(g outbound.Group, state url.Values) pageKey {
	k := pageKey{Label: g.Key}
	if n, ok := strings.CutPrefix(g.Key, "uid "); ok {
		k.Sub = "no user on record"
		if n == strconv.FormatUint(uint64(outbound.NoUID), 10) {
			k.Label, k.Sub = "no UID", "the kernel named none"
			return k
		}
		k.Href = q.links.to("/search", pageWith(state, "uid", n))
		return k
	}
	k.Href = q.links.to("/search", pageWith(state, "account", g.Key))
	switch w := g.Who; {
	case w == nil:
	case w.Kind == outbound.SystemUser:
		k.Sub = "system user"
	case w.Kind == outbound.CPanelAccount:
		k.Sub = "uid " + strconv.FormatUint(uint64(w.UID), 10)
		if w.Domain != "" {
			k.Sub += ", " + w.Domain
		}
	}
	return k
}

// pageGroupRow is one group of a search.
type pageGroupRow struct {
	pageKey
	Count, Width string
	First, Last  *pageTime
}

func (q *pageRequest) groupRows(groups []outbound.Group, by outbound.GroupBy, state url.Values) []pageGroupRow {
	most := 1
	for _, g := range groups {
		most = max(most, g.Events)
	}
	var all []pageGroupRow
	for _, g := range groups {
		all = append(all, pageGroupRow{q.key(g, by, state), outbound.Thousands(g.Events), pagePercent(100 * float64(g.Events) / float64(most)), q.time(g.First), q.time(g.Last)})
	}
	return all
}

// groupZone names the zone of a table of groups for its headings.
func (q *pageRequest) groupZone(rows []pageGroupRow, by outbound.GroupBy) string {
	var times []*pageTime
	for _, r := range rows {
		times = append(times, r.First, r.Last)
	}
	zone := q.headZone(times...)
	if by == outbound.ByHour && len(times) > 0 && times[0].Zone == "" {
		for i := range rows {
			rows[i].Label = strings.TrimSuffix(rows[i].Label, " "+zone)
		}
	}
	return zone
}
