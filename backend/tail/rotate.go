package tail

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"outboundmonitor/backend/outbound"
)

// successor gives the oldest file after the current one that holds data, and
// nil if there is none: then the writer may still write to the current one.
//
// It returns errLost if another file has taken the current one's place, with
// that file as the current one.
func (r *run) successor(ctx context.Context) (*member, error) {
	if r.newest() {
		return nil, nil
	}
	list, err := r.members()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(list, func(m member) bool { return os.SameFile(m.info, r.cur.info) })
	if at < 0 && !r.cur.orphan {
		return nil, errLost
	}
	if at < 0 {
		list = r.changedSince(list)
	} else {
		list = list[:at]
	}
	var next *member
	for i := range list {
		if r.holds(list[i]) {
			next = &list[i]
		}
	}
	return next, nil
}

// changedSince gives the files changed after the last change of the current
// one, which has been deleted, and the log.
func (r *run) changedSince(list []member) []member {
	info := r.cur.info
	if r.cur.f != nil {
		if now, err := r.cur.f.Stat(); err == nil {
			info = now
		}
	}
	for i, m := range list {
		if m.name != r.opt.Path && !m.info.ModTime().After(info.ModTime()) {
			return list[:i]
		}
	}
	return list
}

// enter leaves the current file, which was read to its end, for the next.
func (r *run) enter(next *member) (on bool, err error) {
	if err := r.late(); err != nil {
		return false, err
	}
	f, err := r.openNext(next)
	if err != nil {
		return false, err
	}
	r.skipped += r.cur.cut.unfinished()
	r.gen = r.cur.gen + 1
	f.gen = r.gen
	r.leave()
	r.cur, r.half = f, false
	return true, nil
}

// openNext opens a file as it was listed. A rotation that cannot be read is
// gone over, and that is a gap.
func (r *run) openNext(next *member) (*file, error) {
	f, err := open(r.opt.Root, next.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errUnsettled
	}
	if err == nil && !os.SameFile(f.info, next.info) {
		f.close()
		return nil, errUnsettled
	}
	if err != nil && next.name != r.opt.Path {
		r.opt.Logger.Warn("tail: a rotated log cannot be read; going on behind it", "err", err)
		r.gap = outbound.Damaged
		return unreadable(next), nil
	}
	return f, err
}

// leave makes the current file the one that is watched for late lines.
func (r *run) leave() {
	r.forget()
	if r.cur.text != nil {
		r.cur.close()
		return
	}
	r.prev, r.until, r.prevLive = r.cur, r.opt.Now().Add(lateFor), r.live && !r.half
}

// forget ends the watch for late lines.
func (r *run) forget() {
	if r.prev != nil {
		r.prev.close()
		r.prev = nil
	}
}

// late gives lines that came to the file before the current one after it was
// left. They move the position only as long as it stands in that file.
func (r *run) late() error {
	for r.prev != nil {
		n, err := r.prev.fill()
		if err != nil || !r.prev.intact(n) {
			r.forget()
			return nil
		}
		if err := r.deliverLate(); err != nil {
			return err
		}
		if r.prev.ended && r.opt.Now().After(r.until) {
			r.forget()
		} else if r.prev.ended {
			return nil
		}
	}
	return nil
}

func (r *run) deliverLate() error {
	c := r.prev.cut
	for data, start := c.next(false); data != nil; data, start = c.next(false) {
		chunk := Chunk{Data: data, Start: start, From: r.pos, To: r.pos, Live: r.prevLive}
		if r.pos.Gen == r.prev.gen {
			chunk.To = c.position(r.opt.Path, r.prev.gen)
		}
		r.pos = chunk.To
		if err := r.yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

// relocate goes on after the current file was truncated or has disappeared: in
// the file that holds the position, be it the copy that copytruncate made, or
// one that was compressed. If there is none, a truncated log is read from its
// beginning, and a file that disappeared is read on as long as it is open.
func (r *run) relocate(ctx context.Context) error {
	if r.pos.Offset > 0 {
		f, err := r.locate(ctx)
		if err != nil {
			return err
		}
		if f != nil {
			// The file found may be the one watched: it is read from here.
			r.forget()
			r.cur.close()
			r.cur, r.gen = f, f.gen
			return nil
		}
	}
	if r.cur.intact(0) {
		r.cur.orphan = true
		return nil
	}
	r.opt.Logger.Info("tail: the log was truncated", "log", r.opt.Path)
	r.skipped += r.cur.cut.unfinished()
	if !r.cur.ended {
		r.gap = outbound.RotatedAway
	}
	r.gen = r.cur.gen + 1
	r.cur.close()
	r.cur, r.half = nil, false
	return nil
}
