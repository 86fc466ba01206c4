// Package cpanel knows who is who on the host: which account or system user
// held a UID at a time, which reseller owned the account, which ACLs a reseller
// has, and which addresses cPanel's files state. It reads cPanel's files and
// keeps its own register of account instances, because accounts are removed
// and UIDs come back. It decides nothing about what a viewer may see, and it
// runs no program of cPanel's.
package cpanel

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Options say where a Book reads and what it keeps.
type Options struct {
	Root hostfs.Root
	// Register is the host path of the register of account instances; "" keeps
	// it in memory, and then history is lost with the Book.
	Register string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger takes messages; nil discards them.
	Logger *slog.Logger
}

// Book keeps the register of account instances and gives the current
// [Snapshot]. It is safe for concurrent use.
type Book struct {
	root     hostfs.Root
	register string
	now      func() time.Time
	log      *slog.Logger
	whos     *interner

	mu    sync.Mutex
	sigs  signatures
	users map[outbound.Username]userFile
	lives []*life
	// prev is when the files were last known to be as lives say, in Unix
	// seconds; 0 before the first reading of all.
	prev int64
	// saved is what the register's file holds; triedAt is when it was last
	// written, or last failed to be.
	saved   []byte
	savedAt int64
	triedAt int64
	snap    *Snapshot
	err     error
}

// NewBook opens the register. A damaged register is set aside under another
// name, which the log tells, and a new one begun.
//
// It returns an [outbound.Error] with code Conflict for a register that a
// newer version of the program wrote, and a wrapped fault for one that cannot
// be read.
func NewBook(o Options) (*Book, error) {
	b := &Book{
		root: o.Root, register: o.Register, now: o.Now, log: o.Logger,
		whos: newInterner(), users: map[outbound.Username]userFile{},
	}
	if b.now == nil {
		b.now = time.Now
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if err := b.load(); err != nil {
		return nil, err
	}
	return b, nil
}

// earliestClock is the beginning of 2020. A host whose clock stands before it
// has lost the time, and would enter wrong beginnings into the register.
const earliestClock = 1577836800

// errClock means that the host's clock cannot be right.
var errClock = errors.New("the host's clock stands before 2020, so nobody's history can be told")

// Current gives the snapshot, and reads the files anew if any of them changed.
//
// If they cannot be read it returns the last good snapshot (nil if there was
// none) together with the error: who asks for permission must stop at the
// error, who attributes events may go on with the snapshot.
func (b *Book) Current() (*Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sigs, at := b.look()
	now := b.now().Unix()
	if b.snap != nil && b.err == nil && sigs == b.sigs {
		b.prev = now
		b.retrySave(now)
		return b.snap, nil
	}
	b.err = b.read(now)
	if b.err != nil {
		return b.snap, b.err
	}
	b.sigs = sigs.settled(at)
	return b.snap, nil
}

// read reads all files, brings the register up to date and builds a snapshot.
func (b *Book) read(now int64) error {
	if now < earliestClock {
		return fmt.Errorf("cpanel: %w", errClock)
	}
	f, err := b.readFiles(now)
	if err != nil {
		return err
	}
	m := &merge{files: f, lives: b.lives, now: now, prev: min(b.prev, now)}
	m.run()
	b.lives = m.lives
	b.prev = now
	b.snap = newSnapshot(f, b.lives, b.whos)
	b.save(now)
	return nil
}
