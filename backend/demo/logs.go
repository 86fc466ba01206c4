package demo

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"time"

	"outboundmonitor/backend/hostfs"
)

// logs writes the kernel log and its older rotations, as logrotate would have
// left them with dateext and delaycompress.
type logs struct {
	root hostfs.Root
	// ends are when each rotation took place, oldest first.
	ends []time.Time
	zone *time.Location
	out  io.WriteCloser
	file *os.File
}

// newLogs plans three rotations, at 03:21 of the fifth, third and last day.
func newLogs(root hostfs.Root, zone *time.Location, now time.Time) *logs {
	l := &logs{root: root, zone: zone}
	local := now.In(zone)
	for _, back := range []int{5, 3, 1} {
		l.ends = append(l.ends, time.Date(local.Year(), local.Month(), local.Day()-back, 3, 21, 0, 0, zone))
	}
	return l
}

// write appends the lines of one minute to the file that was open then.
func (l *logs) write(minute time.Time, lines []byte) error {
	for len(l.ends) > 0 && !minute.Before(l.ends[0]) {
		if err := l.close(l.ends[0]); err != nil {
			return err
		}
		l.ends = l.ends[1:]
	}
	if l.file == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	_, err := l.out.Write(lines)
	return err
}

// open creates the file that the lines before the next rotation go to; all but
// the last rotation are compressed.
func (l *logs) open() error {
	name := LogPath
	if len(l.ends) > 0 {
		name += l.ends[0].In(l.zone).Format("-20060102")
	}
	if len(l.ends) > 1 {
		name += ".gz"
	}
	if err := l.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(l.root.Path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	l.file, l.out = f, f
	if len(l.ends) > 1 {
		z := gzip.NewWriter(f)
		z.ModTime = l.ends[0]
		l.out = z
	}
	return nil
}

// close ends the open file, whose last line was written at when. Readers infer
// the year of its stamps from the file's own time.
func (l *logs) close(when time.Time) error {
	if l.file == nil {
		return nil
	}
	var err error
	if l.out != io.WriteCloser(l.file) {
		err = l.out.Close()
	}
	err = errors.Join(err, l.file.Close(), os.Chtimes(l.file.Name(), when, when))
	l.file, l.out = nil, nil
	return err
}
