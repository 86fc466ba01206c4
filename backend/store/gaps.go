package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// gapsFile keeps the gaps that the store itself knows of.
const (
	gapsFile = "/gaps.json"
	// maxGaps bounds that file, in bytes.
	maxGaps     = 16 << 20
	gapsVersion = 1
)

// gaps are times of which something that was stored is gone.
type gaps struct {
	root hostfs.Root
	mu   sync.Mutex
	all  []outbound.Gap
}

// gapsDoc is the file's content.
type gapsDoc struct {
	Version int            `json:"version"`
	Gaps    []outbound.Gap `json:"gaps"`
}

// load reads the file. One that cannot be read stops the store: what it holds
// must not be forgotten silently.
func (g *gaps) load(dir string) error {
	var err error
	if g.root, err = hostfs.At(dir); err != nil {
		return err
	}
	data, err := g.root.ReadFile(gapsFile, maxGaps)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var doc gapsDoc
	if err := json.Unmarshal(data, &doc); err != nil || doc.Version != gapsVersion {
		return &outbound.Error{
			Code: outbound.Unavailable, Message: fmt.Sprintf("%s%s cannot be read (version %d)", dir, gapsFile, doc.Version), Err: err,
			Hint: "move it away: then answers do not tell any more of which days files were damaged or purged",
		}
	}
	g.all = doc.Gaps
	return nil
}

// add keeps a gap, durably. One with the same beginning and reason grows.
func (g *gaps) add(gap outbound.Gap) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := slices.Clone(g.all)
	i := slices.IndexFunc(next, func(x outbound.Gap) bool {
		return x.From.Equal(gap.From) && x.Reason == gap.Reason && x.Rule == gap.Rule
	})
	if i >= 0 {
		next[i].To = later(next[i].To, gap.To)
	} else {
		next = append(next, gap)
	}
	slices.SortStableFunc(next, func(a, b outbound.Gap) int { return a.From.Compare(b.From) })
	data, err := json.Marshal(gapsDoc{Version: gapsVersion, Gaps: next})
	if err != nil {
		return err
	}
	if err := g.root.WriteFile(gapsFile, append(data, '\n'), 0o600); err != nil {
		return err
	}
	g.all = next
	return nil
}

// Gaps lists the times between since and until, either of which may be zero,
// of which something that was stored is gone, oldest first.
func (s *Store) Gaps(since, until time.Time) []outbound.Gap {
	s.gaps.mu.Lock()
	defer s.gaps.mu.Unlock()
	var found []outbound.Gap
	for _, g := range s.gaps.all {
		if !since.IsZero() {
			g.From = later(g.From, since.UTC())
		}
		if !until.IsZero() {
			g.To = earlier(g.To, until.UTC())
		}
		if g.From.Before(g.To) {
			found = append(found, g)
		}
	}
	return found
}
