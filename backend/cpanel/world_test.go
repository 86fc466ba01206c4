package cpanel_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/cpanel"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// epoch is when each story begins.
var epoch = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)

// registerPath is where the register lies on a host.
const registerPath = "/var/lib/outboundmonitor/accounts.json"

// user is a user of the world; an account if file is set.
type user struct {
	name, uid string
	passwd    bool
	file      bool
	content   string
}

// world is a host whose history is being played.
type world struct {
	t     *testing.T
	dir   string
	root  hostfs.Root
	anew  bool
	book  *cpanel.Book
	snap  *cpanel.Snapshot
	now   time.Time
	users []*user
	// extra holds further lines by file; log the accounting log.
	extra map[string]string
	log   []string
}

func newWorld(t *testing.T, anew bool) *world {
	t.Helper()
	dir := t.TempDir()
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, dir: dir, root: root, anew: anew, now: epoch, extra: map[string]string{}}
}

// when reads "3d4h5m".
func when(s string) time.Time {
	var d, h, m int
	rest := s
	for rest != "" {
		i := strings.IndexAny(rest, "dhm")
		if i < 1 {
			panic("no time: " + s)
		}
		n, err := strconv.Atoi(rest[:i])
		if err != nil {
			panic("no time: " + s)
		}
		switch rest[i] {
		case 'd':
			d = n
		case 'h':
			h = n
		case 'm':
			m = n
		}
		rest = rest[i+1:]
	}
	return epoch.AddDate(0, 0, d).Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
}

// step plays one line of a script.
func (w *world) step(line string) {
	w.t.Helper()
	at, what, ok := strings.Cut(line, ":")
	if !ok {
		w.t.Fatalf("no step: %q", line)
	}
	w.now = when(at)
	down := false
	for act := range strings.SplitSeq(what, ";") {
		act = strings.TrimSpace(act)
		down = down || act == "down"
		w.do(act)
	}
	w.write()
	if !down {
		w.poll()
	}
}

func (w *world) poll() {
	w.t.Helper()
	if w.book == nil || w.anew {
		book, err := cpanel.NewBook(cpanel.Options{
			Root: w.root, Register: registerPath, Now: func() time.Time { return w.now },
			Logger: slog.New(slog.NewTextHandler(failOnLog{w.t}, nil)),
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.book = book
	}
	snap, err := w.book.Current()
	if err != nil {
		w.t.Fatal(err)
	}
	w.snap = snap
}

// failOnLog fails a test in which the Book has something to complain of.
type failOnLog struct{ t *testing.T }

func (f failOnLog) Write(p []byte) (int, error) { f.t.Errorf("logged: %s", p); return len(p), nil }

// do plays one act.
func (w *world) do(act string) {
	verb, rest, _ := strings.Cut(act, " ")
	a := strings.Fields(rest)
	switch verb {
	case "poll", "down":
	case "user": // NAME UID: a line in passwd
		w.user(a[0], a[1]).passwd = true
	case "account": // NAME UID [key=value...]: a line in passwd and a user file
		u := w.user(a[0], a[1])
		u.passwd, u.file, u.content = true, true, content(a[2:])
	case "file": // NAME [key=value...]: the user file anew
		u := w.user(a[0], "")
		u.file, u.content = true, content(a[1:])
	case "raw": // NAME LINE: a further line in the user file
		w.user(a[0], "").content += a[1] + "\n"
	case "empty": // NAME: a user file with nothing in it
		u := w.user(a[0], "")
		u.file, u.content = true, "\n"
	case "nofile":
		w.user(a[0], "").file = false
	case "nouser":
		w.user(a[0], "").passwd = false
	case "remove":
		w.users = slices.DeleteFunc(w.users, func(u *user) bool { return u.name == a[0] })
		_ = os.Remove(filepath.Join(w.dir, "var/cpanel/users", a[0]))
	case "rename": // OLD NEW
		_ = os.Remove(filepath.Join(w.dir, "var/cpanel/users", a[0]))
		w.user(a[0], "").name = a[1]
	case "uid": // NAME UID
		w.user(a[0], "").uid = a[1]
	case "log": // TIME FIELD...: a line in the accounting log
		w.log = append(w.log, when(a[0]).Format("Mon Jan _2 15:04:05 2006")+":"+strings.Join(a[1:], ":"))
	case "rawlog":
		w.log = append(w.log, rest)
	case "nolog":
		w.log = nil
	case "zone":
		w.link("etc/localtime", "../usr/share/zoneinfo/"+rest)
	case "resellers":
		w.extra["var/cpanel/resellers"] = rest + "\n"
	case "owners":
		w.extra["etc/trueuserowners"] = rest + "\n"
	case "logindefs":
		w.extra["etc/login.defs"] = "UID_MIN " + rest + "\n"
	case "rawpasswd":
		w.extra["etc/passwd"] += rest + "\n"
	default:
		w.t.Fatalf("no verb: %q", act)
	}
}

// user finds a user, or makes one if uid is given.
func (w *world) user(name, uid string) *user {
	for _, u := range w.users {
		if u.name == name && (uid == "" || u.uid == uid) {
			return u
		}
	}
	if uid == "" {
		w.t.Fatalf("no user %q", name)
	}
	u := &user{name: name, uid: uid}
	w.users = append(w.users, u)
	return u
}

func content(fields []string) string {
	b := strings.Builder{}
	b.WriteString("# made up\nPLAN=default\n")
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		switch k {
		case "start":
			fmt.Fprintf(&b, "STARTDATE=%d\n", when(v).Unix())
		case "owner":
			fmt.Fprintf(&b, "OWNER=%s\n", v)
		case "domain":
			fmt.Fprintf(&b, "DNS=%s\n", v)
		}
	}
	return b.String()
}

// write puts the world into its folder, as cPanel does: user files under a
// lock file in their folder.
func (w *world) write() {
	w.t.Helper()
	passwd := w.extra["etc/passwd"]
	for _, u := range w.users {
		if u.passwd {
			passwd += fmt.Sprintf("%s:x:%s:%s::/home/%s:/bin/bash\n", u.name, u.uid, u.uid, u.name)
		}
	}
	// Somebody is always there: a passwd without users is no passwd.
	w.put("etc/passwd", passwd+"bin:x:1:1:bin:/bin:/sbin/nologin\n")
	for file, text := range w.extra {
		if file != "etc/passwd" {
			w.put(file, text)
		}
	}
	w.put("var/cpanel/users/.lock", "")
	for _, u := range w.users {
		if u.file {
			w.put("var/cpanel/users/"+u.name, u.content)
		} else {
			_ = os.Remove(filepath.Join(w.dir, "var/cpanel/users", u.name))
		}
	}
	_ = os.Remove(filepath.Join(w.dir, "var/cpanel/users/.lock"))
	if len(w.log) == 0 {
		_ = os.Remove(filepath.Join(w.dir, "var/cpanel/accounting.log"))
		return
	}
	w.put("var/cpanel/accounting.log", strings.Join(w.log, "\n")+"\n")
}

func (w *world) put(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if old, err := os.ReadFile(path); err == nil && string(old) == text {
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) link(name, target string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		w.t.Fatal(err)
	}
}

// check asks one question of a table.
func (w *world) check(line string) {
	w.t.Helper()
	if wrong := w.answer(line); wrong != "" {
		w.t.Errorf("%s: %s", line, wrong)
	}
}

// answer tells what is wrong with a line of want; "" if nothing is.
func (w *world) answer(line string) string {
	f := strings.Fields(line)
	got, want := "", strings.Join(f[1:], " ")
	switch f[0] {
	case "owned": // OWNER UID@FROM...
		var all []string
		grants := w.snap.Owned(outbound.Username(f[1]))
		slices.SortFunc(grants, func(a, b outbound.Grant) int { return cmp.Compare(a.Instance.UID, b.Instance.UID) })
		for _, g := range grants {
			all = append(all, fmt.Sprintf("%d@%s", g.Instance.UID, stamp(g.From)))
		}
		got, want = strings.Join(all, " "), moments(f[2:])
	case "lives": // NAME UID@BEGIN[-END]...
		var all []string
		for _, l := range w.snap.Lives(outbound.Username(f[1])) {
			s := fmt.Sprintf("%d@%s", l.UID, stamp(time.Unix(l.Begin, 0)))
			if !l.End.IsZero() {
				s += "-" + stamp(l.End)
			}
			all = append(all, s)
		}
		got, want = strings.Join(all, " "), moments(f[2:])
	case "begin": // NAME TIME|-
		lives := w.snap.Lives(outbound.Username(f[1]))
		got, want = "none", moments(f[2:])
		if len(lives) == 1 && lives[0].Begin == 0 {
			got = "-"
		} else if len(lives) == 1 {
			got = stamp(time.Unix(lives[0].Begin, 0))
		}
	case "accounts":
		got = strconv.Itoa(w.snap.Accounts())
	case "same", "differ": // UID TIME TIME
		uid, _ := strconv.ParseUint(f[1], 10, 32)
		a, b := w.snap.Who(outbound.UID(uid), when(f[2])), w.snap.Who(outbound.UID(uid), when(f[3]))
		got, want = "differ", f[0]
		if a.Instance == b.Instance {
			got = "same"
		}
	default: // UID TIME WHO
		uid, err := strconv.ParseUint(f[0], 10, 32)
		if err != nil {
			return "no question"
		}
		got, want = tell(w.snap.Who(outbound.UID(uid), when(f[1])), outbound.UID(uid)), strings.Join(f[2:], " ")
	}
	if got != want {
		return fmt.Sprintf("got %q, want %q", got, want)
	}
	return ""
}

// tell puts a Who into the words of the tables, and proves its shape.
func tell(who *outbound.Who, uid outbound.UID) string {
	switch {
	case who == nil:
		return "nil"
	case who.UID != uid:
		return fmt.Sprintf("the UID %d", who.UID)
	case who.Kind == outbound.Unattributed:
		if *who != (outbound.Who{Instance: outbound.Instance{UID: uid}}) {
			return fmt.Sprintf("unattributed with %+v", *who)
		}
		return "-"
	case who.Kind == outbound.SystemUser:
		return string(who.User) + " system"
	}
	return fmt.Sprintf("%s %s %s", who.User, who.Owner, who.Attribution)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// moments puts the times in UID@TIME-TIME, or in TIME, into stamps.
func moments(fields []string) string {
	var all []string
	for _, f := range fields {
		uid, span, ok := strings.Cut(f, "@")
		if !ok {
			span = f
		}
		if span == "-" {
			all = append(all, f)
			continue
		}
		from, to, ended := strings.Cut(span, "-")
		s := stamp(when(from))
		if ok {
			s = uid + "@" + s
		}
		if ended {
			s += "-" + stamp(when(to))
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}
