package tail_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/tail"
)

// imported reads a file as an import does.
func imported(t *testing.T, path string) (text string, skipped int, err error) {
	t.Helper()
	f, err := tail.OpenFile(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	var b strings.Builder
	var last outbound.Position
	ended := false
	err = tail.Read(t.Context(), f, func(c tail.Chunk) error {
		if c.From != last || ended {
			t.Errorf("chunk from %+v after one to %+v, end %v", c.From, last, ended)
		}
		if len(c.Data) > 0 && (c.Data[len(c.Data)-1] != '\n' || c.Start+int64(len(c.Data)) != c.To.Offset) {
			t.Errorf("chunk of %d at %d to %+v", len(c.Data), c.Start, c.To)
		}
		b.Write(c.Data)
		skipped += c.Skipped
		last, ended = c.To, c.CaughtUp
		return nil
	})
	if ended != (err == nil) {
		t.Errorf("end told: %v, error: %v", ended, err)
	}
	if err == nil && f.Progress() != f.Size {
		t.Errorf("progress %d of %d at the end", f.Progress(), f.Size)
	}
	return b.String(), skipped, err
}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("line ")
		b.WriteString(strings.Repeat("z", i%97))
		b.WriteByte('\n')
	}
	return b.String()
}

func TestImportReadsToTheEnd(t *testing.T) {
	text := lines(20000)
	long := strings.Repeat("y", 9000)
	for name, c := range map[string]struct {
		data    []byte
		want    string
		skipped int
	}{
		"nothing":                       {nil, "", 0},
		"plain":                         {[]byte(text), text, 0},
		"a last line without its end":   {[]byte(text + "cut"), text, 3},
		"nothing but a cut line":        {[]byte("cut"), "", 3},
		"gzip":                          {zipped(t, []byte(text)), text, 0},
		"two gzip members, line in two": {append(zipped(t, []byte(text+"ab")), zipped(t, []byte("cd\n"))...), text + "abcd\n", 0},
		"gzip of nothing":               {zipped(t, nil), "", 0},
		"a long line in the middle":     {[]byte(text + long + "\n" + text), text + text, 9001},
		"a long line at the end":        {[]byte(text + long), text, 9000},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "any-name")
			if err := os.WriteFile(path, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			got, skipped, err := imported(t, path)
			if err != nil || got != c.want || skipped != c.skipped {
				t.Errorf("%d bytes, %d skipped, %v; want %d, %d", len(got), skipped, err, len(c.want), c.skipped)
			}
		})
	}
}

func TestDamagedImportGivesWhatItHas(t *testing.T) {
	text := lines(50000)
	whole := zipped(t, []byte(text))
	for name, data := range map[string][]byte{
		"cut":              whole[:len(whole)/2],
		"trailing rubbish": append(bytes.Clone(whole), "rubbish!!!"...),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "messages.gz")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			got, _, err := imported(t, path)
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one that names the file", err)
			}
			if len(got) < len(text)/4 || !strings.HasPrefix(text, got) {
				t.Errorf("%d bytes of %d before the damage", len(got), len(text))
			}
		})
	}
}

func TestImportRefusesWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a FIFO": fifo, "a folder": dir, "a device": "/dev/null"} {
		t.Run(name, func(t *testing.T) {
			if _, err := tail.OpenFile(path); !errors.Is(err, hostfs.ErrNotRegular) {
				t.Errorf("OpenFile = %v, want %v", err, hostfs.ErrNotRegular)
			}
		})
	}
	for name, magic := range map[string]string{"xz": "\xfd7zXZ\x00", "zstd": "\x28\xb5\x2f\xfd", "bzip2": "BZh9"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(magic+"rest"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := tail.OpenFile(path)
			var person *outbound.Error
			if !errors.As(err, &person) || !strings.Contains(err.Error(), name) {
				t.Errorf("OpenFile = %v, want an error for a person that names %s", err, name)
			}
		})
	}
}

// TestBombTakesNoMemory: 256 MiB of zeros in a quarter of a megabyte are one
// overlong line.
func TestBombTakesNoMemory(t *testing.T) {
	const size = 256 << 20
	path := filepath.Join(t.TempDir(), "bomb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(z, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, skipped, err := imported(t, path)
	runtime.ReadMemStats(&after)
	if got != "" || skipped != size || err != nil {
		t.Errorf("%d bytes, %d skipped, %v; want 0, %d", len(got), skipped, err, size)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// TestEndlessTextIsCutOff: a small file must not keep the reader busy for ever.
func TestEndlessTextIsCutOff(t *testing.T) {
	n, err := io.Copy(io.Discard, tail.Bounded(zeros{}, 1<<20))
	if n != 1<<20 || !errors.Is(err, hostfs.ErrTooLarge) {
		t.Errorf("read %d, %v; want %d and %v", n, err, 1<<20, hostfs.ErrTooLarge)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
