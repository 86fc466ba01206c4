package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"outboundmonitor/backend/ingest"
	"outboundmonitor/backend/outbound"
)

// sink is a store that keeps nothing.
type sink struct{}

func (sink) Append(outbound.Batch) error                               { return nil }
func (sink) Flush() error                                              { return nil }
func (sink) Holds(int64, int64) (bool, error)                          { return false, nil }
func (sink) Lines(time.Time, time.Time, func(time.Time, []byte)) error { return nil }
func (sink) Oldest() time.Time                                         { return time.Time{} }

// BenchmarkFlush takes in 15,000 lines of 240 bytes, 20 a second, with a parser
// that does next to nothing: what telling known lines from new ones costs.
func BenchmarkFlush(b *testing.B) {
	var text []byte
	const lines = 15_000
	for i := range lines {
		text = fmt.Appendf(text, "%d %0230d\n", 1_800_000_000+i/20, i)
	}
	in := ingest.New(ingest.Options{Store: sink{}, Next: next, Now: time.Now, Accounts: func() (ingest.Accounts, error) { return nobody{}, nil }})
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c := in.Chain(parse)
		if err := c.Add(text, outbound.Position{}, outbound.Position{}, false); err != nil {
			b.Fatal(err)
		}
		if err := c.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}
