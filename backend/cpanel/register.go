package cpanel

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// registerSchema names the register's form; its number changes with it.
const registerSchema = "outboundmonitor/accounts/1"

// maxRegister bounds the register's file, in bytes.
const maxRegister = 128 << 20

// document is the register's file.
type document struct {
	Schema string `json:"schema"`
	// Read is when the lives were last known to be true, in Unix seconds.
	Read  int64   `json:"read"`
	Lives []*life `json:"lives"`
}

// load reads the register. A damaged one is set aside.
func (b *Book) load() error {
	if b.register == "" {
		return nil
	}
	data, err := b.root.ReadFile(b.register, maxRegister)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, hostfs.ErrTooLarge) {
		return b.setAside(err)
	}
	if err != nil {
		return fmt.Errorf("cpanel: register of accounts: %w", err)
	}
	doc, err := decodeRegister(data)
	var person *outbound.Error
	if errors.As(err, &person) {
		return err
	}
	if err != nil {
		return b.setAside(err)
	}
	b.lives, b.prev = doc.Lives, doc.Read
	return nil
}

// decodeRegister reads a register and proves that it is whole.
func decodeRegister(data []byte) (*document, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, err
	}
	if head.Schema != registerSchema {
		if _, ok := bytes.CutPrefix([]byte(head.Schema), []byte("outboundmonitor/accounts/")); !ok {
			return nil, fmt.Errorf("schema=%q", head.Schema)
		}
		return nil, &outbound.Error{
			Code:    outbound.Conflict,
			Message: fmt.Sprintf("the register of accounts has the form %q, which this version does not know", head.Schema),
			Hint:    "run the newer version of the program, or move accounts.json away",
		}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	doc := &document{}
	if err := d.Decode(doc); err != nil {
		return nil, err
	}
	return doc, doc.check()
}

func (d *document) check() error {
	seen := make(map[outbound.Instance]bool, len(d.Lives))
	if d.Read < 0 {
		return fmt.Errorf("read=%d", d.Read)
	}
	for i, l := range d.Lives {
		if l == nil {
			return fmt.Errorf("lives[%d]: null", i)
		}
		key := outbound.Instance{UID: l.UID, Begin: l.Begin}
		if seen[key] {
			return fmt.Errorf("lives[%d]: uid=%d begin=%d occurs twice", i, l.UID, l.Begin)
		}
		seen[key] = true
		if !l.valid() {
			return fmt.Errorf("lives[%d]: uid=%d begin=%d does not fit together", i, l.UID, l.Begin)
		}
	}
	return nil
}

// valid reports whether a life read from the register fits together.
func (l *life) valid() bool {
	if l.UID == outbound.NoUID || len(l.Names) == 0 || l.Account != (len(l.Owners) > 0) {
		return false
	}
	for _, t := range []int64{l.Begin, l.Since, l.Firm, l.Start, l.Seen, l.Last, l.End} {
		if t < 0 {
			return false
		}
	}
	if l.Last > l.End || l.End != 0 && l.Last == 0 || l.Since != 0 && l.Firm < l.Since || l.Seen == 0 {
		return false
	}
	byFrom := func(a, b spell) int { return cmp.Compare(a.From, b.From) }
	badName := func(s spell) bool { return !s.Value.Valid() || s.From < 0 }
	return slices.IsSortedFunc(l.Names, byFrom) && slices.IsSortedFunc(l.Owners, byFrom) &&
		!slices.ContainsFunc(l.Names, badName) && !slices.ContainsFunc(l.Owners, badName) &&
		(l.Domain == "" || hostname(l.Domain) == l.Domain)
}

// setAside moves a damaged register out of the way, so that it can be looked
// at, and never over another one.
func (b *Book) setAside(why error) error {
	stamp := b.now().UTC().Format("20060102T150405")
	aside := ""
	for i := 0; ; i++ {
		aside = fmt.Sprintf("%s.damaged-%s", b.register, stamp)
		if i > 0 {
			aside += fmt.Sprintf("-%d", i)
		}
		if _, err := b.root.Stat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err := os.Rename(b.root.Path(b.register), b.root.Path(aside)); err != nil {
		return fmt.Errorf("cpanel: damaged register of accounts: %w", err)
	}
	b.log.Error("the register of accounts is damaged and was set aside; the history of removed and renamed accounts begins anew",
		"register", b.register, "aside", aside, "err", why)
	return nil
}

// save writes the register if its lives changed since, or if the time of the
// last reading in it is a day old. A fault is told to the log and tried again.
func (b *Book) save(now int64) {
	if b.register == "" {
		return
	}
	lives, err := json.Marshal(b.lives)
	if err != nil || (bytes.Equal(lives, b.saved) && now-b.savedAt < day) {
		return
	}
	b.triedAt = now
	if err := b.write(now); err != nil {
		b.saved = nil
		b.log.Error("the register of accounts cannot be written; the history of accounts would be lost with this process", "register", b.register, "err", err)
		return
	}
	b.saved, b.savedAt = lives, now
}

func (b *Book) write(now int64) error {
	data, err := json.MarshalIndent(document{Schema: registerSchema, Read: now, Lives: b.lives}, "", " ")
	if err != nil {
		return err
	}
	if err := b.root.MkdirAll(path.Dir(b.register), 0o700); err != nil {
		return err
	}
	return b.root.WriteFile(b.register, append(data, '\n'), 0o600)
}

// retrySave writes what could not be written a minute ago, and keeps the time
// of the last reading fresh.
func (b *Book) retrySave(now int64) {
	const minute = int64(time.Minute / time.Second)
	failed := b.saved == nil && now-b.triedAt >= minute
	if failed || now-b.savedAt >= day && now-b.triedAt >= minute {
		b.save(now)
	}
}
