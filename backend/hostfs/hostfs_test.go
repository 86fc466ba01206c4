package hostfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"outboundmonitor/backend/hostfs"
)

func host(t *testing.T) (hostfs.Root, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := hostfs.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root, dir
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	root, dir := host(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600))
	must(os.Symlink("file", filepath.Join(dir, "link")))
	must(os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	must(syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))

	for _, name := range []string{"/link", "/folder", "/fifo", "/dev/../fifo"} {
		if f, err := root.Open(name); !errors.Is(err, hostfs.ErrNotRegular) {
			t.Errorf("Open(%s) = %v, %v; want ErrNotRegular", name, f, err)
		}
	}
	f, err := root.Open("/../../file")
	if err != nil {
		t.Fatalf("a climbing name must stay below the root: %v", err)
	}
	_ = f.Close()
}

func TestLargeFilesAreRefused(t *testing.T) {
	root, dir := host(t)
	if err := os.WriteFile(filepath.Join(dir, "big"), make([]byte, 11), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := root.ReadFile("/big", 10); !errors.Is(err, hostfs.ErrTooLarge) {
		t.Errorf("11 bytes of 10: %v, want ErrTooLarge", err)
	}
	if data, err := root.ReadFile("/big", 11); err != nil || len(data) != 11 {
		t.Errorf("11 bytes of 11: %d, %v", len(data), err)
	}
}

func TestWriteFileReplaces(t *testing.T) {
	root, dir := host(t)
	for _, text := range []string{"first", "second, longer"} {
		if err := root.WriteFile("/f", []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "f"))
		if err != nil || string(got) != text {
			t.Errorf("read %q, %v; want %q", got, err, text)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files left over, %v; want 1", len(left), err)
	}
}

func TestZone(t *testing.T) {
	root, dir := host(t)
	if z, err := root.Zone(); err != nil || z != time.UTC {
		t.Errorf("no localtime: %v, %v; want UTC", z, err)
	}
	if err := os.Mkdir(filepath.Join(dir, "etc"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/share/zoneinfo/Europe/Paris", filepath.Join(dir, "etc/localtime")); err != nil {
		t.Fatal(err)
	}
	z, err := root.Zone()
	if err != nil {
		t.Fatal(err)
	}
	if _, off := time.Date(2026, 7, 1, 0, 0, 0, 0, z).Zone(); off != 7200 {
		t.Errorf("offset %d in Paris in July, want 7200", off)
	}
}
