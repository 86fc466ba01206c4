package store_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// traffic makes a server's log: 400 accounts, of which the first makes a tenth
// of all connections, 30,000 remote addresses, a twentieth of them IPv6.
type traffic struct {
	rng   *rand.Rand
	at    time.Time
	step  time.Duration
	whos  []*outbound.Who
	addrs []netip.Addr
	// popular gives a place in addrs, the first ones more often.
	popular *rand.Zipf
}

func newTraffic(perDay int) *traffic {
	tr := &traffic{rng: rand.New(rand.NewPCG(1, 2)), at: day, step: 2 * 24 * time.Hour / time.Duration(perDay)}
	for i := range 400 {
		tr.whos = append(tr.whos, &outbound.Who{
			Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: outbound.UID(1001 + i), Begin: 1}, User: outbound.Username(fmt.Sprint("user", i)),
			Owner: "root", Attribution: outbound.Known,
		})
	}
	for i := range 30000 {
		a := netip.AddrFrom4([4]byte{198, 18 + byte(i>>15), byte(i >> 7), byte(tr.rng.IntN(256))})
		if i%20 == 0 {
			a = netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::%x", i/20, tr.rng.IntN(65536)))
		}
		tr.addrs = append(tr.addrs, a)
	}
	tr.popular = rand.NewZipf(tr.rng, 1.1, 8, 29_999)
	tr.rng.Shuffle(len(tr.addrs), func(i, j int) { tr.addrs[i], tr.addrs[j] = tr.addrs[j], tr.addrs[i] })
	return tr
}

func (tr *traffic) batch(n int) []outbound.Event {
	out := make([]outbound.Event, n)
	for i := range out {
		tr.at = tr.at.Add(time.Duration(tr.rng.Int64N(int64(tr.step))))
		who := tr.whos[0]
		if tr.rng.IntN(10) > 0 {
			who = tr.whos[min(tr.rng.IntN(400), tr.rng.IntN(400))]
		}
		port := []uint16{443, 443, 443, 80, 22, 21, 3306}[tr.rng.IntN(7)]
		rule := map[uint16]string{443: "80:443", 80: "80:443", 22: "22", 21: "21", 3306: "other"}[port]
		e := outbound.Event{
			Time: tr.at.Truncate(time.Second), Who: who, UID: who.UID, GID: outbound.GID(who.UID), Src: netip.MustParseAddr("192.0.2.10"),
			Dst:     tr.addrs[tr.popular.Uint64()],
			SrcPort: uint16(32768 + tr.rng.IntN(28232)), DstPort: port, Proto: outbound.TCP, Rule: rule, Witness: outbound.Keyed,
		}
		e.Line = realLine(&e, tr.at, uint16(tr.rng.Uint32()))
		out[i] = e
	}
	return out
}

func realLine(e *outbound.Event, at time.Time, id uint16) []byte {
	up := at.Sub(day) + 40*time.Hour
	head := fmt.Sprintf("%s web01 kernel: [%5d.%06d] CSF-OUTBOUND:%s:=:Ab3dEf:IN= OUT=eth0 ", at.Format(time.Stamp), up/time.Second, up%time.Second/time.Microsecond, e.Rule)
	tail := fmt.Sprintf("PROTO=TCP SPT=%d DPT=%d WINDOW=64240 RES=0x00 SYN URGP=0 UID=%d GID=%d ", e.SrcPort, e.DstPort, e.UID, e.GID)
	if e.Dst.Is4() {
		return fmt.Appendf(nil, "%sSRC=%s DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=%d DF %s", head, e.Src, e.Dst, id, tail)
	}
	e.Src = netip.MustParseAddr("2001:db8::10")
	return fmt.Appendf(nil, "%sSRC=%s DST=%s LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=%d %s", head, e.Src.StringExpanded(), e.Dst.StringExpanded(), int(id)*15, tail)
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func openBench(b *testing.B) *store.Store {
	b.Helper()
	s, err := store.Open(store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// BenchmarkAppend stores batches of 10,000 events, as an import does. It tells
// CPU and bytes an event.
func BenchmarkAppend(b *testing.B) {
	tr := newTraffic(400_000)
	var batches [][]outbound.Event
	for range 40 {
		batches = append(batches, tr.batch(10_000))
	}
	for b.Loop() {
		b.StopTimer()
		s := openBench(b)
		b.StartTimer()
		before := cpu()
		for _, events := range batches {
			if err := s.Append(outbound.Batch{Events: events}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpu()-before)/400_000, "cpu-ns/event")
		used, _, err := s.Usage()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(used)/400_000, "B-file/event")
		b.ReportMetric(float64(store.Sealed(b, s))/400_000, "B-live/event")
	}
}

// BenchmarkRead asks a store of seven days, 1,400,000 events.
func BenchmarkRead(b *testing.B) {
	tr := newTraffic(200_000)
	s := openBench(b)
	for range 140 {
		if err := s.Append(outbound.Batch{Events: tr.batch(10_000)}); err != nil {
			b.Fatal(err)
		}
	}
	for name, q := range map[string]outbound.Query{
		"account bare":   {Account: "user0", Bare: true},
		"account":        {Account: "user0"},
		"rare address":   {Dst: netip.PrefixFrom(tr.addrs[29_990], tr.addrs[29_990].BitLen())},
		"popular":        {Dst: netip.PrefixFrom(tr.addrs[0], tr.addrs[0].BitLen())},
		"absent address": {Dst: netip.MustParsePrefix("203.0.113.7/32")},
	} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				n = 0
				err := s.Walk(b.Context(), outbound.Everything(), q, func(*outbound.Event) error { n++; return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "events")
		})
	}
	b.Run("groups by account", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Groups(b.Context(), outbound.Everything(), outbound.Query{}, outbound.ByAccount, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
}
