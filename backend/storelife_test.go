package backend_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/backend/store"
)

// What is here is shared by the tests of torn writes, of power cuts and of
// failing system calls: a store in a process of its own that does what a plan
// says and tells of each step, and the oracle of what has to be found after.

const (
	lifeDir      = "OUTBOUNDMONITOR_LIFE_DIR"
	lifeSeed     = "OUTBOUNDMONITOR_LIFE_SEED"
	lifeSize     = "OUTBOUNDMONITOR_LIFE_SIZE"
	lifeUnsynced = "OUTBOUNDMONITOR_LIFE_UNSYNCED"
	lifeAsked    = "OUTBOUNDMONITOR_LIFE_ASKED"
)

// TestStoreInItsOwnProcess is no test but the store that others start and stop:
// this binary started again, with a folder in the environment. It says "begin N"
// and "done N" around each step of its plan on the standard output; where it is asked
// to, it waits for a byte after each "begin". It ends with its standard input, so
// that it never outlives the test.
func TestStoreInItsOwnProcess(t *testing.T) {
	dir := os.Getenv(lifeDir)
	if dir == "" {
		return
	}
	asked := make(chan struct{})
	go func() {
		in := bufio.NewReader(os.Stdin)
		for {
			if _, err := in.ReadByte(); err != nil {
				os.Exit(3)
			}
			asked <- struct{}{}
		}
	}()
	// A system call that is to fail is counted in each thread.
	runtime.LockOSThread()
	seed, err := strconv.ParseUint(os.Getenv(lifeSeed), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.Atoi(os.Getenv(lifeSize))
	if err != nil {
		t.Fatal(err)
	}
	l := &life{plan: newPlan(seed, size), dir: dir, unsynced: os.Getenv(lifeUnsynced) != ""}
	if os.Getenv(lifeAsked) != "" {
		l.asked = asked
	}
	l.run()
}

// life is a store that does what its plan says.
type life struct {
	plan     *plan
	dir      string
	unsynced bool
	asked    chan struct{} // to take the next step; nil: not waited for
	s        *store.Store
	now      time.Time
}

// run takes the steps. A step that fails is taken once more, as the intake
// does: what is stored by then is known by its content.
func (l *life) run() {
	for i, step := range l.plan.steps {
		l.now = step.now
		fmt.Printf("begin %d\n", i)
		if l.asked != nil {
			<-l.asked
		}
		err := l.take(step)
		if err != nil {
			fmt.Printf("error %d %v\n", i, err)
			err = l.again(i)
		}
		if err != nil {
			fmt.Printf("gave up %d %v\n", i, err)
			break
		}
		fmt.Printf("done %d\n", i)
	}
	if l.s != nil {
		_ = l.s.Close()
	}
}

func (l *life) open() (err error) {
	if l.s == nil {
		l.s, err = store.Open(store.Options{
			Dir: l.dir, Retention: retention, Now: func() time.Time { return l.now }, Unsynced: l.unsynced,
		})
	}
	return err
}

func (l *life) take(p step) error {
	if err := l.open(); err != nil {
		return err
	}
	switch p.what {
	case follow, importing:
		return l.s.Append(p.batch)
	case flush:
		return l.s.Flush()
	case squeeze:
		days, err := l.s.Squeeze()
		fmt.Printf("squeezed %v\n", days)
		return err
	case prune:
		_, err := l.s.Prune()
		return err
	}
	err := l.s.Close()
	l.s = nil
	return err
}

// again takes a step that failed once more. A batch that failed may be stored,
// and of an import that failed what was in memory is gone: what is stored by
// now is known by its content, and the rest is taken in again.
func (l *life) again(i int) error {
	p := l.plan.steps[i]
	if p.what == squeeze || p.what == prune || p.what == reopen {
		return l.take(p)
	}
	if err := l.open(); err != nil {
		return err
	}
	batch := p.batch
	if p.what != follow {
		batch = l.plan.importedSoFar(i)
	}
	rest, err := unstored(l.s, batch)
	if err == nil && (len(rest.Events) > 0 || len(batch.Events) == 0) {
		err = l.s.Append(rest)
	}
	if err == nil && p.what == flush {
		err = l.s.Flush()
	}
	return err
}

// importedSoFar gives in one batch all of an import up to a step.
func (p *plan) importedSoFar(i int) outbound.Batch {
	b := outbound.Batch{More: true}
	for ; i >= 0 && (p.steps[i].what == importing || p.steps[i].what == flush); i-- {
		b.Events = append(b.Events, p.steps[i].batch.Events...)
	}
	return b
}

// unstored leaves of a batch what the store has not.
func unstored(s *store.Store, b outbound.Batch) (outbound.Batch, error) {
	have := map[string]bool{}
	if len(b.Events) == 0 {
		return b, nil
	}
	since, until := b.Events[0].Time, b.Events[0].Time
	for _, e := range b.Events {
		since, until = earlier(since, e.Time), later(until, e.Time)
	}
	err := s.Lines(since, until.Add(time.Second), func(_ time.Time, line []byte) { have[string(line)] = true })
	b.Events = slices.DeleteFunc(slices.Clone(b.Events), func(e outbound.Event) bool { return have[string(e.Line)] })
	return b, err
}

// retention is for how many days the store keeps events.
const retention = 2

// Kinds of steps.
const (
	follow    = "follow"
	importing = "import"
	flush     = "flush"
	squeeze   = "squeeze"
	prune     = "prune"
	reopen    = "reopen"
)

type step struct {
	what  string
	now   time.Time
	batch outbound.Batch
	// from and to are the numbers of the batch's events.
	from, to int
}

// plan is what a store does in its life, and all that it is ever given.
type plan struct {
	r      *rand.Rand
	whos   []*outbound.Who
	events []outbound.Event
	number map[string]int // of an event, by its line
	steps  []step
	offset int64 // in the log that is followed
	now    time.Time
	// unsynced says that files may be cut short: bbolt's check, which is a
	// goroutine of its own, would end the test.
	unsynced bool
}

// newPlan makes the plan of a seed: five days, each with about size events.
func newPlan(seed uint64, size int) *plan {
	p := &plan{r: rand.New(rand.NewPCG(seed, 7)), number: map[string]int{}, now: time.Date(2026, 11, 4, 0, 10, 0, 0, time.UTC)}
	for i := range 20 {
		name := outbound.Username(fmt.Sprintf("acct%02d", i))
		p.whos = append(p.whos, &outbound.Who{
			Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: outbound.UID(1000 + i), Begin: 1700000000},
			User: name, Owner: "root", Attribution: outbound.Known,
		})
	}
	first := p.now
	p.day(first, size)
	p.straddle(first.AddDate(0, 0, 1), 40+p.r.IntN(size/8))
	p.day(first.AddDate(0, 0, 1), size/4)
	p.add(step{what: squeeze})
	p.late(first, 100)
	p.add(step{what: reopen})
	p.imported(first.AddDate(0, 0, 1), size/4)
	p.straddle(first.AddDate(0, 0, 2), 60)
	p.day(first.AddDate(0, 0, 2), size/8)
	p.add(step{what: squeeze})
	p.late(first, 10)
	p.straddle(first.AddDate(0, 0, 3), 30)
	p.add(step{what: prune})
	p.day(first.AddDate(0, 0, 3), size/8)
	p.add(step{what: reopen})
	p.straddle(first.AddDate(0, 0, 4), 30)
	p.add(step{what: prune})
	p.day(first.AddDate(0, 0, 4), 100)
	return p
}

func (p *plan) add(s step) {
	s.now = p.now
	p.steps = append(p.steps, s)
}

// day follows n events of one day, in batches of all sizes, some of none.
func (p *plan) day(at time.Time, n int) {
	p.now = later(p.now, at)
	for n > 0 {
		k := min(n, 1+p.r.IntN(1+min(n, 1+p.r.IntN(3000))))
		p.follow(p.make(k, func(int) time.Time { return at.Add(time.Duration(p.r.IntN(20*3600)) * time.Second) }))
		if n -= k; p.r.IntN(8) == 0 {
			p.follow(nil)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// straddle follows a batch that begins before midnight and ends after it.
func (p *plan) straddle(next time.Time, n int) {
	midnight := next.Truncate(24 * time.Hour)
	events := p.make(n, func(i int) time.Time { return midnight.Add(time.Duration(2*i-n) * time.Second / 4) })
	p.now = midnight.Add(time.Minute)
	p.follow(events)
}

// late follows events of a day that is over beside some of today.
func (p *plan) late(at time.Time, n int) {
	p.follow(p.make(n, func(i int) time.Time {
		if i%2 == 0 {
			return p.now
		}
		return at.Add(time.Duration(i) * time.Second)
	}))
}

// imported takes in events without a position; the last step makes them last.
func (p *plan) imported(at time.Time, n int) {
	for range 3 {
		from := len(p.events)
		events := p.make(n/3, func(int) time.Time { return at.Add(time.Duration(p.r.IntN(20*3600)) * time.Second) })
		p.add(step{what: importing, batch: outbound.Batch{Events: events, More: true}, from: from, to: len(p.events)})
	}
	p.add(step{what: flush})
}

func (p *plan) follow(events []outbound.Event) {
	from := p.offset
	p.offset += 100*int64(len(events)) + 50
	p.add(step{
		what: follow, batch: outbound.Batch{Events: events, From: lifePosition(from), To: lifePosition(p.offset)},
		from: len(p.events) - len(events), to: len(p.events),
	})
}

func lifePosition(offset int64) outbound.Position {
	return outbound.Position{Chain: followedLog, Gen: 1, Offset: offset, Hash: uint64(offset) * 31, HashLen: 64}
}

// make gives n events. No two have the same line.
func (p *plan) make(n int, at func(i int) time.Time) []outbound.Event {
	from := len(p.events)
	for i := range n {
		number := len(p.events)
		who := p.whos[p.r.IntN(len(p.whos))]
		e := outbound.Event{
			Time: at(i), Who: who, UID: who.UID, GID: outbound.GID(who.UID), Proto: outbound.TCP, Rule: "22", Witness: outbound.Keyed,
			Src: netip.AddrFrom4([4]byte{192, 0, 2, 10}), Dst: netip.AddrFrom4([4]byte{203, 0, 113, byte(p.r.IntN(256))}),
			SrcPort: uint16(1024 + p.r.IntN(60000)), DstPort: 22,
		}
		e.Line = fmt.Appendf(nil, "%s web01 kernel: [%5d.%06d] CSF-OUTBOUND:22:=:IN= OUT=eth0 SRC=%s DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=%d DF PROTO=TCP SPT=%d DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 UID=%d GID=%d ",
			e.Time.Format(time.Stamp), number/1e6+1088, number%1e6, e.Src, e.Dst, p.r.IntN(65536), e.SrcPort, e.UID, e.GID)
		p.number[string(e.Line)] = number
		p.events = append(p.events, e)
	}
	return p.events[from:len(p.events):len(p.events)]
}

// progress is how far a life came: each step before done is taken, and with
// open the step at done may be, wholly or in part.
type progress struct {
	done int
	open bool
}

// hear takes one line of what the store says.
func (g *progress) hear(line string) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch n, err := strconv.Atoi(rest); {
	case err != nil:
	case word == "begin" && n == g.done:
		g.open = true
	case word == "done" && n == g.done:
		g.done, g.open = n+1, false
	}
}

// What may be found of an event.
const (
	absent = iota
	either
	present
)

// gone is what may be found of an event after a step that takes it away, by how
// sure it is that the step was taken.
var gone = [...]byte{either: either, present: absent}

// expect says for each event what may be found of it.
func (p *plan) expect(g progress) []byte {
	want := make([]byte, len(p.events))
	waiting := 0 // the first event of an import that is not yet flushed
	last := g.done
	if g.open {
		last++
	}
	for i, s := range p.steps[:last] {
		sure := byte(present)
		if i == g.done {
			sure = either
		}
		switch s.what {
		case follow:
			fillBytes(want[s.from:s.to], sure)
		case importing:
			fillBytes(want[s.from:s.to], either)
			if i == 0 || p.steps[i-1].what != importing {
				waiting = s.from
			}
		case flush:
			fillBytes(want[waiting:p.steps[i-1].to], sure)
		case prune:
			oldest := s.now.Truncate(24*time.Hour).AddDate(0, 0, -retention)
			for n := range want {
				if p.events[n].Time.Before(oldest) {
					want[n] = min(want[n], gone[sure])
				}
			}
		}
	}
	return want
}

func fillBytes(b []byte, to byte) {
	for i := range b {
		b[i] = to
	}
}

// verify opens the store in dir and says what is wrong with it, as the plan
// and what was done of it have it. It leaves the store changed.
func (p *plan) verify(dir string, g progress, more bool) error {
	now := p.steps[min(g.done, len(p.steps)-1)].now
	s, err := store.Open(store.Options{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		return err
	}
	err = errors.Join(p.verifyOpen(s, g, more), s.Close())
	if err != nil || p.unsynced {
		return err
	}
	return checkFiles(dir)
}

func (p *plan) verifyOpen(s *store.Store, g progress, more bool) error {
	have, err := p.have(s)
	if err != nil {
		return err
	}
	if err := p.compare(have, g); err != nil {
		return err
	}
	if err := p.resumes(s, have, g); err != nil || !more {
		return err
	}
	return p.goesOn(s, g)
}

// have counts each event that is stored, by its line.
func (p *plan) have(s *store.Store) ([]int, error) {
	have := make([]int, len(p.events))
	var wrong error
	err := s.Lines(time.Time{}, time.Time{}, func(at time.Time, line []byte) {
		if n, ok := p.number[string(line)]; ok && at.Equal(p.events[n].Time) {
			have[n]++
		} else {
			wrong = fmt.Errorf("an event that was never stored: %v %s", at, line)
		}
	})
	return have, errors.Join(err, wrong)
}

// walked counts as have does, as a reader sees the events.
func (p *plan) walked(s *store.Store) ([]int, error) {
	have := make([]int, len(p.events))
	err := s.Walk(context.Background(), outbound.Everything(), outbound.Query{}, func(e *outbound.Event) error {
		n, ok := p.number[string(e.Line)]
		if !ok || !e.Time.Equal(p.events[n].Time) || *e.Who != *p.events[n].Who {
			return fmt.Errorf("an event that was never stored: %v %s", e.Time, e.Line)
		}
		have[n]++
		return nil
	})
	return have, err
}

func (p *plan) compare(have []int, g progress) error {
	var lost, twice, early int
	for n, want := range p.expect(g) {
		switch {
		case have[n] > 1:
			twice++
		case have[n] == 0 && want == present:
			lost++
		case have[n] == 1 && want == absent:
			early++
		}
	}
	if lost+twice+early > 0 {
		return fmt.Errorf("%d lost, %d twice, %d that should not be there", lost, twice, early)
	}
	return nil
}

// resumes holds the position against the events: it stands behind the last
// batch that is wholly there, and before one that is there in part.
func (p *plan) resumes(s *store.Store, have []int, g progress) error {
	got, err := s.Resume(followedLog)
	if err != nil {
		return err
	}
	at := int64(0)
	for _, s := range p.steps[:g.done] {
		if s.what == follow {
			at = s.batch.To.Offset
		}
	}
	open := p.openBatch(g)
	if open != nil && got == open.batch.To {
		if slices.Contains(have[open.from:open.to], 0) {
			return fmt.Errorf("resumes behind a batch that is not wholly stored: %+v", got)
		}
		return nil
	}
	if got.Offset != at || at > 0 && got != lifePosition(at) {
		return fmt.Errorf("resumes at %+v, want the offset %d", got, at)
	}
	if open != nil && open.to > open.from && !slices.Contains(have[open.from:open.to], 0) {
		return fmt.Errorf("resumes at %+v, before a batch that is wholly stored", got)
	}
	return nil
}

func (p *plan) openBatch(g progress) *step {
	if g.open && p.steps[g.done].what == follow {
		return &p.steps[g.done]
	}
	return nil
}

// goesOn takes the step that was open once more, or a batch of one event: a
// store that was brought back has to take in more.
func (p *plan) goesOn(s *store.Store, g progress) error {
	next := outbound.Batch{From: lifePosition(p.offset), To: lifePosition(p.offset + 100)}
	if open := p.openBatch(g); open != nil {
		next = open.batch
	}
	rest, err := unstored(s, next)
	if err != nil {
		return err
	}
	if err := s.Append(rest); err != nil {
		return err
	}
	got, err := s.Resume(followedLog)
	if err == nil && got != next.To {
		err = fmt.Errorf("resumes at %+v after one more batch, want %+v", got, next.To)
	}
	have, err2 := p.walked(s)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	if open := p.openBatch(g); open != nil {
		g = progress{done: g.done + 1}
	}
	return p.compare(have, g)
}

// checkFiles has bbolt look through each day's file, and looks for what a
// crash may leave over.
func checkFiles(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "events", "*"))
	for _, name := range files {
		if !strings.HasSuffix(name, ".db") {
			err = errors.Join(err, fmt.Errorf("left over: %s", name))
			continue
		}
		err = errors.Join(err, checkFile(name))
	}
	return err
}

func checkFile(name string) error {
	if fi, err := os.Stat(name); err != nil || fi.Size() == 0 {
		return err
	}
	db, err := bolt.Open(name, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer db.Close()
	return db.View(func(tx *bolt.Tx) error {
		var all error
		for err := range tx.Check() {
			all = errors.Join(all, fmt.Errorf("%s: %w", name, err))
		}
		return all
	})
}

// thePanic marks what came up to the test. A fault that bbolt met may have been
// one too, and tells of it.
const thePanic = "not held by the store: panic: "

// verified calls verify, and gives a panic as what it is: a fault.
func (p *plan) verified(dir string, g progress, more bool) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf(thePanic+"%v\n%s", x, bytes.TrimSpace(stack()))
		}
	}()
	return p.verify(dir, g, more)
}

func stack() []byte {
	b := make([]byte, 4096)
	return b[:runtime.Stack(b, false)]
}
