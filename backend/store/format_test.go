package store_test

import (
	"compress/gzip"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

func document(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// section gives the document from a heading to the next one.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(document(t), "\n"+heading)
	if !ok {
		t.Fatalf("FORMAT.md has no %q", heading)
	}
	text, _, _ := strings.Cut(rest, "\n#")
	return text
}

func TestDocumentNamesEachNumber(t *testing.T) {
	for heading, c := range map[string]struct {
		all  map[string]byte
		from string // the text that begins the table, if there are two
	}{
		"### Columns":      {store.Columns, "| tag |"},
		"### Dictionaries": {store.Dicts, "| tag |"},
		"### Shapes":       {store.Parts, "| byte |"},
		"### Columns ":     {store.Forms, "| form |"},
	} {
		t.Run(heading+c.from, func(t *testing.T) {
			_, text, _ := strings.Cut(section(t, strings.TrimSpace(heading)), c.from)
			text, _, _ = strings.Cut(text, "\n\n")
			for name, number := range c.all {
				if !strings.Contains(text, fmt.Sprintf("\n| `0x%02x` | `%s` |", number, name)) {
					t.Errorf("no row for %s, %#02x", name, number)
				}
			}
			if rows := strings.Count(text, "\n| `0x"); rows != len(c.all) {
				t.Errorf("%d rows for %d numbers", rows, len(c.all))
			}
		})
	}
	if len(store.Columns) != int(store.LastColumn) {
		t.Errorf("%d columns have names, the last one is %d", len(store.Columns), store.LastColumn)
	}
	if len(store.Parts) != int(store.LastPart)+1 {
		t.Errorf("%d parts have names, the last one is %d", len(store.Parts), store.LastPart)
	}
}

func TestDocumentNamesSpreadsVersionsAndBounds(t *testing.T) {
	for name, number := range store.Columns {
		row := fmt.Sprintf("\n| `0x%02x` | `%s` | %s |", number, name, store.Spread(number))
		if !strings.Contains(section(t, "### Columns"), row) {
			t.Errorf("no row %q", row)
		}
	}
	for of, version := range store.Versions {
		if text := section(t, "## Versions"); !strings.Contains(text, "| "+of+" |") || !strings.Contains(text, fmt.Sprintf("| %d |", version)) {
			t.Errorf("version %d of %s is not there", version, of)
		}
	}
	flat := strings.Join(strings.Fields(document(t)), " ")
	for words, one := range store.Bounds {
		if one != 1 || !strings.Contains(flat, words) {
			t.Errorf("%q does not stand in the document, or does not hold any more", words)
		}
	}
}

func TestDocumentNamesEachBucket(t *testing.T) {
	text := section(t, "## Buckets of a day file")
	for _, b := range store.Buckets() {
		if !strings.Contains(text, "\n| `"+b+"` |") {
			t.Errorf("no row for bucket %s", b)
		}
	}
	path := filepath.Join(unpack(t), "events", "2026-11-05.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			if !strings.Contains(text, "\n| `"+string(name)+"` |") {
				t.Errorf("the recorded file has a bucket %s that the document has not", name)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

const recorded = "testdata/2026-11-05.db.gz"

var record = flag.Bool("record", false, "write the recorded store anew; see testdata/README.md")

// unpack gives a state folder that holds the recorded day.
func unpack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "events"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(recorded)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"events/2026-11-05.db": data, "store.key": []byte("key of the recorded small store.")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// answers tells in words what a store says: the whole of it, and some of its
// events.
func answers(t *testing.T, s *store.Store) string {
	t.Helper()
	var b strings.Builder
	sum := sha256.New()
	all := collect(t, s, outbound.Everything(), outbound.Query{OldestFirst: true})
	for i, e := range all {
		text := fmt.Sprintf("%s %s %+v gid=%d %s:%d > %s:%d %s rule=%s %s %s twin=%d %s", e.ID, e.Time.Format(time.RFC3339Nano), *e.Who, e.GID,
			e.Src, e.SrcPort, e.Dst, e.DstPort, e.Proto, e.Rule, e.Witness, e.Basis, e.Twin, e.Line)
		fmt.Fprintln(sum, text)
		if i%1000 == 0 {
			fmt.Fprintln(&b, text)
		}
	}
	fmt.Fprintf(&b, "%d events, SHA-256 %x\n", len(all), sum.Sum(nil))
	at, err := s.Resume("/var/log/messages")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "resume %+v\n", at)
	for _, by := range []outbound.GroupBy{outbound.ByAccount, outbound.ByDst, outbound.ByPort, outbound.ByHour} {
		groups, err := s.Groups(t.Context(), outbound.Everything(), outbound.Query{}, by, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			fmt.Fprintf(&b, "%s %s %d %s %s\n", by, g.Key, g.Events, g.First.Format(time.RFC3339Nano), g.Last.Format(time.RFC3339Nano))
		}
	}
	return b.String()
}

// TestRecordedOlderStoreAnswers opens a day file that an older program wrote,
// and goes on writing into it.
func TestRecordedOlderStoreAnswers(t *testing.T) {
	if *record {
		recordStore(t)
	}
	dir := unpack(t)
	s := open(t, dir)
	want, err := os.ReadFile("testdata/2026-11-05.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := answers(t, s); got != string(want) {
		t.Errorf("the recorded store answers\n%s, want\n%s", got, want)
	}
	m := newModel(t, 7)
	m.events = collect(t, s, outbound.Everything(), outbound.Query{})
	if err := s.Append(outbound.Batch{Events: m.make(5000, time.Date(2026, 11, 5, 3, 0, 0, 0, time.UTC), 2*time.Second)}); err != nil {
		t.Fatal(err)
	}
	same(t, collect(t, s, outbound.Everything(), outbound.Query{}), m.find(outbound.Everything(), outbound.Query{}))
}

// recordStore writes the recorded store and what it answers.
func recordStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "store.key"), []byte("key of the recorded small store."), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	m := newModel(t, 20261105)
	at := time.Date(2026, 11, 5, 1, 0, 0, 0, time.UTC)
	for i, n := range []int{4000, 200, 30, 1} {
		b := outbound.Batch{Events: m.make(n, at, 2*time.Second)}
		at = b.Events[n-1].Time
		b.From = outbound.Position{Chain: "/var/log/messages", Gen: 1, Offset: int64(i) * 1000}
		b.To = outbound.Position{Chain: "/var/log/messages", Gen: 1, Offset: int64(i+1) * 1000, Hash: 77, HashLen: 64}
		if err := s.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("testdata/2026-11-05.txt", []byte(answers(t, s)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	pack(t, compact(t, filepath.Join(dir, "events", "2026-11-05.db")))
}

// compact leaves out the pages that are free.
func compact(t *testing.T, path string) string {
	t.Helper()
	from, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := bolt.Open(path+".small", 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	to.AllocSize = 1 << 12
	if err := bolt.Compact(to, from, 0); err != nil {
		t.Fatal(err)
	}
	return path + ".small"
}

func pack(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(recorded)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}
