package cpanel_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// hostile files that a Book must survive without naming anybody it should not.
var hostile = []string{
	"",
	"alice:x:1043:1043::/home/alice:/bin/bash\n",
	"root:x:0:0:root:/root:/bin/bash\nalice:x:1043:1043::/h:/s\n../x:x:1044:1::/h:/s\n",
	"STARTDATE=1770000000\nOWNER=reseller7\nDNS=example.com\n",
	"OWNER=\x1b[31m\nSTARTDATE=-9223372036854775808\nSTARTDATE=1\n",
	"STARTDATE=9223372036854775807\n",
	"reseller7:all\n reseller8 : all , x\n#c\n:all\n",
	"Sun Feb  1 10:00:00 2026:CREATE:reseller7:reseller7:example.com:192.0.2.10:alice\nSun Feb  1 11:00:00 2026:REMOVE:root:root:example.com:192.0.2.10:alice\n",
	"Sun Feb  1 10:00:00 2026:CHANGEOWNER:root:root:example.com:alice:reseller7:reseller8\nSun Feb  1 09:00:00 2026:CHANGEOWNER:root:root:example.com:alice:reseller8:reseller7\n",
	"Sun Feb  1 10:00:00 2026:CHANGEUSER:root:root:example.com:alice:bob\nSun Feb  1 10:00:00 2026:RENAME:root:root:x\\:y:bob:alice\n",
	"Sun Feb  1 10:00:00 2026:\\:\\\\:::::::\nSun Feb  1 10:00:00 2026:",
	strings.Repeat("a", 5000) + "\n",
}

// FuzzHostFiles puts any text into each file, and the same again reversed, and
// asks the same questions of a Book that stayed and of one begun anew.
func FuzzHostFiles(f *testing.F) {
	for i, a := range hostile {
		f.Add(a, hostile[(i+3)%len(hostile)], hostile[(i+7)%len(hostile)])
	}
	f.Fuzz(func(t *testing.T, passwd, user, log string) {
		dir := t.TempDir()
		for _, d := range []string{"/etc", "/var/cpanel/users"} {
			if err := os.MkdirAll(dir+d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		root, err := hostfs.At(dir)
		if err != nil {
			t.Fatal(err)
		}
		logged := &bytes.Buffer{}
		stays, err := open(root, registerPath, logged)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []struct{ passwd, user, log string }{{passwd, user, log}, {log, passwd, user}, {passwd, log, log + user}} {
			edit(t, root, "/etc/passwd", "alice:x:1043:1043::/h:/s\nbob:x:1044:1::/h:/s\n"+text.passwd)
			edit(t, root, "/var/cpanel/users/alice", text.user)
			edit(t, root, "/var/cpanel/users/bob", text.log)
			edit(t, root, "/var/cpanel/accounting.log", text.log)
			edit(t, root, "/var/cpanel/resellers", text.user)
			edit(t, root, "/etc/trueuserowners", text.log)
			edit(t, root, "/etc/trueuserdomains", text.passwd)
			edit(t, root, "/var/cpanel/cpnat", text.user)
			s, err := stays.Current()
			if err != nil {
				t.Fatal(err)
			}
			anew, err := open(root, registerPath, logged)
			if err != nil {
				t.Fatal(err)
			}
			sane(t, s, current(t, anew))
		}
		if strings.Contains(logged.String(), "damaged") {
			t.Errorf("the register that was written cannot be read: %s", logged)
		}
	})
}

// sane proves what holds for any files: both tell the same, names fit their
// grammar, and an account's story has no gap in its shape.
func sane(t *testing.T, a, b *cpanel.Snapshot) {
	t.Helper()
	for _, uid := range []outbound.UID{0, 1000, 1043, 1044, outbound.NoUID} {
		for _, at := range []time.Time{{}, smallNow.AddDate(-1, 0, 0), smallNow.AddDate(0, -5, 0), smallNow, smallNow.AddDate(1, 0, 0)} {
			who, other := a.Who(uid, at), b.Who(uid, at)
			if *who != *other {
				t.Errorf("uid %d at %v: %+v, and anew %+v", uid, at, *who, *other)
			}
			if who.UID != uid || who.Kind != outbound.Unattributed && !who.User.Valid() || who.Kind == outbound.CPanelAccount && !who.Owner.Valid() {
				t.Errorf("uid %d at %v: %+v", uid, at, *who)
			}
		}
	}
	for _, name := range []outbound.Username{"alice", "bob", "reseller7"} {
		for i, l := range a.Lives(name) {
			if !l.End.IsZero() && l.End.Unix() < l.Begin {
				t.Errorf("life %d of %s ends before it begins: %+v", i, name, l)
			}
		}
		if _, ok := a.Reseller(name + " "); ok {
			t.Errorf("%q is a reseller", name+" ")
		}
	}
}
