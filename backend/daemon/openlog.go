package daemon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/tail"
)

// Log is a log file that was opened for import.
type Log struct{ file *tail.File }

// OpenLog opens a log by its path in this process, decompressed.
func OpenLog(path string) (*Log, error) {
	f, err := tail.OpenFile(path)
	if err != nil {
		return nil, err
	}
	return &Log{f}, nil
}

// Read gives the log's text.
func (l *Log) Read(p []byte) (int, error) { return l.file.Read(p) }

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// Name is the file's name, for messages.
func (l *Log) Name() string { return l.file.Name }

// Modified is the file's own time.
func (l *Log) Modified() time.Time { return l.file.Modified }

// sampleAll is the size in bytes up to which each line's stamp is looked at;
// of larger logs it is one line in each sampleStep. Nobody writes so little in
// a year.
const (
	sampleAll  = 4 << 20
	sampleStep = 64 << 10
)

// FirstYear reads the log once, through a file of its own, and infers the year
// of the first stamp that carries none; 0 if all carry one.
func (l *Log) FirstYear(zone *time.Location) (int, error) {
	f, err := tail.OpenFile(l.file.Name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var survey kernlog.Survey
	if plain, ok := f.Plain(); ok && f.Size > sampleAll {
		err = sample(plain, f.Size, &survey)
	} else {
		err = surveyAll(f, &survey)
	}
	return survey.FirstYear(f.Modified, zone), err
}

func surveyAll(r io.Reader, survey *kernlog.Survey) error {
	return tail.Read(context.Background(), r, func(c tail.Chunk) error {
		for data := c.Data; len(data) > 0; {
			line, rest, _ := bytes.Cut(data, []byte("\n"))
			survey.See(line)
			data = rest
		}
		return nil
	})
}

// sample looks at the first lines, at a line in each step, and at the last.
func sample(f io.ReaderAt, size int64, survey *kernlog.Survey) error {
	for at := int64(0); at < size; at += sampleStep {
		var err error
		if at == 0 || at+sampleStep >= size {
			err = seeLines(f, at, sampleStep, survey)
		} else {
			err = seeOne(f, at, survey)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// seeOne looks at the first whole line behind at, if one begins soon.
func seeOne(f io.ReaderAt, at int64, survey *kernlog.Survey) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, at, 2*tail.MaxLine), 2*tail.MaxLine)
	if _, err := r.ReadSlice('\n'); err != nil {
		return nil // one long line
	}
	_, err := see(r, survey)
	return err
}

// seeLines looks at the whole lines within length bytes from at, but for the
// one that at may cut.
func seeLines(f io.ReaderAt, at, length int64, survey *kernlog.Survey) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, at, length), int(length))
	if at > 0 {
		if _, err := r.ReadSlice('\n'); err != nil {
			return nil // one long line
		}
	}
	for {
		if more, err := see(r, survey); err != nil || !more {
			return err
		}
	}
}

// see looks at one line, and tells whether there was a whole one.
func see(r *bufio.Reader, survey *kernlog.Survey) (more bool, err error) {
	line, err := r.ReadSlice('\n')
	if err == io.EOF || errors.Is(err, bufio.ErrBufferFull) { // or one long line
		return false, nil
	}
	if err != nil {
		return false, err
	}
	survey.See(bytes.TrimSuffix(line, []byte("\n")))
	return true, nil
}
