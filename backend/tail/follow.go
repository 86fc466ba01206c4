package tail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
)

// run is one Run of a Follower.
type run struct {
	*Follower
	yield func(Chunk) error
	pos   outbound.Position // the last To

	begun bool
	cur   *file  // what is read; nil while there is no log
	gen   uint32 // of the file that is opened next
	// prev is the file before cur, watched for late lines until then; they
	// are live if prevLive.
	prev     *file
	until    time.Time
	prevLive bool

	live bool // the end was reached once
	half bool // a line had begun by then and was not given yet
	told bool // CaughtUp was said since the last line

	skipped int
	gap     string
	absent  bool // that there is no log was said
}

// errLost means that the current file was truncated, or is gone and the
// position is in another.
var errLost = errors.New("tail: what was read is not in the file any more")

// end gives Run's result: the end of ctx is none.
func (r *run) end(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func (r *run) close() {
	for _, f := range []*file{r.cur, r.prev} {
		if f != nil {
			f.close()
		}
	}
}

// begin finds the file of the position. If that cannot be, it leaves cur nil,
// and step opens the log.
func (r *run) begin(ctx context.Context) error {
	if r.pos.Chain != "" && r.pos.Chain != r.opt.Path {
		return fmt.Errorf("tail: a position in %s is none in %s", r.pos.Chain, r.opt.Path)
	}
	if r.gen = max(1, r.pos.Gen); r.pos == (outbound.Position{}) {
		return nil
	}
	if r.pos.Offset > 0 {
		f, err := r.locate(ctx)
		if err != nil {
			return err
		}
		if r.cur = f; f != nil {
			return r.resumed(ctx)
		}
		r.gap, r.gen = outbound.RotatedAway, r.pos.Gen+1
		r.opt.Logger.Warn("tail: the place that was reached is in no file any more", "log", r.opt.Path, "offset", r.pos.Offset)
	}
	return r.newer(r.opt.Stored)
}

// resumed gives what precedes the position in the file that was found. If that
// cannot be now, the file is found again.
func (r *run) resumed(ctx context.Context) error {
	err := r.seen(ctx)
	if errors.Is(err, errUnsettled) {
		r.cur.close()
		r.cur = nil
	}
	return err
}

// locate opens the file that holds the position, at it; nil if there is none.
//
// It returns errUnsettled if the files were being rotated while they were
// looked through: then a file may have been passed by.
func (r *run) locate(ctx context.Context) (*file, error) {
	list, err := r.members()
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f := openAt(r.opt.Root, m.name, r.pos); f != nil {
			return f, nil
		}
	}
	again, err := r.members()
	if err == nil && !slices.EqualFunc(list, again, member.same) {
		err = errUnsettled
	}
	return nil, err
}

// newer opens the oldest rotation that was changed after t.
func (r *run) newer(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	list, err := r.members()
	if err != nil {
		return err
	}
	if m := oldest(list, t, r.opt.Path); m != nil && m.name != r.opt.Path {
		r.cur, err = r.open(m.name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errUnsettled
	}
	return err
}

// oldest gives the oldest file changed after t and not followed by one that
// was not, or the log.
func oldest(list []member, t time.Time, log string) *member {
	var found *member
	for i := range list {
		if list[i].name != log && !list[i].info.ModTime().After(t) {
			break
		}
		if list[i].info.Mode().IsRegular() {
			found = &list[i]
		}
	}
	return found
}

// open opens a file at its beginning, as the next of the chain.
func (r *run) open(name string) (*file, error) {
	f, err := open(r.opt.Root, name)
	if err != nil {
		return nil, err
	}
	f.gen = r.gen
	return f, nil
}

// step reads all there is. While files are being rotated it leaves the rest to
// the next one.
func (r *run) step(ctx context.Context) error {
	err := r.steps(ctx)
	if errors.Is(err, errUnsettled) {
		return nil
	}
	return err
}

func (r *run) steps(ctx context.Context) error {
	if !r.begun {
		if err := r.begin(ctx); err != nil {
			return err
		}
		r.begun = true
	}
	if err := r.late(); err != nil {
		return err
	}
	for {
		if ok, err := r.ready(); err != nil || !ok {
			return err
		}
		on, err := r.advance(ctx)
		if errors.Is(err, errLost) {
			on, err = true, r.relocate(ctx)
		}
		if err != nil || !on {
			return err
		}
	}
}

// ready opens the log if nothing is open. It reports false if there is none.
func (r *run) ready() (bool, error) {
	if r.cur != nil {
		return true, nil
	}
	f, err := r.open(r.opt.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if !r.absent {
			r.absent = true
			r.opt.Logger.Info("tail: the log does not exist yet; waiting for it", "log", r.opt.Path)
		}
		return false, nil
	}
	r.cur = f
	return err == nil, err
}

// advance reads the current file to its end and goes over to the next, if that
// holds data; on is false if there is nothing more to read for now.
func (r *run) advance(ctx context.Context) (on bool, err error) {
	if err := r.drain(ctx); err != nil {
		return false, err
	}
	next, err := r.successor(ctx)
	if err != nil {
		return false, err
	}
	if next == nil {
		return false, r.caughtUp()
	}
	// The next file holds data, so the writer has left this one.
	if err := r.drain(ctx); err != nil {
		return false, err
	}
	return r.enter(next)
}

// drain reads the current file to its end. It returns errLost if the file was
// truncated.
func (r *run) drain(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		wasEnded := r.cur.ended
		n, err := r.cur.fill()
		if err != nil {
			if r.cur.name == r.opt.Path {
				return err
			}
			r.opt.Logger.Warn("tail: a rotated log is damaged; going on behind it", "err", err)
			r.gap, r.cur.text, r.cur.ended = outbound.Damaged, nothing{}, true
		}
		if !r.cur.intact(n) {
			r.cur.cut.drop(n)
			r.cur.ended = wasEnded
			return errLost
		}
		ended := r.cur.ended
		if err := r.deliver(ended && n > 0 && r.newest()); err != nil {
			return err
		}
		if ended {
			return nil
		}
	}
}

// newest reports whether the log's name is that of the current file.
func (r *run) newest() bool {
	info, err := r.opt.Root.Stat(r.opt.Path)
	return err == nil && os.SameFile(info, r.cur.info)
}

// deliver gives the whole lines that were read. caught is told with the last.
func (r *run) deliver(caught bool) error {
	c := r.cur.cut
	for {
		data, start := c.next(r.half)
		if data == nil {
			break
		}
		if err := r.emit(data, start, caught && !c.more()); err != nil {
			return err
		}
	}
	// What is left to tell is an overlong line at the end.
	if to := r.reached(); to != r.pos && c.offset() > 0 {
		return r.emit(nil, c.offset(), caught)
	}
	return nil
}

// caughtUp tells that the end was reached, if that was not told yet.
func (r *run) caughtUp() error {
	if r.told {
		return nil
	}
	return r.emit(nil, r.cur.cut.offset(), true)
}

// reached gives the position that the current file's mark makes. It stays in
// the file before until the first line of this one is complete.
func (r *run) reached() outbound.Position {
	c := r.cur.cut
	if c.skipping || c.offset() == 0 && r.pos.Gen > 0 {
		return r.pos
	}
	return c.position(r.opt.Path, r.cur.gen)
}

func (r *run) emit(data []byte, start int64, caught bool) error {
	c := Chunk{
		Data: data, Start: start, From: r.pos, To: r.reached(),
		Live: r.live && !r.half && len(data) > 0, CaughtUp: caught,
	}
	if c.To != r.pos {
		c.Skipped, c.Gap = r.skipped+r.cur.cut.take(), r.gap
		r.skipped, r.gap = 0, ""
	}
	r.half = r.half && len(data) == 0
	r.pos, r.told = c.To, caught
	if caught && !r.live {
		r.live, r.half = true, r.cur.cut.pending()
	}
	return r.yield(c)
}
