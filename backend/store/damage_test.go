package store_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

var day = time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)

// pieces gives what n events lead to on disk, and their accounts.
func pieces(t testing.TB, n int) (store.Pieces, []*outbound.Who) {
	t.Helper()
	var events []outbound.Event
	var whos []*outbound.Who
	for i := range n {
		e := event(day.Add(time.Duration(i)*time.Second), "Nov  5 02:11:03"+ours+packet)
		if i%3 == 0 {
			e.Dst = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)})
		} else {
			e.Dst = netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
		}
		e.SrcPort += uint16(i)
		whos = append(whos, e.Who)
		events = append(events, e)
	}
	p, err := store.Encode(events, day.Unix())
	if err != nil {
		t.Fatal(err)
	}
	return p, whos
}

// damage changes a copy of data: bits, bytes, lengths, order.
func damage(rng *rand.Rand, data []byte) []byte {
	out := append([]byte(nil), data...)
	for range 1 + rng.IntN(3) {
		if len(out) == 0 {
			return out
		}
		i := rng.IntN(len(out))
		if rng.IntN(3) == 0 {
			i = min(i, rng.IntN(16)) // the numbers stand in front
		}
		switch rng.IntN(5) {
		case 0:
			out[i] ^= 1 << rng.IntN(8)
		case 1:
			out[i] = []byte{0, 1, 0x7f, 0x80, 0xff}[rng.IntN(5)]
		case 2:
			out = out[:i]
		case 3:
			huge := binary.AppendUvarint(nil, rng.Uint64()>>rng.IntN(60))
			out = append(out[:i:i], append(huge, out[i:]...)...)
		default:
			out = append(out[:i:i], out[min(len(out), i+1+rng.IntN(8)):]...)
		}
	}
	return out
}

// readAll puts the same bytes to each reader.
func readAll(data []byte, whos []*outbound.Who) {
	_ = store.ReadBlock(data, whos)
	_ = store.ReadSegment(data, netip.MustParsePrefix("203.0.113.7/32"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("0.0.0.0/0"))
	_ = store.ReadHead(data, day.Unix(), whos)
}

func TestWholePiecesAreRead(t *testing.T) {
	p, whos := pieces(t, 200)
	for name, err := range map[string]error{
		"block": store.ReadBlock(p.Block, whos), "segment": store.ReadSegment(p.Segment), "head": store.ReadHead(p.Head, day.Unix(), whos),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamagedPiecesCostLittle reads damaged pieces: no panic, no memory or time
// beyond what the bounds allow.
func TestDamagedPiecesCostLittle(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	for _, n := range []int{1, 200} {
		p, whos := pieces(t, n)
		for range 400 {
			for _, data := range [][]byte{p.Block, p.Segment, p.Head} {
				bad := damage(rng, data)
				if used := allocated(func() { readAll(bad, whos) }); used > 64<<20 {
					t.Fatalf("%d MiB for %d bytes: %x", used>>20, len(bad), bad)
				}
			}
		}
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHugeClaimsAreRefused gives the readers numbers that no block has.
func TestHugeClaimsAreRefused(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<62)
	for name, c := range map[string]struct {
		data []byte
		read func([]byte) error
	}{
		"events of a block":      {append([]byte{1}, huge...), func(b []byte) error { return store.ReadBlock(b, nil) }},
		"pieces of a block":      {append([]byte{1, 1}, huge...), func(b []byte) error { return store.ReadBlock(b, nil) }},
		"accounts of a segment":  {append(append([]byte{1}, huge...), 0, 0, 0, 0, 0), func(b []byte) error { return store.ReadSegment(b) }},
		"addresses of a segment": {append(append([]byte{1, 0, 0}, huge...), 0, 0, 0), func(b []byte) error { return store.ReadSegment(b) }},
		"body of a segment":      {append(append([]byte{1, 0, 0, 1}, huge...), 0, 0, 0), func(b []byte) error { return store.ReadSegment(b) }},
		"nothing as a block":     {nil, func(b []byte) error { return store.ReadBlock(b, nil) }},
		"nothing as a segment":   {nil, func(b []byte) error { return store.ReadSegment(b) }},
		"nothing as a head":      {nil, func(b []byte) error { return store.ReadHead(b, 0, nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.read(c.data); err == nil {
				t.Error("was read")
			}
		})
	}
}

func FuzzPieces(f *testing.F) {
	p, whos := pieces(f, 50)
	for _, data := range [][]byte{p.Block, p.Segment, p.Head} {
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { readAll(data, whos) })
}

// edit changes a value of the recorded day file.
func edit(t *testing.T, dir, bucket string, key []byte, change func([]byte) []byte) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, "events", "2026-11-05.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		data := change(append([]byte(nil), b.Get(key)...))
		if data == nil {
			return b.Delete(key)
		}
		return b.Put(key, data)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamageIsSaidWithItsPlace damages one value of a day file each: the error
// names the file and what in it is damaged.
func TestDamageIsSaidWithItsPlace(t *testing.T) {
	gone := func([]byte) []byte { return nil }
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[at] ^= 0x55
			return b
		}
	}
	for name, c := range map[string]struct {
		bucket string
		key    []byte
		change func([]byte) []byte
		says   string
	}{
		"a block that is gone":            {"blocks", []byte{0, 0, 0, 0}, gone, "block 0"},
		"a block of another version":      {"blocks", []byte{0, 0, 0, 0}, flip(0), "block 0"},
		"a block cut in two":              {"blocks", []byte{0, 0, 0, 0}, cut, "block 0"},
		"a flipped bit within a block":    {"blocks", []byte{0, 0, 0, 0}, flip(20000), "block 0"},
		"an index segment cut in two":     {"index", []byte{0, 0, 0, 0, 0, 0, 0, 1}, cut, "index 0000000000000001"},
		"an index of another version":     {"index", []byte{0, 0, 0, 0, 0, 0, 0, 1}, flip(0), "index 0000000000000001"},
		"an account that is gone":         {"who", []byte{0, 0, 0, 2}, gone, "account 00000003"},
		"an account that is no JSON":      {"who", []byte{0, 0, 0, 2}, cut, "account 00000002"},
		"a sum cut in two":                {"sums", []byte{0, 0, 0, 0}, cut, "block 00000000"},
		"open rows of another version":    {"head", []byte{0, 0, 0, 1}, flip(0), "open rows 00000001"},
		"open rows cut in two":            {"head", []byte{0, 0, 0, 1}, cut, "open rows 00000001"},
		"a position that is no JSON":      {"chains", []byte("/var/log/messages"), cut, `position of "/var/log/messages"`},
		"a file of a later version":       {"meta", []byte("format"), func([]byte) []byte { return []byte{0, 0, 0, 2} }, "format 00000002"},
		"a file that says nothing itself": {"meta", []byte("format"), gone, "format"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := hashed(t)
			edit(t, dir, c.bucket, c.key, c.change)
			s := open(t, dir)
			err := s.Walk(t.Context(), outbound.Everything(), outbound.Query{Dst: netip.MustParsePrefix("0.0.0.0/0")}, func(*outbound.Event) error { return nil })
			if err == nil || !strings.Contains(err.Error(), "2026-11-05") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the walk says %v, want the file and %q", err, c.says)
			}
		})
	}
}

// hashed gives a store like the recorded one, whose blocks have their hashes.
func hashed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	m := newModel(t, 20261105)
	for _, n := range []int{4000, 200} {
		b := outbound.Batch{Events: m.make(n, day.Add(time.Hour), 2*time.Second), To: outbound.Position{Chain: "/var/log/messages", Gen: 1, Offset: 1}}
		if err := s.Append(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestDamagedPagesDoNotPanic overwrites parts of the file, and cuts it short:
// bbolt panics or faults, the store gives an error or what can still be read.
func TestDamagedPagesDoNotPanic(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	whole := filepath.Join(unpack(t), "events", "2026-11-05.db")
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range 24 {
		bad := append([]byte(nil), data...)
		if i%3 == 0 {
			bad = bad[:8192+rng.IntN(len(bad)-8192)]
		}
		for range rng.IntN(40) {
			at := 8192 + rng.IntN(len(bad)-8192)
			if i%2 == 0 {
				at = at / 4096 * 4096 // page heads
			}
			for j := at; j < min(at+16, len(bad)); j++ {
				bad[j] = byte(rng.IntN(256))
			}
		}
		if useDamaged(t, bad) != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed: the test does none")
	}
}

// useDamaged reads and writes a store with this day file.
func useDamaged(t *testing.T, file []byte) error {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "events"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "events", "2026-11-05.db"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	err := s.Walk(t.Context(), outbound.Everything(), outbound.Query{Dst: netip.MustParsePrefix("203.0.113.7/32")}, func(*outbound.Event) error { return nil })
	if more := s.Append(outbound.Batch{Events: newModel(t, 1).make(1000, day.Add(5*time.Hour), time.Second)}); err == nil {
		err = more
	}
	return err
}
