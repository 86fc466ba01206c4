package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
	"outboundmonitor/scripts/truth"
)

// storeFigures are what the product holds after the last import.
type storeFigures struct {
	bytes  int64
	events int
}

// verify asks for each sampled address and compares the rows with the truth.
func (b *bench) verify() error {
	if !b.product {
		return fmt.Errorf("nothing to verify: %s is missing", b.bin)
	}
	var wrong []error
	if err := b.measureStore(); err != nil {
		wrong = append(wrong, err)
	}
	for _, a := range b.sample {
		if err := b.verifyOne(a); err != nil {
			wrong = append(wrong, fmt.Errorf("%s (%s): %w", a.Address, a.Class, err))
			continue
		}
		b.checked++
	}
	return errors.Join(wrong...)
}

// measureStore reads the size of the store, and holds its count of events
// against the truth.
func (b *bench) measureStore() error {
	err := filepath.WalkDir(b.state(), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			b.store.bytes += info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	var doc outbound.StatusDoc
	out, runErr := b.output("status", "--json")
	if err := json.Unmarshal(out, &doc); err != nil {
		return fmt.Errorf("status --json: %w", errors.Join(err, runErr))
	}
	b.store.events = doc.Events
	if doc.Events != b.sum.Events {
		return fmt.Errorf("the store holds %d events, the log %d", doc.Events, b.sum.Events)
	}
	return nil
}

// output runs the product; an exit status that is a verdict is no error.
func (b *bench) output(args ...string) ([]byte, error) {
	argv := b.command(args...)
	c := exec.Command(argv[0], argv[1:]...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err = (&job{ok: verdicts}).status(err); err != nil {
		return out, fmt.Errorf("%v: %w: %s", args, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

func (b *bench) verifyOne(a truth.Address) error {
	out, err := b.output("search", "--dst", a.Address, "--jsonl", "--limit", "0")
	if err != nil {
		return err
	}
	got, err := b.rows(out)
	if err != nil {
		return err
	}
	return differs(a, got)
}

// rows reads JSON lines. Where stamps have no fraction, times are compared to
// the second.
func (b *bench) rows(out []byte) ([]truth.Event, error) {
	var all []truth.Event
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var d outbound.EventDoc
		if err := json.Unmarshal(sc.Bytes(), &d); err != nil {
			return nil, fmt.Errorf("search --jsonl: %w: %.80q", err, sc.Text())
		}
		e := truth.Event{Time: d.Time.UTC(), UID: d.UID, Src: d.Src, SrcPort: d.SrcPort, Dst: d.Dst, DstPort: d.DstPort}
		if b.sum.Format == "traditional" {
			e.Time = e.Time.Truncate(time.Second)
		}
		if d.Account != nil {
			e.Account = *d.Account
		}
		all = append(all, e)
	}
	return all, sc.Err()
}

// differs says in what the rows differ from the truth; nil if in nothing.
func differs(a truth.Address, got []truth.Event) error {
	sum, by := uint64(0), map[string]int{}
	for _, e := range got {
		sum += e.Sum()
		by[e.Account]++
	}
	if len(got) != a.Events {
		return fmt.Errorf("%d rows, the truth is %d", len(got), a.Events)
	}
	if !maps.Equal(by, a.Accounts) {
		return fmt.Errorf("the accounts differ: %v, the truth is %v", by, a.Accounts)
	}
	if s := fmt.Sprintf("%016x", sum); s != a.Checksum {
		return fmt.Errorf("checksum %s, the truth is %s%s", s, a.Checksum, firstDifference(a.List, got))
	}
	return nil
}

// firstDifference names a row that only one side has, where rows are listed.
func firstDifference(want, got []truth.Event) string {
	keys := map[string]int{}
	for _, e := range want {
		keys[e.Key()]++
	}
	for _, e := range got {
		keys[e.Key()]--
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		switch n := keys[k]; {
		case want == nil:
			return ""
		case n > 0:
			return ", missing " + k
		case n < 0:
			return ", too much " + k
		}
	}
	return ""
}
