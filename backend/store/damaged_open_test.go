package store_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

// TestDamagedDayIsSaidToBeDamagedEachTime breaks the list of free pages, over
// which bbolt panics with the file open and locked.
//
// Source: type Meta in bbolt internal/common/meta.go.
func TestDamagedDayIsSaidToBeDamagedEachTime(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	m := newModel(t, 41)
	appendOK(t, s, outbound.Batch{Events: m.make(20, day.Add(time.Hour), time.Second)})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "events", "2026-11-05.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const freelist, flags = 48, 8
	size := int(binary.LittleEndian.Uint32(data[24:]))
	for _, meta := range []int{0, size} {
		at := int(binary.LittleEndian.Uint64(data[meta+freelist:])) * size
		data[at+flags] = 0
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	for range 2 {
		err := s.Append(outbound.Batch{Events: m.make(1, day.Add(2*time.Hour), time.Second)})
		if err == nil || !strings.Contains(err.Error(), "damaged: ") {
			t.Errorf("a damaged file is said to be %v", err)
		}
	}
}
