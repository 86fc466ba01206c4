package ingest_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"outboundmonitor/backend/ingest"
	"outboundmonitor/backend/outbound"
)

// memory is a store in memory. It keeps a batch whole or not at all; across
// midnight, the first day or all. A part of an import waits for Flush, and is
// gone if anything fails before.
type memory struct {
	events []outbound.Event
	held   []outbound.Event
	at     outbound.Position
	oldest time.Time
	// fail says what the next Append does; it is asked each time.
	fail func() failure
}

type failure int

const (
	works failure = iota
	failsWhole
	failsAfterFirstDay
)

var errDisk = errors.New("no space left on device")

func (m *memory) Append(b outbound.Batch) error {
	how := works
	if m.fail != nil {
		how = m.fail()
	}
	for _, e := range b.Events {
		if how == failsAfterFirstDay && e.Time.YearDay() != b.Events[0].Time.YearDay() {
			continue
		}
		e.Line = bytes.Clone(e.Line)
		switch {
		case how == failsWhole:
		case b.More:
			m.held = append(m.held, e)
		default:
			m.events = append(m.events, e)
		}
	}
	if how != works {
		m.held = nil
		return errDisk
	}
	if b.To.Chain != "" {
		m.at = b.To
	}
	return nil
}

func (m *memory) Flush() error {
	if m.fail != nil && m.fail() != works {
		m.held = nil
		return errDisk
	}
	m.events, m.held = append(m.events, m.held...), nil
	return nil
}

func (m *memory) all() []outbound.Event { return append(slices.Clip(m.events), m.held...) }

func (m *memory) Holds(since, until int64) (bool, error) {
	return slices.ContainsFunc(m.all(), func(e outbound.Event) bool { return e.Time.Unix() >= since && e.Time.Unix() < until }), nil
}

func (m *memory) Lines(since, until time.Time, f func(time.Time, []byte)) error {
	for _, e := range m.all() {
		if !e.Time.Before(since) && e.Time.Before(until) {
			f(e.Time, e.Line)
		}
	}
	return nil
}

func (m *memory) Oldest() time.Time { return m.oldest }

type nobody struct{}

func (nobody) Who(uid outbound.UID, _ time.Time) *outbound.Who {
	return &outbound.Who{Instance: outbound.Instance{UID: uid}}
}

func newIngest(m *memory) *ingest.Ingest {
	return ingest.New(ingest.Options{
		Store: m, Next: next, Now: time.Now,
		Accounts: func() (ingest.Accounts, error) { return nobody{}, nil },
	})
}

// next finds lines that begin with a digit.
func next(data []byte) (from, to int) {
	for at := 0; at < len(data); {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			end = len(data) - at
		}
		if end > 0 && data[at] >= '0' && data[at] <= '9' {
			return at, at + end
		}
		at += end + 1
	}
	return -1, 0
}

type fault struct{}

func (fault) Error() string  { return "no time" }
func (fault) KindOf() string { return "cut" }

// parse reads "UNIX-SECONDS text".
func parse(line []byte, _ time.Time, e *outbound.Event) error {
	stamp, _, ok := bytes.Cut(line, []byte(" "))
	unix, err := strconv.ParseInt(string(stamp), 10, 64)
	if !ok || err != nil {
		return fault{}
	}
	e.Time, e.Line = time.Unix(unix, 0).UTC(), line
	return nil
}

// log is a log with its rotations: what one chain reads.
type log []string

// count counts each line.
func (l log) count() map[string]int {
	n := map[string]int{}
	for _, line := range l {
		n[line]++
	}
	return n
}

// world makes logs at random: one that is followed, and files that are
// imported, which hold parts of it, more of it, or what it lost.
type world struct {
	rng  *rand.Rand
	live log
	rest []log
}

var midnight = time.Date(2026, 11, 6, 0, 0, 0, 0, time.UTC)

func newWorld(rng *rand.Rand) *world {
	w := &world{rng: rng}
	at := midnight.Unix() - 400
	var truth log
	for range 300 {
		at += int64(rng.IntN(6))
		line := fmt.Sprintf("%d %d", at-int64(rng.IntN(3)), rng.IntN(3))
		for range 1 + rng.IntN(3)/2*rng.IntN(4) {
			truth = append(truth, line)
		}
	}
	w.live = w.like(truth, 95)
	for range rng.IntN(4) {
		from := rng.IntN(len(truth))
		part := truth[from : from+rng.IntN(len(truth)-from)]
		w.rest = append(w.rest, w.like(part, []int{50, 90, 100}[rng.IntN(3)]))
	}
	if rng.IntN(2) == 0 {
		w.rest = append(w.rest, slices.Clone(w.live)) // a copy
	}
	return w
}

// like gives so many per cent of the lines.
func (w *world) like(l log, percent int) log {
	var out log
	for _, line := range l {
		if w.rng.IntN(100) < percent {
			out = append(out, line)
		}
	}
	return out
}

// want is what must be stored: for each line the largest count in any log.
func (w *world) want(oldest time.Time) map[string]int {
	want := map[string]int{}
	for _, l := range append(w.rest, w.live) {
		for line, n := range l.count() {
			var e outbound.Event
			if parse([]byte(line), time.Time{}, &e) == nil && !e.Time.Before(oldest) {
				want[line] = max(want[line], n)
			}
		}
	}
	return want
}

// reader takes a log in, a few lines at a time.
type reader struct {
	w     *world
	lines log
	done  int // lines that are taken in and lasting
	chain *ingest.Chain
	// follow: its position is kept, and it goes on there after a restart.
	follow bool
	read   int // lines of this process, those read again not counted
}

func (r *reader) position(line int) outbound.Position {
	if !r.follow {
		return outbound.Position{}
	}
	return outbound.Position{Chain: "/var/log/messages", Gen: 1 + uint32(line/200), Offset: int64(line % 200)}
}

func text(l log) []byte {
	var b []byte
	for _, line := range l {
		b = append(append(b, "noise\n"+line...), '\n')
	}
	return b
}

// step takes some more lines in. It reports false if the store failed.
func (r *reader) step() bool {
	n := min(1+r.w.rng.IntN(60), len(r.lines)-r.done)
	from, end := r.done, r.done+n
	for at := from; at < end; {
		// A read ends where a file ends, and anywhere.
		to := min(end, at+1+r.w.rng.IntN(20), (at/200+1)*200)
		if err := r.chain.Add(text(r.lines[at:to]), r.position(at), r.position(to), false); err != nil {
			return false
		}
		at = to
	}
	for tries := 0; r.chain.Flush() != nil; tries++ {
		if tries == 3 {
			return false
		}
	}
	if !r.follow && end == len(r.lines) && r.chain.Close() != nil {
		return false
	}
	r.done, r.read = end, r.read+n
	return true
}

// begin begins reading after a start of the process; what precedes the position
// is read again to be counted.
func (r *reader) begin(in *ingest.Ingest, m *memory, warm bool) {
	r.chain, r.done, r.read = in.Chain(parse), 0, 0
	if !r.follow {
		return
	}
	r.done = max(0, int(m.at.Gen)-1)*200 + int(m.at.Offset)
	if from := max(0, r.done-60); warm && from < r.done {
		if err := r.chain.Add(text(r.lines[from:r.done]), r.position(r.done), r.position(r.done), true); err != nil {
			panic(err)
		}
	}
}

// run takes in all logs, in turns, with restarts and failures.
func (w *world) run(m *memory, warm bool) []*reader {
	readers := []*reader{{w: w, lines: w.live, follow: true}}
	for _, l := range w.rest {
		readers = append(readers, &reader{w: w, lines: l})
	}
	in := newIngest(m)
	for _, r := range readers {
		r.begin(in, m, warm)
	}
	for {
		open := slices.DeleteFunc(slices.Clone(readers), func(r *reader) bool { return r.done == len(r.lines) })
		if len(open) == 0 {
			return readers
		}
		r := open[w.rng.IntN(len(open))]
		if r.step() && w.rng.IntN(12) > 0 {
			continue
		}
		in = newIngest(m) // the process begins anew, imports from their start
		m.held = nil
		for _, r := range readers {
			if r.follow || r.done < len(r.lines) {
				r.begin(in, m, warm)
			}
		}
	}
}

// stored counts the lines that are stored, and checks that twins are told apart.
func (m *memory) stored(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	twins := map[string]bool{}
	for _, e := range m.events {
		n[string(e.Line)]++
		name := fmt.Sprint(e.Twin, " ", string(e.Line))
		if twins[name] || e.Who == nil {
			t.Errorf("two events are twin %s", name)
		}
		twins[name] = true
	}
	return n
}

func TestEachLineIsStoredOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for i := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, i))
		w, m := newWorld(rng), &memory{}
		if i%2 == 0 {
			m.fail = func() failure { return []failure{works, works, works, failsWhole, failsAfterFirstDay}[rng.IntN(5)] }
		}
		if i%5 == 0 {
			m.oldest = midnight
		}
		w.run(m, true)
		if got, want := m.stored(t), w.want(m.oldest); !maps.Equal(got, want) {
			t.Fatalf("world %d: %s", i, difference(got, want))
		}
	}
}

func difference(got, want map[string]int) string {
	for line, n := range want {
		if got[line] != n {
			return fmt.Sprintf("%q is stored %d times, want %d", line, got[line], n)
		}
	}
	for line, n := range got {
		if want[line] != n {
			return fmt.Sprintf("%q is stored %d times, want %d", line, n, want[line])
		}
	}
	return "no difference"
}

// TestWithoutWarmUpTwinsAreLost shows why lines are read again after a start,
// and that the test above can fail.
func TestWithoutWarmUpTwinsAreLost(t *testing.T) {
	for i := range uint64(100) {
		w, m := newWorld(rand.New(rand.NewPCG(1, i))), &memory{}
		w.rest = nil
		w.run(m, false)
		if !maps.Equal(m.stored(t), w.want(time.Time{})) {
			return
		}
	}
	t.Error("nothing was lost in 100 worlds")
}

func TestCountsTellWhatBecameOfEachLine(t *testing.T) {
	m := &memory{oldest: time.Unix(1000, 0)}
	c := newIngest(m).Chain(parse)
	lines := log{"999 old", "1000 a", "1000 a", "1001 b", "12x", "1"}
	take := func(want outbound.Counts, first, last int64) {
		t.Helper()
		if err := c.Add(text(lines), outbound.Position{}, outbound.Position{}, false); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		got, extent := c.Counts()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		if extent.First.Unix() != first || extent.Last.Unix() != last || extent.Events != got.Stored {
			t.Errorf("extent %+v", extent)
		}
	}
	take(outbound.Counts{Read: 6, Stored: 3, Expired: 1, Rejected: map[string]int{"cut": 2}}, 1000, 1001)
	c = newIngest(m).Chain(parse)
	take(outbound.Counts{Read: 6, Known: 3, Expired: 1, Rejected: map[string]int{"cut": 2}}, 1000, 1001)
}

// TestFailedFlushCanBeCalledAgain fails a Flush, and looks that it left no
// count behind.
func TestFailedFlushCanBeCalledAgain(t *testing.T) {
	for name, how := range map[string]failure{"nothing was stored": failsWhole, "the first day was stored": failsAfterFirstDay} {
		t.Run(name, func(t *testing.T) {
			m := &memory{fail: func() failure { return how }}
			c := newIngest(m).Chain(parse)
			at := midnight.Unix()
			lines := log{fmt.Sprint(at-2, " a"), fmt.Sprint(at-2, " a"), fmt.Sprint(at+1, " b"), fmt.Sprint(at+1, " b")}
			if err := c.Add(text(lines), outbound.Position{Chain: "x"}, outbound.Position{Chain: "x", Offset: 9}, false); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := c.Flush(); !errors.Is(err, errDisk) {
					t.Fatalf("Flush gives %v", err)
				}
				if counts, extent := c.Counts(); counts.Read != 0 || extent.Events != 0 {
					t.Errorf("a failed Flush counts %+v, %+v", counts, extent)
				}
			}
			m.fail = nil
			if err := c.Flush(); err != nil {
				t.Fatal(err)
			}
			if got, want := m.stored(t), lines.count(); !maps.Equal(got, want) {
				t.Error(difference(got, want))
			}
			if counts, _ := c.Counts(); counts.Read != 4 || counts.Stored+counts.Known != 4 {
				t.Errorf("counts %+v", counts)
			}
		})
	}
}

// TestPositionEndsWithItsFile adds lines over a rotation: no batch holds lines of
// two files, for its position names one.
func TestPositionEndsWithItsFile(t *testing.T) {
	m := &memory{}
	c := newIngest(m).Chain(parse)
	add := func(line string, from, to outbound.Position) {
		t.Helper()
		if err := c.Add([]byte(line), from, to, false); err != nil {
			t.Fatal(err)
		}
	}
	p := func(gen uint32, offset int64) outbound.Position {
		return outbound.Position{Chain: "/var/log/messages", Gen: gen, Offset: offset}
	}
	add("1000 a\n", p(1, 0), p(1, 7))
	add("1001 b\n", p(1, 7), p(1, 14))
	if len(m.events) != 0 {
		t.Error("stored before Flush")
	}
	add("1002 c\n", p(2, 0), p(2, 7))
	if len(m.events) != 2 || m.at != p(1, 14) {
		t.Errorf("%d events and %+v when the next file begins", len(m.events), m.at)
	}
	if err := c.Flush(); err != nil || m.at != p(2, 7) || len(m.events) != 3 {
		t.Errorf("%v, %+v, %d events", err, m.at, len(m.events))
	}
}

// TestInterruptedImportSaysSo lets the store fail for another chain while an
// import has lines in memory: the import must not end as if all were stored.
func TestInterruptedImportSaysSo(t *testing.T) {
	m := &memory{}
	in := newIngest(m)
	imported, followed := in.Chain(parse), in.Chain(parse)
	add := func(c *ingest.Chain, line string, to outbound.Position) error {
		t.Helper()
		if err := c.Add([]byte(line), outbound.Position{Chain: to.Chain}, to, false); err != nil {
			t.Fatal(err)
		}
		return c.Flush()
	}
	if err := add(imported, "1000 a\n", outbound.Position{}); err != nil {
		t.Fatal(err)
	}
	m.fail = func() failure { return failsWhole }
	if err := add(followed, "1001 b\n", outbound.Position{Chain: "x", Offset: 7}); !errors.Is(err, errDisk) {
		t.Fatalf("the failure is %v", err)
	}
	m.fail = nil
	if err := imported.Close(); err == nil {
		t.Errorf("the import ends well, and %d lines are stored", len(m.events))
	}
	again := in.Chain(parse)
	if err := add(again, "1000 a\n", outbound.Position{}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(again.Close(), followed.Flush()); err != nil || len(m.events) != 2 {
		t.Errorf("%v, %d lines are stored, want 2", err, len(m.events))
	}
}

// TestHourThatOccursTwiceIsStoredOnce reads a part of a log whose lines are
// placed in the other of the two hours, for want of the lines before them.
func TestHourThatOccursTwiceIsStoredOnce(t *testing.T) {
	for name, apart := range map[string]time.Duration{"an hour later": time.Hour, "an hour earlier": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			m := &memory{}
			in := newIngest(m)
			place := func(by time.Duration) ingest.Parser {
				return func(line []byte, received time.Time, e *outbound.Event) error {
					err := parse(line, received, e)
					e.Time, e.Basis = e.Time.Add(by), outbound.AmbiguousDST
					return err
				}
			}
			lines := log{"1000 a", "1000 a", "1001 b"}
			for i, by := range []time.Duration{0, apart} {
				c := in.Chain(place(by))
				if err := c.Add(text(lines[:3-i]), outbound.Position{}, outbound.Position{}, false); err != nil {
					t.Fatal(err)
				}
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if got := m.stored(t); !maps.Equal(got, lines.count()) {
				t.Error(difference(got, lines.count()))
			}
		})
	}
}
