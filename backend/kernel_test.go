//go:build linux

package backend_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

const (
	kernelTraditional = "RSYSLOG_TraditionalFileFormat"
	kernelRFC3339     = "RSYSLOG_FileFormat"
)

// TestTheKernelTellsWhoItWas goes the whole way for real: users of a host
// connect out, the kernel logs it by real rules, rsyslogd writes the log,
// logrotate turns it while traffic goes on, and the program, as it is built,
// says who it was. It needs root on Linux, and says so where it cannot run; go
// test remembers its result, so that it is to be run with -count=1.
func TestTheKernelTellsWhoItWas(t *testing.T) {
	kernelNeeds(t)
	program := kernelBuild(t)
	numbers := []string{"compress", "delaycompress"}
	dates := []string{"dateext", "dateformat -%Y%m%d-%s", "compress"}
	for name, c := range map[string]struct {
		rules func(*kernelWorld, *testing.T)
		all   bool // the rules record each connection
		log   kernelSyslog
	}{
		"the article's rules, as Debian logs": {(*kernelWorld).articleRules, false,
			kernelSyslog{"imklog", kernelTraditional, "Etc/UTC", "UTC0", numbers, false, 1}},
		"the article's rules, with whole stamps": {(*kernelWorld).articleRules, false,
			kernelSyslog{"imkmsg", kernelRFC3339, "Etc/UTC", "IST-5:30", dates, true, 2}},
		"each SYN, as EL logs": {(*kernelWorld).synRules, true,
			kernelSyslog{"imkmsg", kernelTraditional, "Asia/Kolkata", "IST-5:30", dates, true, 2}},
		"each SYN, with whole stamps": {(*kernelWorld).synRules, true,
			kernelSyslog{"imklog", kernelRFC3339, "Etc/UTC", "MST7", numbers, false, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			kernelLogsNamespaces(t)
			w := newKernelWorld(t)
			c.rules(w, t)
			d := newKernelDay(t, w, program, c.log)
			made := d.traffic(t, c.all)
			d.check(t, made, c.all)
		})
	}
}

// kernelDay is one host's traffic and what became of it.
type kernelDay struct {
	w       *kernelWorld
	root    string
	log     *kernelLog
	oracle  *kernelOracle
	program *kernelProgram
	live    *kernelLive
}

func newKernelDay(t *testing.T, w *kernelWorld, program string, how kernelSyslog) *kernelDay {
	t.Helper()
	zone, err := time.LoadLocation(how.zone)
	if err != nil {
		kernelCannot(t, err.Error())
	}
	root, path := kernelHost(t, how.zone)
	d := &kernelDay{w: w, root: root, program: &kernelProgram{program, root}}
	d.oracle = &kernelOracle{path: path, out: w.out, zone: zone}
	d.oracle.hold(t)
	d.log = newKernelLog(t, how, w, path)
	d.program.serve(t)
	d.live = d.program.live(t)
	kernelUntil(t, "live shows a connection", func() bool {
		d.visit(t, "alice", kernelHello, kernelClosed)
		return len(d.live.events(t)) > 0
	})
	return d
}

// visit connects once.
func (d *kernelDay) visit(t *testing.T, name string, dst netip.Addr, port uint16) []kernelMade {
	t.Helper()
	return d.w.send(t, kernelUserNamed(name), d.root, kernelErrand{Targets: []netip.AddrPort{netip.AddrPortFrom(dst, port)}, Times: 1}).home(t)
}

// traffic lets users connect while the log is rotated twice, and waits until
// the program has seen the last connection.
func (d *kernelDay) traffic(t *testing.T, both bool) (made []kernelMade) {
	t.Helper()
	var walks []*kernelWalk
	for _, name := range []string{"alice", "frank", "dave"} {
		u := kernelUserNamed(name)
		targets := kernelTargets(u, both, 22, kernelClosed)
		walks = append(walks, d.w.send(t, u, d.root, kernelErrand{Targets: targets, Pace: 50 * time.Millisecond}))
	}
	d.clients(t)
	made = d.singles(t, both)
	d.turn(t)
	burst := d.w.send(t, kernelUserNamed("erin"), d.root, kernelErrand{Targets: kernelTargets(kernelUserNamed("erin"), both, 80, 443, kernelClosed), Times: 20})
	d.turn(t)
	made = append(made, burst.home(t)...)
	for _, walk := range walks {
		made = append(made, walk.home(t)...)
	}
	made = append(made, d.visit(t, "alice", kernelDone, kernelClosed)...)
	kernelUntil(t, "the last connection is found", func() bool { return d.program.shows(t, kernelDone) })
	return made
}

// clients runs the clients that people use.
func (d *kernelDay) clients(t *testing.T) {
	t.Helper()
	bob, carol := kernelUserNamed("bob"), kernelUserNamed("carol")
	d.w.client(t, bob, d.root, "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=3", bob.v4.String(), "true")
	d.w.client(t, carol, d.root, "curl", "--silent", "--max-time", "3", "http://"+carol.v4.String()+"/")
	d.w.client(t, carol, d.root, "curl", "--silent", "--max-time", "3", "ftp://"+carol.v4.String()+"/")
	d.w.client(t, carol, d.root, "curl", "--silent", "--max-time", "3", "http://["+carol.v6.String()+"]/")
}

// singles lets each user connect to a few ports once.
func (d *kernelDay) singles(t *testing.T, both bool) (made []kernelMade) {
	t.Helper()
	for i, u := range kernelUsers {
		ports := [][]uint16{{22, kernelClosed}, {21, 80}, {443}}[i%3]
		made = append(made, d.w.send(t, u, d.root, kernelErrand{Targets: kernelTargets(u, both, ports...), Times: 1}).home(t)...)
	}
	return made
}

func kernelTargets(u kernelUser, both bool, ports ...uint16) (all []netip.AddrPort) {
	for _, port := range ports {
		all = append(all, netip.AddrPortFrom(u.v4, port))
		if both {
			all = append(all, netip.AddrPortFrom(u.v6, port))
		}
	}
	return all
}

// turn rotates the log in the middle of traffic: lines stand in the file
// before, and come to the new one after.
func (d *kernelDay) turn(t *testing.T) {
	t.Helper()
	arrived := func() bool { return len(d.oracle.now(t)) >= 10 }
	kernelUntil(t, "lines come before the rotation", arrived)
	d.log.turn(t)
	second := time.Now().Unix()
	d.oracle.hold(t)
	kernelUntil(t, "lines come after the rotation", func() bool {
		return arrived() && (!d.log.how.dated || time.Now().Unix() > second)
	})
}

// check compares what the program says with the files, and with what was done.
func (d *kernelDay) check(t *testing.T, made []kernelMade, all bool) {
	t.Helper()
	may := d.oracle.may(t)
	must, compressed := d.oracle.must(t)
	if compressed != d.log.how.gz {
		t.Errorf("%d rotations are compressed, want %d", compressed, d.log.how.gz)
	}
	found := d.program.all(t)
	t.Logf("%d connections made, %d lines written, %d of them on disk, %d events found", len(made), len(may), len(must), len(found))
	kernelReport(t, "search", kernelDifferences(must, may, found))
	d.checkLive(t, must, may)
	if all {
		kernelReport(t, "the log", kernelUnrecorded(made, may))
	}
	d.checkTargets(t, may, all)
}

// checkLive compares what live showed with the lines since its first.
func (d *kernelDay) checkLive(t *testing.T, must, may []kernelLine) {
	t.Helper()
	var shown []outbound.EventDoc
	kernelUntil(t, "live shows the last connection", func() bool {
		shown = d.live.events(t)
		return slices.ContainsFunc(shown, func(e outbound.EventDoc) bool { return e.Dst == kernelDone.String() })
	})
	since := func(lines []kernelLine) []kernelLine {
		return slices.DeleteFunc(slices.Clone(lines), func(l kernelLine) bool { return l.dst == kernelHello })
	}
	shown = slices.DeleteFunc(shown, func(e outbound.EventDoc) bool { return e.Dst == kernelHello.String() })
	kernelReport(t, "live", kernelDifferences(since(must), since(may), shown))
}

// kernelReport names the first differences.
func kernelReport(t *testing.T, what string, differences []string) {
	t.Helper()
	for i, difference := range differences {
		if i == 5 {
			t.Errorf("%s: and %d more", what, len(differences)-i)
			return
		}
		t.Errorf("%s: %s", what, difference)
	}
}

// kernelUnrecorded gives the connections that no line tells of.
func kernelUnrecorded(made []kernelMade, lines []kernelLine) (all []string) {
	told := map[string]bool{}
	for _, l := range lines {
		if l.hasUID {
			told[fmt.Sprint(l.uid, l.sport, netip.AddrPortFrom(l.dst, l.dport))] = true
		}
	}
	for _, m := range made {
		if !told[fmt.Sprint(m.UID, m.Port, m.To)] {
			all = append(all, fmt.Sprintf("no line for UID %d, port %d, to %s", m.UID, m.Port, m.To))
		}
	}
	if len(made) == 0 {
		all = append(all, "nobody connected")
	}
	return all
}
