package cpanel_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// truth is a life as the model made it: the oracle.
type truth struct {
	uid        string
	begin, end time.Time
	names      []string
	owners     []ownedFrom
}

type ownedFrom struct {
	owner string
	from  time.Time
}

func (l *truth) name() string { return l.names[len(l.names)-1] }

func (l *truth) ownerAt(at time.Time) string {
	owner := ""
	for _, o := range l.owners {
		if !at.Before(o.from) {
			owner = o.owner
		}
	}
	return owner
}

// model is a random host: the folder with what is true of it.
type model struct {
	rt    *rapid.T
	root  hostfs.Root
	now   time.Time
	lives []*truth
	log   string
	// lost is set once lines of the log are gone before they were read.
	lost bool
}

func (m *model) holder(uid string, at time.Time) *truth {
	for _, l := range m.lives {
		if l.uid == uid && !at.Before(l.begin) && (l.end.IsZero() || at.Before(l.end)) {
			return l
		}
	}
	return nil
}

func (m *model) alive() (all []*truth) {
	for _, l := range m.lives {
		if l.end.IsZero() {
			all = append(all, l)
		}
	}
	return all
}

func (m *model) line(fields string) {
	m.log += m.now.Format("Mon Jan _2 15:04:05 2006") + ":" + fields + "\n"
}

func (m *model) free(what []string, of func(*truth) string) []string {
	return slices.DeleteFunc(slices.Clone(what), func(s string) bool {
		return slices.ContainsFunc(m.alive(), func(l *truth) bool { return of(l) == s })
	})
}

// act does one random thing to the host.
func (m *model) act() {
	owners := []string{"root", "res1", "res2"}
	owner := rapid.SampledFrom(owners).Draw(m.rt, "owner")
	names := m.free([]string{"ann", "ben", "cid", "dot"}, (*truth).name)
	uids := m.free([]string{"1000", "1001"}, func(l *truth) string { return l.uid })
	alive := m.alive()
	switch what := rapid.SampledFrom([]string{"create", "remove", "rename", "transfer"}).Draw(m.rt, "act"); {
	case what == "create" && len(uids) > 0:
		l := &truth{uid: uids[0], begin: m.now, names: names[:1], owners: []ownedFrom{{owner, m.now}}}
		m.lives = append(m.lives, l)
		m.line("CREATE:root:root:example.com:192.0.2.10:" + l.name())
	case len(alive) == 0:
	case what == "remove":
		l := rapid.SampledFrom(alive).Draw(m.rt, "who")
		l.end = m.now
		m.line("REMOVE:root:root:example.com:192.0.2.10:" + l.name())
	case what == "rename":
		l := rapid.SampledFrom(alive).Draw(m.rt, "who")
		m.line("CHANGEUSER:root:root:example.com:" + l.name() + ":" + names[0])
		l.names = append(slices.Clone(l.names), names[0])
	case what == "transfer":
		l := rapid.SampledFrom(alive).Draw(m.rt, "who")
		old := l.ownerAt(m.now)
		if old != owner {
			l.owners = append(l.owners, ownedFrom{owner, m.now})
			m.line(fmt.Sprintf("CHANGEOWNER:root:root:example.com:%s:%s:%s", l.name(), old, owner))
		}
	}
}

func (m *model) write() {
	passwd := "root:x:0:0::/root:/bin/bash\n"
	dir := m.root.Path("/var/cpanel/users")
	files := map[string]string{m.root.Path("/var/cpanel/accounting.log"): m.log}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		_ = os.Remove(filepath.Join(dir, e.Name()))
	}
	for _, l := range m.alive() {
		passwd += fmt.Sprintf("%s:x:%s:%s::/h:/s\n", l.name(), l.uid, l.uid)
		files[filepath.Join(dir, l.name())] = fmt.Sprintf("STARTDATE=%d\nOWNER=%s\n", l.begin.Unix(), l.ownerAt(m.now))
	}
	files[m.root.Path("/etc/passwd")] = passwd
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			m.rt.Fatal(err)
		}
	}
}

// TestRandomHistories plays random histories and compares with the model. A
// Book that looks after each act and loses no line of the log tells all; one
// that was down for a while, or lost lines, never names as known anybody but
// the true holder.
func TestRandomHistories(t *testing.T) {
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m := newModel(t, rt, filepath.Join(base, fmt.Sprint(n)))
		attentive := rapid.Bool().Draw(rt, "attentive")
		anew := rapid.Bool().Draw(rt, "a new book at each look")
		var book *cpanel.Book
		var snap *cpanel.Snapshot
		look := func() {
			m.write()
			if book == nil || anew {
				b, err := cpanel.NewBook(cpanel.Options{Root: m.root, Register: registerPath, Now: func() time.Time { return m.now }})
				if err != nil {
					rt.Fatal(err)
				}
				book = b
			}
			s, err := book.Current()
			if err != nil {
				rt.Fatal(err)
			}
			snap = s
		}
		look()
		var moments []time.Time
		for range rapid.IntRange(1, 10).Draw(rt, "acts") {
			m.now = m.now.Add(time.Duration(rapid.IntRange(2, 200_000).Draw(rt, "seconds")) * time.Second)
			m.act()
			if !attentive && rapid.IntRange(0, 5).Draw(rt, "lose the log") == 0 {
				m.log, m.lost = "", true
			}
			if attentive || rapid.Bool().Draw(rt, "look") {
				look()
			}
			moments = append(moments, m.now.Add(-time.Second), m.now, m.now.Add(time.Second))
		}
		m.now = m.now.Add(time.Hour)
		look()
		for _, uid := range []outbound.UID{1000, 1001} {
			for _, at := range moments {
				m.compare(snap.Who(uid, at), uid, at, attentive)
			}
		}
	})
}

func newModel(t *testing.T, rt *rapid.T, dir string) *model {
	for _, d := range []string{"/etc", "/var/cpanel/users", "/var/lib/outboundmonitor"} {
		if err := os.MkdirAll(dir+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &model{rt: rt, root: root, now: epoch}
}

func (m *model) compare(who *outbound.Who, uid outbound.UID, at time.Time, attentive bool) {
	l := m.holder(fmt.Sprint(uid), at)
	switch {
	case l == nil && (attentive || who.Attribution == outbound.Known) && who.Kind != outbound.Unattributed:
		m.rt.Errorf("uid %d at %v: nobody had it, and it is %+v", uid, at, *who)
	case l == nil:
	case attentive:
		if who.Attribution != outbound.Known || !slices.Contains(l.names, string(who.User)) || string(who.Owner) != l.ownerAt(at) {
			m.rt.Errorf("uid %d at %v: %+v, want %v of %s", uid, at, *who, l.names, l.ownerAt(at))
		}
	case who.Attribution == outbound.Known && !slices.Contains(l.names, string(who.User)):
		m.rt.Errorf("uid %d at %v: known to be %+v, and it was %v", uid, at, *who, l.names)
	case who.Attribution == outbound.Known && !m.lost && string(who.Owner) != l.ownerAt(at):
		m.rt.Errorf("uid %d at %v: owned by %s, and it was %s's", uid, at, who.Owner, l.ownerAt(at))
	case who.Kind != outbound.Unattributed && who.Begin < l.begin.Unix()-1 && who.Attribution == outbound.Known:
		m.rt.Errorf("uid %d at %v: %+v is the life before", uid, at, *who)
	}
}
