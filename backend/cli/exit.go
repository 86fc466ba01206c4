package cli

import "outboundmonitor/backend/outbound"

// Exit statuses. Scripts rest on them.
const (
	exitDone         = 0 // identified, found or done
	exitNone         = 1 // none, and recording was complete
	exitUsage        = 2 // wrong usage or settings
	exitUnknown      = 3 // nothing found, and recording was incomplete
	exitUnavailable  = 4 // daemon, store or firewall out of reach
	exitNotPermitted = 5
	exitUnsure       = 6 // probable or candidates
)

// codeStatus is the one table from Code to exit status.
var codeStatus = map[outbound.Code]int{
	outbound.Invalid:      exitUsage,
	outbound.NotFound:     exitNone,
	outbound.NotPermitted: exitNotPermitted,
	outbound.Conflict:     exitUnavailable,
	outbound.Unavailable:  exitUnavailable,
	outbound.TooLarge:     exitUsage,
	outbound.Internal:     exitUnavailable,
}

// verdictStatus is the one table from Verdict to exit status.
var verdictStatus = map[outbound.Verdict]int{
	outbound.Identified:    exitDone,
	outbound.Probable:      exitUnsure,
	outbound.Candidates:    exitUnsure,
	outbound.System:        exitDone,
	outbound.None:          exitNone,
	outbound.UnknownAnswer: exitUnknown,
	outbound.NotThisServer: exitNone,
}

// statusOf gives the exit status of a code; that of a fault for one that is
// not in the table.
func statusOf(code outbound.Code) int {
	if status, ok := codeStatus[code]; ok {
		return status
	}
	return exitUnavailable
}

// StatusOfCode is statusOf for those who print the table.
func StatusOfCode(code outbound.Code) (int, bool) { s, ok := codeStatus[code]; return s, ok }

// StatusOfVerdict gives the exit status of a verdict, and whether it is in the
// table.
func StatusOfVerdict(v outbound.Verdict) (int, bool) { s, ok := verdictStatus[v]; return s, ok }

// foundOr gives the exit status of an answer with n things in it.
func foundOr(n int, c outbound.Coverage) int {
	switch {
	case n > 0:
		return exitDone
	case c.Complete:
		return exitNone
	}
	return exitUnknown
}
