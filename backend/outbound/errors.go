package outbound

// Code sorts the errors that a person meets. Each has one HTTP status and one
// exit status.
type Code string

// The codes. Each front has a table of them, proved total by its tests.
const (
	Invalid      Code = "invalid"       // wrong usage, value or settings
	NotFound     Code = "not_found"     // no such thing, or not yours
	NotPermitted Code = "not_permitted" // the viewer may not do this
	Conflict     Code = "conflict"      // something else is in the way
	Unavailable  Code = "unavailable"   // daemon or store out of reach
	TooLarge     Code = "too_large"     // more than is accepted
	Internal     Code = "internal"      // a fault of the program
)

// Codes lists each code once.
var Codes = []Code{Invalid, NotFound, NotPermitted, Conflict, Unavailable, TooLarge, Internal}

// Error is an error for a person: what is the matter, and what to do.
type Error struct {
	Code    Code
	Message string
	// Hint is a command or a sentence that helps; may be empty.
	Hint string
	// Err is the cause; may be nil.
	Err error
}

// Error gives the message with its cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
