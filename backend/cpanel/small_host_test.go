package cpanel_test

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// smallNow is when the small host is looked at.
var smallNow = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

// small copies the small host and opens a Book on it.
func small(t testing.TB, register string) (*cpanel.Book, hostfs.Root, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/host/small")); err != nil {
		t.Fatal(err)
	}
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	book, err := open(root, register, log)
	if err != nil {
		t.Fatal(err)
	}
	return book, root, log
}

func open(root hostfs.Root, register string, log *bytes.Buffer) (*cpanel.Book, error) {
	return cpanel.NewBook(cpanel.Options{
		Root: root, Register: register, Now: func() time.Time { return smallNow },
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
}

func current(t testing.TB, b *cpanel.Book) *cpanel.Snapshot {
	t.Helper()
	s, err := b.Current()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func edit(t testing.TB, root hostfs.Root, name, text string) {
	t.Helper()
	if err := os.WriteFile(root.Path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSmallHost(t *testing.T) {
	book, _, log := small(t, "")
	s := current(t, book)
	if log.Len() > 0 {
		t.Errorf("logged: %s", log)
	}
	if s.Accounts() != 8 {
		t.Errorf("%d accounts, want 8", s.Accounts())
	}
	day := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 12, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		uid  outbound.UID
		at   time.Time
		want string
	}{
		"alice":                        {1043, day(6, 1), "alice reseller7 known"},
		"before alice":                 {1043, day(1, 31), "-"},
		"dave while he was root's":     {1046, day(4, 30), "dave root known"},
		"dave after the transfer":      {1046, day(5, 2), "dave reseller8 known"},
		"frank has no beginning":       {1048, day(1, 1), "frank root assumed"},
		"a login that is no account":   {1050, day(6, 1), "backupper system"},
		"nobody":                       {65534, day(6, 1), "nobody system"},
		"a UID that nobody has":        {1042, day(6, 1), "-"},
		"the UID of a line without it": {outbound.NoUID, day(6, 1), "-"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tell(s.Who(c.uid, c.at), c.uid); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := s.Who(1043, smallNow).Domain; got != "example.com" {
		t.Errorf("domain %q", got)
	}
	if !s.Suspended("erin") || s.Suspended("alice") {
		t.Error("suspended accounts are mixed up")
	}
	if acls, ok := s.Reseller("reseller8"); !ok || !slices.Equal(acls, []string{"list-accts", "suspend-acct"}) {
		t.Errorf("reseller8 has %q, %v", acls, ok)
	}
	want := map[outbound.UID]time.Time{
		1040: time.Date(2026, 1, 10, 9, 0, 0, 0, time.UTC),
		1043: time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC),
		1044: time.Date(2026, 2, 2, 10, 0, 0, 0, time.UTC),
	}
	grants := s.Owned("reseller7")
	for _, g := range grants {
		if !want[g.Instance.UID].Equal(g.From) || g.From.Unix() != g.Instance.Begin {
			t.Errorf("grant %+v", g)
		}
	}
	if len(grants) != len(want) {
		t.Errorf("%d grants, want %d", len(grants), len(want))
	}
	a := s.Addresses()
	if a.Addr.String() != "192.0.2.10" || a.Addr6.String() != "2001:db8::10" || a.MainIP != a.Addr {
		t.Errorf("addresses %+v", a)
	}
	if want := []cpanel.Mapping{{Local: a.Addr, Public: a.Addr}, {Local: netip.MustParseAddr("192.0.2.11")}}; !slices.Equal(a.NAT, want) {
		t.Errorf("NAT %+v", a.NAT)
	}
	if n := s.Skipped()["/var/cpanel/accounting.log: other action"]; n != 1 {
		t.Errorf("%d other actions, want the one SUSPEND", n)
	}
}

func TestResellersFile(t *testing.T) {
	book, root, _ := small(t, "")
	edit(t, root, "/var/cpanel/resellers", "# alice:all\n"+
		" reseller7 :\tlist-accts , software-OutboundMonitor ,,\n"+
		"reseller7:all\n"+
		"none:\n"+
		"bare\n"+
		"al ice:all\n"+
		"carol\x00:all\n"+
		"../x:all\n"+
		"dave:"+strings.Repeat("x", 5000)+",all\n")
	s := current(t, book)
	for name, c := range map[string]struct {
		user outbound.Username
		acls string
		ok   bool
	}{
		"the first line wins, blanks are stripped": {"reseller7", "list-accts software-OutboundMonitor", true},
		"a line without an ACL makes a reseller":   {"none", "", true},
		"a line without a colon makes none":        {"bare", "", false},
		"a comment makes none":                     {"alice", "", false},
		"a blank within a name makes none":         {"al ice", "", false},
		"a NUL makes none":                         {"carol", "", false},
		"a line of 5 KB makes none":                {"dave", "", false},
		"other letters are another name":           {"Reseller7", "", false},
		"a blank behind is another name":           {"reseller7 ", "", false},
		"nobody at all":                            {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			acls, ok := s.Reseller(c.user)
			if ok != c.ok || strings.Join(acls, " ") != c.acls {
				t.Errorf("%q, %v, want %q, %v", acls, ok, c.acls, c.ok)
			}
		})
	}
}

func TestDomainsOfAStrictGrammarOnly(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"plain":               {"DNS=shop.example.com", "shop.example.com"},
		"capitals are folded": {"DNS=Shop.EXAMPLE.com", "shop.example.com"},
		"punycode":            {"DNS=xn--bcher-kva.example", "xn--bcher-kva.example"},
		"markup":              {"DNS=<b>.example.com", ""},
		"an escape sequence":  {"DNS=\x1b[2J.example.com", ""},
		"a formula":           {"DNS==cmd.example.com", ""},
		"two dots":            {"DNS=a..example.com", ""},
		"one label":           {"DNS=localhost", ""},
		"a hyphen first":      {"DNS=-a.example.com", ""},
		"a label of 64":       {"DNS=" + strings.Repeat("a", 64) + ".example.com", ""},
		"300 characters":      {"DNS=" + strings.Repeat("aa.", 100) + "com", ""},
	} {
		t.Run(name, func(t *testing.T) {
			book, root, _ := small(t, "")
			edit(t, root, "/etc/trueuserdomains", "")
			edit(t, root, "/var/cpanel/users/alice", "OWNER=reseller7\n"+c.line+"\n")
			if got := current(t, book).Who(1043, smallNow).Domain; got != c.want {
				t.Errorf("domain %q, want %q", got, c.want)
			}
		})
	}
}

func TestAddressesAsTheFilesStateThem(t *testing.T) {
	book, root, _ := small(t, "")
	edit(t, root, "/etc/wwwacct.conf", "# ADDR 198.51.100.1\nADDRX 198.51.100.2\nADDR=198.51.100.3\nADDR 10.0.0.5\nADDR 198.51.100.4\nADDR6 fe80::1%eth0\nADDR6 2001:db8::5\n")
	edit(t, root, "/var/cpanel/mainip", "10.0.0.5\n")
	edit(t, root, "/var/cpanel/cpnat", "# x\n10.0.0.5 192.0.2.5\n10.0.0.6 192.0.2.5\n10.0.0.7\nx 192.0.2.7\n10.0.0.8 192.0.2.8 more\n")
	a := current(t, book).Addresses()
	addr := netip.MustParseAddr
	if a.Addr != addr("10.0.0.5") || a.Addr6 != addr("2001:db8::5") || a.MainIP != addr("10.0.0.5") {
		t.Errorf("%+v", a)
	}
	if want := []cpanel.Mapping{{Local: addr("10.0.0.5"), Public: addr("192.0.2.5")}, {Local: addr("10.0.0.7")}}; !slices.Equal(a.NAT, want) {
		t.Errorf("NAT %+v, want %+v", a.NAT, want)
	}
}

func TestAboutSystemUsers(t *testing.T) {
	book, _, _ := small(t, "")
	s := current(t, book)
	other := s.About("deploy")
	for _, user := range []outbound.Username{"root", "nobody", "mailnull", "mailman", "mysql", "named", "cpanel", "cpanelconnecttrack", "dovecot", "exim", "apache"} {
		if text := s.About(user); text == "" || text == other {
			t.Errorf("%s: %q", user, text)
		}
	}
	if other == "" || s.About("") != other {
		t.Errorf("the sentence for others is %q", other)
	}
}

// TestOnePointerForEqualContent holds across changes of the files, as events
// of millions share them.
func TestOnePointerForEqualContent(t *testing.T) {
	book, root, _ := small(t, "")
	first := current(t, book)
	edit(t, root, "/var/cpanel/resellers", "reseller8:all\n")
	second := current(t, book)
	if first == second {
		t.Fatal("the change went unnoticed")
	}
	for _, uid := range []outbound.UID{0, 1043, 1046, 1048, 4711, outbound.NoUID} {
		if first.Who(uid, smallNow) != second.Who(uid, smallNow) {
			t.Errorf("uid %d: two pointers", uid)
		}
	}
	if first.Who(1043, smallNow) == first.Who(1043, smallNow.AddDate(-1, 0, 0)) {
		t.Error("one pointer for different content")
	}
}

// TestChangeIsNoticedAtOnce writes a file of equal length into the same inode,
// within one tick of the file system's clock.
func TestChangeIsNoticedAtOnce(t *testing.T) {
	book, root, _ := small(t, "")
	for i := range 50 {
		want := []string{"aaa", "bbb"}[i%2]
		edit(t, root, "/var/cpanel/resellers", "reseller8:"+want+"\n")
		if acls, _ := current(t, book).Reseller("reseller8"); !slices.Equal(acls, []string{want}) {
			t.Fatalf("round %d: %q, want %q", i, acls, want)
		}
	}
}

// TestYoungFilesAreReadAgain holds for kernels whose file times tick too slowly
// to tell two changes apart. A slow machine may miss the moment in one round,
// but not in all.
func TestYoungFilesAreReadAgain(t *testing.T) {
	book, root, _ := small(t, "")
	for range 100 {
		edit(t, root, "/var/cpanel/resellers", "reseller8:all\n")
		if first := current(t, book); first != current(t, book) {
			return
		}
	}
	t.Error("a file that has just changed is taken as settled")
}

// TestUnchangedHostGivesTheSameSnapshot ages the files first: young ones are
// read again.
func TestUnchangedHostGivesTheSameSnapshot(t *testing.T) {
	book, root, _ := small(t, "")
	settle(t, book, root)
	if first := current(t, book); first != current(t, book) {
		t.Error("read anew")
	}
}

// settle asks until the files are old enough to be trusted, which the file
// system's clock alone decides.
func settle(t testing.TB, book *cpanel.Book, root hostfs.Root) {
	t.Helper()
	for range 100_000 {
		if first := current(t, book); first == current(t, book) {
			return
		}
	}
	t.Fatal("never settles")
}

func TestPasswdIsUnreadable(t *testing.T) {
	for name, breakIt := range map[string]func(t *testing.T, path string) error{
		"gone":        func(_ *testing.T, path string) error { return os.Remove(path) },
		"empty":       func(_ *testing.T, path string) error { return os.Truncate(path, 0) },
		"not a file":  func(_ *testing.T, path string) error { _ = os.Remove(path); return os.Mkdir(path, 0o755) },
		"only rubble": func(_ *testing.T, path string) error { return os.WriteFile(path, []byte("\x00\x00\nroot\n"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			book, root, _ := small(t, registerPath)
			good := current(t, book)
			kept, err := os.ReadFile(root.Path("/etc/passwd"))
			if err != nil {
				t.Fatal(err)
			}
			if err := breakIt(t, root.Path("/etc/passwd")); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if s, err := book.Current(); err == nil || s != good {
					t.Fatalf("Current = %p, %v; want the last good snapshot %p and an error", s, err, good)
				}
			}
			_ = os.RemoveAll(root.Path("/etc/passwd"))
			edit(t, root, "/etc/passwd", string(kept))
			if got := tell(current(t, book).Who(1043, smallNow), 1043); got != "alice reseller7 known" {
				t.Errorf("afterwards uid 1043 is %q", got)
			}
		})
	}
}

func TestClockThatCannotBeRight(t *testing.T) {
	_, root, _ := small(t, "")
	book, err := cpanel.NewBook(cpanel.Options{Root: root, Now: func() time.Time { return time.Unix(86400, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := book.Current(); err == nil || s != nil {
		t.Errorf("Current = %v, %v", s, err)
	}
}

// TestManyAskAtOnce is for the race detector.
func TestManyAskAtOnce(t *testing.T) {
	book, root, _ := small(t, registerPath)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 20 {
				s, err := book.Current()
				if err != nil {
					t.Error(err)
					return
				}
				if s.Who(1043, smallNow).User != "alice" || s.Who(outbound.UID(5000+i*g), smallNow) == nil {
					t.Error("alice is gone")
				}
				if g == 0 {
					_ = os.Chtimes(root.Path("/etc/passwd"), smallNow, smallNow.Add(time.Duration(i)))
				}
			}
		})
	}
	wg.Wait()
}

func TestWhoCostsNothing(t *testing.T) {
	book, _, _ := small(t, "")
	s := current(t, book)
	for name, uid := range map[string]outbound.UID{"an account": 1046, "a system user": 0, "nobody": 777777, "no UID": outbound.NoUID} {
		s.Who(uid, smallNow)
		if n := testing.AllocsPerRun(100, func() { s.Who(uid, smallNow) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkWho(b *testing.B) {
	book, _, _ := small(b, "")
	s := current(b, book)
	for name, uid := range map[string]outbound.UID{"account": 1046, "ghost": 777777} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.Who(uid, smallNow)
			}
		})
	}
}

func BenchmarkCurrentUnchanged(b *testing.B) {
	book, root, _ := small(b, registerPath)
	settle(b, book, root)
	for b.Loop() {
		if _, err := book.Current(); err != nil {
			b.Fatal(err)
		}
	}
}
