package demo_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/demo"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

var now = time.Date(2026, 11, 5, 13, 20, 40, 0, time.UTC)

func make1(t *testing.T, o demo.Options) (string, demo.Story) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "host")
	s, err := demo.Make(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return dir, s
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tree gives one hash of all names, contents and times of files below dir.
func tree(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if target, err := os.Readlink(path); err == nil {
			fmt.Fprintln(h, rel, "->", target)
			return nil
		}
		fmt.Fprintf(h, "%s\n%s", rel, read(t, dir, rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestTheSameSeedMakesTheSameBytes(t *testing.T) {
	small := demo.Options{Seed: 7, Now: now, Events: 30_000}
	a, _ := make1(t, small)
	b, _ := make1(t, small)
	if tree(t, a) != tree(t, b) {
		t.Error("seed 7 made two different hosts")
	}
	small.Seed = 8
	c, _ := make1(t, small)
	if tree(t, a) == tree(t, c) {
		t.Error("seeds 7 and 8 made the same host")
	}
}

func TestAFolderThatHoldsAnythingIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := demo.Make(dir, demo.Options{Now: now})
	var e *outbound.Error
	if !errors.As(err, &e) || e.Code != outbound.Conflict {
		t.Errorf("Make into a full folder: %v, want a conflict", err)
	}
}

func TestTheHostTellsOfEachAccount(t *testing.T) {
	dir, s := make1(t, demo.Options{Seed: 1, Now: now})
	log := read(t, dir, "/var/cpanel/accounting.log")
	passwd := read(t, dir, "/etc/passwd")
	for _, a := range s.Attacks {
		line := fmt.Sprintf("%s:x:%d:", a.Account, a.UID)
		if gone := a.Account == s.Removed.Name; strings.Contains(passwd, line) == gone {
			t.Errorf("/etc/passwd and %s (removed: %t) disagree", line, gone)
		}
	}
	for name, want := range map[string]string{
		"/var/cpanel/users/atelier":       "STARTDATE=",
		"/var/cpanel/users/harbor":        "OWNER=brightweb",
		"/var/cpanel/resellers":           "northhost:acct-summary,basic-whm-functions,list-accts,software-OutboundMonitor",
		"/etc/trueuserowners":             "harbor: brightweb",
		"/etc/userdomains":                "*: nobody",
		"/etc/csf/csf.conf":               `IPTABLES_LOG = "/var/log/messages"`,
		"/etc/wwwacct.conf":               "ADDR 192.0.2.10\n",
		"/var/cpanel/mainip":              "192.0.2.10\n",
		"/var/cpanel/suspended/radverein": "FTP",
		"/etc/login.defs":                 "UID_MIN 1000",
	} {
		if got := read(t, dir, name); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", name, want, got)
		}
	}
	if strings.Contains(read(t, dir, "/var/cpanel/users/vintage"), "STARTDATE") {
		t.Error("vintage should have no beginning on record")
	}
	at := func(c demo.Change) string { return c.At.In(s.Zone).Format(time.ANSIC) }
	for _, want := range []string{
		at(s.Removed) + ":REMOVE:root:root:oldforum.example.net:192.0.2.10:oldforum\n",
		at(s.Renamed) + ":CHANGEUSER:root:root:" + s.Renamed.Domain + ":tinashop:atelier\n",
		at(s.Moved) + ":CHANGEOWNER:root:root:" + s.Moved.Domain + ":harbor:northhost:brightweb\n",
		":192.0.2.10:tinashop\n", ":192.0.2.10:oldforum\n",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("accounting.log lacks %q", want)
		}
	}
}

func TestTheHostIsShownAsItWas(t *testing.T) {
	var dir string
	files := []string{"/etc/passwd", "/etc/trueuserowners", "/var/cpanel/accounting.log"}
	was := map[string]string{}
	look := func(at time.Time) error {
		if want := now.AddDate(0, 0, -7).Truncate(time.Minute); !at.Equal(want) {
			t.Errorf("looked at %v, want %v", at, want)
		}
		for _, name := range append(files, "/var/cpanel/users/oldforum", "/var/cpanel/users/tinashop") {
			was[name] = read(t, dir, name)
		}
		return nil
	}
	dir = filepath.Join(t.TempDir(), "host")
	if _, err := demo.Make(dir, demo.Options{Now: now, Events: 30_000, AsItWas: look}); err != nil {
		t.Fatal(err)
	}
	for name, then := range map[string][]string{
		"/etc/passwd":                {"\noldforum:", "\ntinashop:"},
		"/etc/trueuserowners":        {"harbor: northhost\n", "oldforum: northhost\n"},
		"/var/cpanel/users/tinashop": {"USER=tinashop\n"},
	} {
		for _, want := range then {
			if !strings.Contains(was[name], want) {
				t.Errorf("%s lacked %q", name, want)
			}
		}
	}
	if log := was["/var/cpanel/accounting.log"]; strings.Count(log, "oldforum") != 2 || strings.Contains(log, ":REMOVE:") || strings.Contains(log, ":CHANGE") {
		t.Errorf("accounting.log told of what had not happened:\n%s", log)
	}
	plain, _ := make1(t, demo.Options{Now: now, Events: 30_000})
	if tree(t, dir) != tree(t, plain) {
		t.Error("the host is another one because somebody looked at it")
	}
}

func TestTheZoneIsTheHosts(t *testing.T) {
	for sentence, c := range map[string]struct{ zone, want string }{
		"a zone that the machine knows":        {"Europe/Berlin", "Europe/Berlin"},
		"a zone that the machine lacks is UTC": {"Nowhere/Atlantis", "UTC"},
	} {
		if _, err := time.LoadLocation(c.zone); err != nil {
			c.want = "UTC"
		}
		dir, s := make1(t, demo.Options{Now: now, Zone: c.zone, Events: 30_000})
		root, err := hostfs.At(dir)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := root.Zone()
		if err != nil || zone.String() != c.want || s.Zone.String() != c.want {
			t.Errorf("%s: host %v (%v), story %v, want %s", sentence, zone, err, s.Zone, c.want)
		}
	}
}
