package backend_test

import (
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"time"

	"outboundmonitor/backend/demo"
)

// pool is what requests are made of.
type pool struct {
	r     *rand.Rand
	lines []string
	// values are what a parameter can be, by its name.
	values map[string][]string
}

// newPool gathers values that are somebody's, the reseller's or nobody's.
func newPool(r *rand.Rand, story *demo.Story, logs [][]byte, e estate) *pool {
	p := &pool{r: r, values: map[string][]string{
		"account":  {"fotoclub", "kiosk", "harbor", "atelier", "tinashop", "oldforum", "northhost", "brightweb", "nobody", "root", "nosuchuser", "vintage", "petfoods"},
		"dst":      {"0.0.0.0/0", "::/0", "198.51.100.0/24", "203.0.113.0/25", "2001:db8::/32", "192.0.2.99", "198.19.212.7", story.Ask.String(), story.Shared.String()},
		"src":      {demo.Server, demo.Server6, "192.0.2.0/24", "192.0.2.77"},
		"uid":      {"0", "65534", "47", "1001", "1002", "1003", "1007", "1041", "60000", "4294967295"},
		"port":     {"22", "21", "80", "443", "25"},
		"sport":    {"33000", "40000", "50000"},
		"rule":     {"22", "21", "80:443", "other"},
		"since":    {"-1h", "-1d", "-3d", "-6d", "-30d", "2026-10-30", story.Moved.At.UTC().Format(time.RFC3339)},
		"until":    {"-30m", "now", "-2d", "2026-11-02", story.Moved.At.UTC().Format(time.RFC3339)},
		"limit":    {"1", "2", "3", "7", "20", "100"},
		"tz":       {"UTC", "Europe/Berlin", "America/New_York", "Mars"},
		"group_by": {"account", "dst", "port", "hour"}, "format": {"jsonl", "csv", "json"},
		"of": {"accounts", "targets"}, "day": {"2026-10-30", "2026-11-02", "2026-11-03", "2026-11-05", "2026-12-01"},
		"at": {"-1h", "-17h", "-2d", "-3d"}, "window": {"30s", "5m", "2h", "7d"}, "wait": {"1s"}, "order": {"oldest"}, "days": {"1", "7"},
	}}
	for _, log := range logs {
		for line := range strings.Lines(string(log)) {
			if ours.MatchString(line) && r.IntN(40) == 0 {
				p.lines = append(p.lines, line)
			}
		}
	}
	r.Shuffle(len(p.lines), func(i, j int) { p.lines[i], p.lines[j] = p.lines[j], p.lines[i] })
	field := regexp.MustCompile(`DST=(\S+).* SPT=(\d+).* UID=(\d+)`)
	own := 0
	for i, line := range p.lines {
		mine := e.holds(line)
		if m := field.FindStringSubmatch(line); m != nil && (i < 40 || mine && own < 40) {
			p.values["dst"] = append(p.values["dst"], m[1])
			p.values["sport"] = append(p.values["sport"], m[2])
			p.values["uid"] = append(p.values["uid"], m[3])
			p.values["at"] = append(p.values["at"], line[:len(time.Stamp)])
			if mine {
				own++
			}
		}
	}
	p.values["address"], p.values["name"], p.values["q"] = p.values["dst"], p.values["account"], append(p.values["dst"], p.values["account"]...)
	return p
}

// routes lists what a reseller can ask, with the parameters of each, the
// likely ones twice.
var routes = map[string][]string{
	"/api/v1/events":   {"dst", "src", "account", "uid", "port", "sport", "rule", "since", "until", "limit", "limit", "tz", "group_by", "format"},
	"/api/v1/who":      {"address", "address", "at", "at", "window", "src", "sport", "port", "limit", "limit", "tz"},
	"/api/v1/top":      {"of", "of", "since", "until", "limit", "tz"},
	"/api/v1/account":  {"name", "name", "name", "since", "until", "tz"},
	"/api/v1/accounts": {"since", "until", "tz"},
	"/api/v1/summary":  {"day", "day", "tz"},
	"/api/v1/live":     {"dst", "account", "uid", "limit", "wait"},
	"/api/v1/status":   {"tz"},
	"/api/v1/findings": {"account"},
	"/":                {"q", "at", "window", "since", "until", "tz", "days"},
	"/search":          {"dst", "src", "account", "uid", "port", "sport", "rule", "since", "until", "limit", "limit", "tz", "group_by", "order"},
	"/account":         {"name", "name", "since", "until", "tz", "days"},
	"/health":          {"tz"},
}

// weights are the routes as often as they are asked.
var weights = []string{
	"/api/v1/events", "/api/v1/events", "/api/v1/events", "/api/v1/events", "/api/v1/events", "/api/v1/who", "/api/v1/who", "/api/v1/top",
	"/api/v1/account", "/api/v1/accounts", "/api/v1/summary", "/api/v1/live", "/api/v1/status", "/api/v1/findings", "/", "/", "/search", "/search", "/search", "/account", "/health",
}

// request gives one request at random. Most have few parameters, so that most
// find something.
func (p *pool) request() (string, url.Values) {
	path := weights[p.r.IntN(len(weights))]
	q := url.Values{}
	for range p.r.IntN(4) {
		name := routes[path][p.r.IntN(len(routes[path]))]
		q.Set(name, p.values[name][p.r.IntN(len(p.values[name]))])
	}
	need := map[string]string{"/api/v1/who": "address", "/api/v1/account": "name", "/account": "name"}[path]
	if need != "" && p.r.IntN(10) > 0 {
		q.Set(need, p.values[need][p.r.IntN(len(p.values[need]))])
	}
	return path, q
}
