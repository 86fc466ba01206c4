package cpanel_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// registered gives a small host whose register is written, and its text.
func registered(t *testing.T) (hostfs.Root, string) {
	t.Helper()
	book, root, _ := small(t, registerPath)
	current(t, book)
	data, err := os.ReadFile(root.Path(registerPath))
	if err != nil {
		t.Fatal(err)
	}
	return root, string(data)
}

func TestRegisterIsPrivate(t *testing.T) {
	root, _ := registered(t)
	for name, want := range map[string]os.FileMode{registerPath: 0o600, path.Dir(registerPath): 0o700 | os.ModeDir} {
		fi, err := root.Stat(name)
		if err != nil || fi.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, fi.Mode(), err, want)
		}
	}
}

func TestDamagedRegisterIsSetAside(t *testing.T) {
	for name, damage := range map[string]func(string) string{
		"empty":                   func(string) string { return "" },
		"cut off":                 func(s string) string { return s[:len(s)/2] },
		"not JSON":                func(string) string { return "alice\n" },
		"another document":        func(string) string { return `{"schema":"x","lives":[]}` },
		"an unknown field":        func(s string) string { return strings.Replace(s, `"read":`, `"rad":`, 1) },
		"a life twice":            func(s string) string { return twice(t, s) },
		"a null":                  func(s string) string { return strings.Replace(s, `"lives": [`, `"lives": [null,`, 1) },
		"a UID that is too large": func(s string) string { return strings.Replace(s, `"uid": 1043`, `"uid": 99999999999`, 1) },
		"a name that is none":     func(s string) string { return strings.Replace(s, `"alice"`, `"../alice"`, 1) },
		"an account without owner": func(s string) string {
			return strings.Replace(s, `"account": true`, `"account": false`, 1)
		},
		"a negative time": func(s string) string { return strings.Replace(s, `"seen": `, `"seen": -`, 1) },
		"a domain that is none": func(s string) string {
			return strings.Replace(s, `"domain": "example.com"`, `"domain": "<example.com"`, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, text := registered(t)
			broken := damage(text)
			if broken == text {
				t.Fatal("nothing was damaged")
			}
			edit(t, root, registerPath, broken)
			for round := range 2 { // never over one that was set aside before
				log := &bytes.Buffer{}
				book, err := open(root, registerPath, log)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(log.String(), "set aside") || !strings.Contains(log.String(), registerPath+".damaged-") {
					t.Errorf("the log says %q", log)
				}
				if got := tell(current(t, book).Who(1043, smallNow), 1043); got != "alice reseller7 known" {
					t.Errorf("uid 1043 is %q", got)
				}
				if n := aside(t, root, broken); n != round+1 {
					t.Errorf("%d files set aside as they were, want %d", n, round+1)
				}
				edit(t, root, registerPath, broken)
			}
		})
	}
}

func twice(t *testing.T, s string) string {
	var doc map[string]any
	if err := json.Unmarshal([]byte(s), &doc); err != nil {
		t.Fatal(err)
	}
	lives := doc["lives"].([]any)
	doc["lives"] = append(lives, lives[0])
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// aside counts the files that were set aside with just this text.
func aside(t *testing.T, root hostfs.Root, text string) (n int) {
	t.Helper()
	entries, err := root.ReadDir(path.Dir(registerPath))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := root.ReadFile(path.Join(path.Dir(registerPath), e.Name()), 1<<20)
		if err == nil && strings.Contains(e.Name(), ".damaged-") && string(data) == text {
			n++
		}
	}
	return n
}

func TestRegisterOfANewerVersionIsLeftAlone(t *testing.T) {
	root, text := registered(t)
	newer := strings.Replace(text, "accounts/1", "accounts/2", 1)
	edit(t, root, registerPath, newer)
	_, err := open(root, registerPath, &bytes.Buffer{})
	var e *outbound.Error
	if !errors.As(err, &e) || e.Code != outbound.Conflict {
		t.Errorf("error %v", err)
	}
	if data, _ := os.ReadFile(root.Path(registerPath)); string(data) != newer {
		t.Error("it was changed")
	}
}

func TestRegisterIsWrittenOnlyWhenItChanged(t *testing.T) {
	book, root, _ := small(t, registerPath)
	current(t, book)
	before, err := root.Stat(registerPath)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, root, "/var/cpanel/resellers", "reseller8:all\n")
	current(t, book)
	after, err := root.Stat(registerPath)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("written though no account changed (%v)", err)
	}
	edit(t, root, "/var/cpanel/users/newcomer", "OWNER=reseller8\n")
	passwd, err := os.ReadFile(root.Path("/etc/passwd"))
	if err != nil {
		t.Fatal(err)
	}
	edit(t, root, "/etc/passwd", string(passwd)+"newcomer:x:1060:1060::/home/newcomer:/bin/sh\n")
	current(t, book)
	data, err := os.ReadFile(root.Path(registerPath))
	if err != nil || !strings.Contains(string(data), "newcomer") {
		t.Errorf("not written though an account came (%v)", err)
	}
}

// TestRegisterThatCannotBeWritten puts a file where its folder should be.
func TestRegisterThatCannotBeWritten(t *testing.T) {
	book, root, log := small(t, "/var/lib/outboundmonitor/accounts.json")
	if err := root.MkdirAll("/var/lib", 0o755); err != nil {
		t.Fatal(err)
	}
	edit(t, root, "/var/lib/outboundmonitor", "in the way")
	if got := tell(current(t, book).Who(1043, smallNow), 1043); got != "alice reseller7 known" {
		t.Errorf("uid 1043 is %q", got)
	}
	if !strings.Contains(log.String(), "cannot be written") {
		t.Errorf("the log says %q", log)
	}
}
