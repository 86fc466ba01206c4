package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/gzip"
)

// output writes the log, and with -rotated the same lines by day.
type output struct {
	end   time.Time
	bytes int64
	file  *os.File
	log   *bufio.Writer

	rotated string // the folder, or ""
	day     *os.File
	dayLog  io.WriteCloser
}

func newOutput(o options) (*output, error) {
	f, err := os.Create(filepath.Join(o.dir, "messages"))
	if err != nil {
		return nil, err
	}
	out := &output{end: o.end, file: f, log: bufio.NewWriterSize(f, 1<<20)}
	if o.rotated {
		out.rotated = filepath.Join(o.dir, "rotated")
		if err := os.MkdirAll(out.rotated, 0o755); err != nil {
			return nil, err
		}
		return out, out.openDay(o.end.AddDate(0, 0, 1-days))
	}
	return out, nil
}

func (o *output) write(line []byte) error {
	o.bytes += int64(len(line))
	if o.dayLog != nil {
		if _, err := o.dayLog.Write(line); err != nil {
			return err
		}
	}
	_, err := o.log.Write(line)
	return err
}

// minute is told which minute was written; at midnight the rotated log turns.
func (o *output) minute(written time.Time) error {
	next := written.Add(time.Minute)
	if o.dayLog == nil || next.Before(o.end) && next.Truncate(24*time.Hour) != next {
		return nil
	}
	if err := o.closeDay(next); err != nil || !next.Before(o.end) {
		return err
	}
	return o.openDay(next.AddDate(0, 0, 1))
}

// openDay begins the file that will be rotated at until; the last one is not.
func (o *output) openDay(until time.Time) error {
	name := filepath.Join(o.rotated, "messages")
	last := !until.Before(o.end)
	if !last {
		name += until.Format("-20060102") + ".gz"
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	o.day, o.dayLog = f, struct {
		io.Writer
		io.Closer
	}{f, io.NopCloser(nil)}
	if !last {
		o.dayLog = gzip.NewWriter(f)
	}
	return nil
}

func (o *output) closeDay(when time.Time) error {
	err := errors.Join(o.dayLog.Close(), o.day.Close(), os.Chtimes(o.day.Name(), when, when))
	o.dayLog = nil
	return err
}

// close ends the log. Readers infer the year of its stamps from its time.
func (o *output) close() error {
	return errors.Join(o.log.Flush(), o.file.Close(), os.Chtimes(o.file.Name(), o.end, o.end))
}
