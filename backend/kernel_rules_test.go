//go:build linux

package backend_test

import (
	"strconv"
	"testing"
)

// kernelRule logs connections to some ports under a label.
type kernelRule struct {
	label, ports, limit string
}

// kernelRules are the article's three, and one for the closed port, which has
// no limit: it shows when all that came before it has arrived.
var kernelRules = []kernelRule{
	{"22", "22", "500/hour"},
	{"21", "21", "500/hour"},
	{"80:443", "80,443", "1000/hour"},
	{"other", strconv.Itoa(kernelClosed), ""},
}

// articleRules puts in the article's rules, bodies to the letter: each packet,
// IPv4 alone, and few an hour.
func (w *kernelWorld) articleRules(t *testing.T) {
	t.Helper()
	for _, r := range kernelRules {
		rule := []string{"-I", "OUTPUT", "!", "-d", kernelServer4.String() + "/32", "-p", "tcp"}
		rule = append(rule, r.match()...)
		if r.limit != "" {
			rule = append(rule, "-m", "limit", "--limit", r.limit)
		}
		w.tables(t, "iptables", append(rule, r.log()...))
	}
}

// synRules puts in rules for each new connection, without limit.
func (w *kernelWorld) synRules(t *testing.T) {
	t.Helper()
	for tables, own := range map[string]string{"iptables": kernelServer4.String(), "ip6tables": kernelServer6.String()} {
		for _, r := range kernelRules {
			rule := append([]string{"-I", "OUTPUT", "!", "-d", own, "-p", "tcp", "--syn"}, r.match()...)
			w.tables(t, tables, append(rule, r.log()...))
		}
	}
}

func (r kernelRule) match() []string {
	if r.label == "80:443" {
		return []string{"-m", "multiport", "--dports", r.ports}
	}
	return []string{"-m", "tcp", "--dport", r.ports}
}

func (r kernelRule) log() []string {
	return []string{"-j", "LOG", "--log-prefix", "CSF-OUTBOUND:" + r.label + ":=:", "--log-uid"}
}

func (w *kernelWorld) tables(t *testing.T, tables string, rule []string) {
	t.Helper()
	kernelRun(t, "ip", append([]string{"netns", "exec", w.server, tables}, rule...)...)
}
