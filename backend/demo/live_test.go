package demo_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/demo"
)

func TestTimePassesLive(t *testing.T) {
	_, s := make1(t, demo.Options{Seed: 6, Now: now})
	ticks := make(chan time.Time)
	var out bytes.Buffer
	done := make(chan error)
	go func() { done <- s.Live(context.Background(), &out, ticks) }()
	for i := range 240 { // two minutes
		ticks <- now.Add(time.Duration(i+1) * 500 * time.Millisecond)
	}
	close(ticks)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "\n") {
		t.Error("the last line is not whole")
	}
	calm, attack := 0, 0
	for line := range strings.Lines(out.String()) {
		e, ok := parse(strings.TrimSuffix(line, "\n"), s.Zone)
		if !ok {
			continue
		}
		if e.at.Before(now) || e.at.After(now.Add(2*time.Minute)) {
			t.Fatalf("seed 6: outside of its time: %s", line)
		}
		if e.port == 22 && e.dst.String() == "198.51.100.222" {
			attack++
		} else {
			calm++
		}
	}
	if calm < 240 || calm > 360 || attack < 100 || attack > 200 {
		t.Errorf("seed 6: %d everyday connections and %d of the attack in two minutes", calm, attack)
	}
}

func TestAMachineThatSleptWritesNoFlood(t *testing.T) {
	_, s := make1(t, demo.Options{Seed: 6, Now: now})
	ticks := make(chan time.Time, 1)
	ticks <- now.Add(8 * time.Hour)
	close(ticks)
	var out bytes.Buffer
	if err := s.Live(context.Background(), &out, ticks); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n == 0 || n > 60 {
		t.Errorf("seed 6: %d lines after eight hours of sleep", n)
	}
}

func TestLiveEndsWithItsContextAndItsWriter(t *testing.T) {
	_, s := make1(t, demo.Options{Seed: 6, Now: now, Events: 30_000})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Live(ctx, &bytes.Buffer{}, nil); err != nil {
		t.Error(err)
	}
	ticks := make(chan time.Time, 1)
	ticks <- now.Add(5 * time.Second)
	if err := s.Live(context.Background(), broken{}, ticks); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
