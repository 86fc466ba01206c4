// Package tail reads a log as runs of whole lines, each with its
// [outbound.Position], through rotation, truncation and restart, and reads
// rotated and compressed logs. It knows nothing of what a line says.
//
// # How no line is lost and none is read twice
//
// A position names a place by content: the offset and a hash of what precedes
// it. After a restart that content is looked for in the log and its rotations.
// While a file is held open its inode is its own, and the file is found again
// by it among the rotations.
//
// A rotated file is read on for as long as no later file of the chain holds
// data: until the writer is told to reopen, it goes on writing to the renamed
// file. When a later file is seen to hold data, the old one is read to its end
// once more, and left. A writer that writes to the new file only after its
// last write to the old one, as rsyslog does, thereby loses nothing, however
// long it takes. The old file is watched for another minute all the same.
//
// The position moves to a new file with the first line of that file, and never
// before: so it always has content to be found by. It never stands inside a
// line.
//
// A log that was truncated in place is looked for by content too: the copy
// that copytruncate made is read to its end before the log is read anew.
package tail

import (
	"context"
	"log/slog"
	"path"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Chunk is a run of whole lines.
type Chunk struct {
	// Data holds whole lines, each ended by '\n'. It is valid until the
	// callback returns, holds little more than 256 KiB, and is empty where
	// only something else is to be told.
	Data []byte
	// Start is the offset of Data[0] in decompressed content.
	Start int64
	// From and To say what was read: From is the To of the chunk before, or
	// the position to resume from.
	From, To outbound.Position
	// Live means that each line was begun after the follower had reached the
	// end of the newest file once in this run.
	Live bool
	// Seen means lines from before the resume position, read again only to be
	// counted. From and To are the resume position.
	Seen bool
	// CaughtUp means that the end of the newest file was reached.
	CaughtUp bool
	// Skipped counts bytes that were dropped: lines over MaxLine, and cut last
	// lines of files that are finished.
	Skipped int
	// Gap is "", [outbound.RotatedAway] or [outbound.Damaged]: content between
	// From and what follows could not be found. It is said once.
	Gap string
}

// MaxLine is the longest line that is given, in bytes and with its '\n'.
// Longer ones are skipped to their end and counted.
const MaxLine = 8192

const (
	// chunkSize is how much is read at a time, and how much is read again
	// before a resume position.
	chunkSize = 256 << 10
	// hashSize is how much content a position is found by.
	hashSize = 4096
	// pollEvery is how often the files are looked at without being told to.
	pollEvery = time.Second
	// lateFor is how long a file is watched after it was left.
	lateFor = time.Minute
)

// Options says what to follow.
type Options struct {
	Root hostfs.Root
	// Path is the log's path on the host.
	Path string
	// Logger may be nil.
	Logger *slog.Logger
	// Now may be nil.
	Now func() time.Time
	// Stored is when the resume position was stored. It is needed only where
	// that position cannot be found by content: files changed after it are
	// then read from their beginning. Zero means not known: then the current
	// file alone is read.
	Stored time.Time
	// Wake, if set, takes the place of file notifications and of the poll.
	Wake <-chan struct{}
}

// Follower follows one log.
type Follower struct {
	opt    Options
	folder string
	base   string
}

// NewFollower gives a follower; it opens nothing yet.
func NewFollower(opt Options) *Follower {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	opt.Path = path.Clean("/" + opt.Path)
	return &Follower{opt: opt, folder: path.Dir(opt.Path), base: path.Base(opt.Path)}
}

// Run follows the log from a position until ctx ends, which is no error, or
// yield returns one. The zero position begins at the beginning of the current
// file. A log that does not exist yet is waited for.
//
// It returns [hostfs.ErrNotRegular], wrapped, for a log that is not a regular
// file.
func (f *Follower) Run(ctx context.Context, from outbound.Position, yield func(Chunk) error) error {
	wake, stop := f.opt.Wake, func() {}
	if wake == nil {
		wake, stop = f.watch()
	}
	defer stop()
	r := &run{Follower: f, yield: yield, pos: from}
	defer r.close()
	for {
		if err := r.step(ctx); err != nil {
			return r.end(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		}
	}
}
