package config_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"outboundmonitor/backend/config"
	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// host gives a host whose settings file holds text.
func host(t *testing.T, text string) hostfs.Root {
	t.Helper()
	root, err := hostfs.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := root.MkdirAll("/etc/outboundmonitor", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root.Path(config.Path), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestSettingsThatHold(t *testing.T) {
	with := func(change func(*config.Config)) config.Config {
		c := config.Default()
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		text string
		want config.Config
	}{
		"an empty file means the defaults":  {"", config.Default()},
		"a comment means the defaults":      {"# nothing\n", config.Default()},
		"an empty table means the defaults": {"[store]\n", config.Default()},
		"one key leaves the others alone": {"[log]\npath = \"/var/log/kern.log\"\n",
			with(func(c *config.Config) { c.Log.Path = "/var/log/kern.log" })},
		"a dotted key is the same key": {"store.retention_days = 90\n",
			with(func(c *config.Config) { c.Store.RetentionDays = 90 })},
		"the smallest retention": {"store.retention_days = 1\n",
			with(func(c *config.Config) { c.Store.RetentionDays = 1 })},
		"the largest retention": {"store.retention_days = 3650\n",
			with(func(c *config.Config) { c.Store.RetentionDays = 3650 })},
		"sizes in text": {"[store]\nmax_disk = \"500 MiB\"\nmin_free = \"3TiB\"\n",
			with(func(c *config.Config) { c.Store.MaxDisk, c.Store.MinFree = "500 MiB", "3TiB" })},
		"the smallest sizes": {"[store]\nmax_disk = \"1024KiB\"\nmin_free = \"2GiB\"\n",
			with(func(c *config.Config) { c.Store.MaxDisk, c.Store.MinFree = "1024KiB", "2GiB" })},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := config.Load(host(t, c.text), config.Path)
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestAMissingFileMeansTheDefaults(t *testing.T) {
	root, err := hostfs.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(root, config.Path)
	if err != nil || got != config.Default() {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestFaultsAreNamed wants file, line, key and value of each fault, and a hint.
func TestFaultsAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"an unknown key": {"[store]\nretention_days = 9\nretention = 3\n",
			[]string{"line 3", "store.retention", "no such setting", "store.retention_days"}},
		"an unknown table": {"\n[strore]\nretention_days = 9\n",
			[]string{"line 2", "strore", "no such setting"}},
		"too short a retention": {"[log]\npath = \"/x\"\n[store]\nretention_days = 0\n",
			[]string{"line 4", "store.retention_days = 0", "at least 1", "default, 30"}},
		"too long a retention": {"\nstore.retention_days = 3651\n",
			[]string{"line 2", "store.retention_days = 3651", "at most 3650"}},
		"a relative path": {"[log]\n\n\npath = \"messages\"\n",
			[]string{"line 4", `log.path = "messages"`, "absolute"}},
		"a path with an escape character":   {"log.path = \"/a\\u001b[2J\"\n", []string{"line 1", `log.path = "/a\x1b[2J"`}},
		"a text where a number should be":   {"[store]\nretention_days = \"many\"\n", []string{"line 2", "retention_days", "many"}},
		"a fraction where days should be":   {"[store]\nretention_days = 1.5\n", []string{"line 2", "retention_days", "1.5"}},
		"a number too large for any number": {"[store]\nretention_days = 99999999999999999999\n", []string{"line 2", "99999999999999999999"}},
		"a size without a unit":             {"[store]\nmax_disk = \"500\"\n", []string{"line 2", `store.max_disk = "500"`, "500MiB", `"2GiB"`}},
		"a size in another unit":            {"[store]\nmax_disk = \"2GB\"\n", []string{"line 2", `"2GB"`}},
		"a number where a size should be":   {"[store]\nmax_disk = 500\n", []string{"line 2", "max_disk"}},
		"a size below zero":                 {"[store]\nmax_disk = \"-2GiB\"\n", []string{"line 2", `"-2GiB"`}},
		"a size beyond all numbers":         {"[store]\nmax_disk = \"9999999999TiB\"\n", []string{"line 2", "TiB"}},
		"a budget that holds nothing":       {"[store]\nmax_disk = \"1023KiB\"\n", []string{"line 2", "at least 1MiB"}},
		"less than must stay free":          {"[store]\nmin_free = \"2047MiB\"\n", []string{"line 2", "at least 2GiB", `"10%"`}},
		"nearly all of the disk":            {"[store]\nmin_free = \"91%\"\n", []string{"line 2", "90%"}},
		"a percentage of nothing":           {"[store]\nmin_free = \"%\"\n", []string{"line 2", `"%"`}},
		"a budget that is a percentage":     {"[store]\nmax_disk = \"10%\"\n", []string{"line 2", `"10%"`}},
		"a line that is no TOML":            {"[store]\nretention_days: 30\n", []string{"line 2", "retention_days: 30"}},
		"the same key twice":                {"[log]\npath = \"/a\"\npath = \"/b\"\n", []string{"line 3", "path"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(host(t, c.text), config.Path)
			var e *outbound.Error
			if !errors.As(err, &e) || e.Code != outbound.Invalid || e.Hint == "" {
				t.Fatalf("got %#v, want Invalid with a hint", err)
			}
			said := e.Error() + "\n" + e.Hint
			for _, w := range append(c.want, config.Path) {
				if !strings.Contains(said, w) {
					t.Errorf("%q is not in %q", w, said)
				}
			}
			if strings.Contains(e.Error(), "\n") {
				t.Errorf("more than one line: %q", e.Error())
			}
		})
	}
}

func TestAFolderIsNoSettingsFile(t *testing.T) {
	_, err := config.Load(host(t, ""), "/etc/outboundmonitor")
	var e *outbound.Error
	if !errors.As(err, &e) || e.Code != outbound.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsPrintedIsReadBack(t *testing.T) {
	want := config.Default()
	want.Log.Path = `/var/log/odd "name" \x`
	want.Store.RetentionDays = 77
	got, err := config.Load(host(t, string(want.TOML())), config.Path)
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// TestEachSettingIsExplained holds the default in each comment against the
// default in the code.
func TestEachSettingIsExplained(t *testing.T) {
	printed := string(config.Default().TOML())
	n := explained(t, reflect.ValueOf(config.Default()), printed)
	if n < 2 {
		t.Errorf("only %d settings seen", n)
	}
	if got := strings.Count(printed, "# Default: "); got != n {
		t.Errorf("%d defaults in comments for %d settings:\n%s", got, n, printed)
	}
}

func explained(t *testing.T, v reflect.Value, printed string) int {
	t.Helper()
	n := 0
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Type.Kind() == reflect.Struct {
			n += explained(t, v.Field(i), printed)
			continue
		}
		n++
		_, said, ok := strings.Cut(f.Tag.Get("comment"), "Default: ")
		key := f.Tag.Get("toml")
		if want := key + " = " + said; !ok || !strings.Contains(strings.ReplaceAll(printed, "'", `"`), want) {
			t.Errorf("%s: the comment's default %q is not the code's:\n%s", key, said, printed)
		}
	}
	return n
}

func FuzzLoad(f *testing.F) {
	f.Add(string(config.Default().TOML()))
	f.Add("store.retention_days = 0\n")
	f.Add("[[log]]\npath=\"/\"")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Load(host(t, text), config.Path)
		var e *outbound.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("an error for nobody: %v", err)
		}
		if err == nil && (c.Store.RetentionDays < 1 || c.Log.Path != "" && c.Log.Path[0] != '/') {
			t.Fatalf("settings that cannot hold: %+v", c)
		}
	})
}

// TestSizesAreBytes reads what the settings say in words.
func TestSizesAreBytes(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		max, free      string
		disk           int64
		bytes, minFree int64
	}{
		"the defaults on a large disk":         {"2GiB", "10%", 1000 * gib, 2 * gib, 100 * gib},
		"the defaults on a small disk":         {"2GiB", "10%", 8 * gib, 2 * gib, 2 * gib},
		"a size, whatever the disk":            {"500MiB", "5GiB", 8 * gib, 500 << 20, 5 * gib},
		"no part of the disk is still a floor": {"3 TiB", "0%", 8 * gib, 3 << 40, 2 * gib},
		"KiB":                                  {"4096KiB", "90%", 100 * gib, 4 << 20, 90 * gib},
	} {
		t.Run(name, func(t *testing.T) {
			s := config.Store{MaxDisk: c.max, MinFree: c.free}
			if got := s.MaxBytes(); got != c.bytes {
				t.Errorf("max_disk %s is %d, want %d", c.max, got, c.bytes)
			}
			if got := s.FreeBytes(c.disk); got < c.minFree-100 || got > c.minFree {
				t.Errorf("min_free %s is %d, want %d", c.free, got, c.minFree)
			}
		})
	}
}
