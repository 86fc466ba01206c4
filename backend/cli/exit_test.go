package cli_test

import (
	"testing"

	"outboundmonitor/backend/cli"
	"outboundmonitor/backend/outbound"
)

func TestEachCodeHasAnExitStatus(t *testing.T) {
	want := map[outbound.Code]int{
		outbound.Invalid: 2, outbound.NotFound: 1, outbound.NotPermitted: 5, outbound.Conflict: 4,
		outbound.Unavailable: 4, outbound.TooLarge: 2, outbound.Internal: 4,
	}
	for _, code := range outbound.Codes {
		got, ok := cli.StatusOfCode(code)
		if w, known := want[code]; !ok || !known || got != w {
			t.Errorf("%s: status %d (in the table: %v), want %d", code, got, ok, w)
		}
	}
	if _, ok := cli.StatusOfCode("no such code"); ok {
		t.Error("a code that there is not is in the table")
	}
}

func TestEachVerdictHasAnExitStatus(t *testing.T) {
	want := map[outbound.Verdict]int{
		outbound.Identified: 0, outbound.System: 0, outbound.None: 1, outbound.NotThisServer: 1,
		outbound.UnknownAnswer: 3, outbound.Probable: 6, outbound.Candidates: 6,
	}
	for _, verdict := range outbound.Verdicts {
		got, ok := cli.StatusOfVerdict(verdict)
		if w, known := want[verdict]; !ok || !known || got != w {
			t.Errorf("%s: status %d (in the table: %v), want %d", verdict, got, ok, w)
		}
	}
	if _, ok := cli.StatusOfVerdict("guilty"); ok {
		t.Error("a verdict that there is not is in the table")
	}
}
