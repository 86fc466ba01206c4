package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// figures are what one run of a command took, its children included.
type figures struct {
	cpu, wall time.Duration
	maxRSS    int64 // bytes, as rusage has it
	rssAnon   int64 // bytes, the most that was seen; only where it is sampled
}

// job is one command that is measured in each round.
type job struct {
	name string
	argv []string
	// before prepares a run and is not measured.
	before func() error
	// ok lists exit statuses beside 0 that mean success.
	ok []int
	// sample asks for RssAnon.
	sample bool
	seen   []figures
}

// measure runs a command once. Its output goes through a pipe and is dropped
// here: grep looks no further than the first match when it writes to /dev/null.
func (j *job) measure() error {
	if j.before != nil {
		if err := j.before(); err != nil {
			return err
		}
	}
	c := exec.Command(j.argv[0], j.argv[1:]...)
	var stderr bytes.Buffer
	c.Stdout, c.Stderr = io.Discard, &stderr
	began := time.Now()
	if err := c.Start(); err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	var f figures
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if j.sample {
			f.rssAnon = watchMemory(c.Process.Pid, stop)
		}
	}()
	err := c.Wait()
	f.wall = time.Since(began)
	close(stop)
	<-done
	if err := j.status(err); err != nil {
		return fmt.Errorf("%s: %w: %s", j.name, err, strings.TrimSpace(stderr.String()))
	}
	f.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		f.maxRSS = u.Maxrss * 1024
	}
	j.seen = append(j.seen, f)
	return nil
}

// status turns the exit statuses that mean success into nil.
func (j *job) status(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && slices.Contains(j.ok, exit.ExitCode()) {
		return nil
	}
	return err
}

// watchMemory samples RssAnon of a process until stop is closed, and gives the
// most it saw.
func watchMemory(pid int, stop <-chan struct{}) int64 {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	most := int64(0)
	for {
		most = max(most, rssAnon(pid))
		select {
		case <-stop:
			return most
		case <-tick.C:
		}
	}
}

// rssAnon reads a process's anonymous memory in bytes; 0 if it is gone.
func rssAnon(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n * 1024
		}
	}
	return 0
}

// median gives the middle one of f(x) over all runs, and 0 if there are none.
func median[T, V any](all []T, f func(T) V, less func(a, b V) int) V {
	var values []V
	for _, x := range all {
		values = append(values, f(x))
	}
	slices.SortFunc(values, less)
	if len(values) == 0 {
		var none V
		return none
	}
	return values[len(values)/2]
}

func seconds(d time.Duration) float64 { return d.Seconds() }

// middle is the median of numbers taken from runs.
func middle(all []figures, f func(figures) float64) float64 {
	return median(all, f, func(a, b float64) int {
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	})
}

func cpu(f figures) float64  { return seconds(f.cpu) }
func wall(f figures) float64 { return seconds(f.wall) }

// ratio is the median of the ratios of two jobs, round by round: what slows
// the machine for a while slows both.
func ratio(a, b *job, f func(figures) float64) float64 {
	n := min(len(a.seen), len(b.seen))
	var all []figures
	for i := range n {
		if d := f(b.seen[i]); d > 0 {
			all = append(all, figures{wall: time.Duration(f(a.seen[i]) / d * 1e9)})
		}
	}
	return middle(all, wall)
}
