package outbound

import "time"

// ParseZone reads a time zone as people type it: a name of the zone database,
// or an offset as "+01:00" or "+0100".
//
// An error is an [Error] with code Invalid that quotes the text.
func ParseZone(name string) (*time.Location, error) {
	for _, form := range []string{"-07:00", "-0700"} {
		if t, err := time.Parse(form, name); err == nil {
			_, offset := t.Zone()
			return time.FixedZone(name, offset), nil
		}
	}
	// "Local" would be the zone of this process, which is nobody's.
	if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
		return zone, nil
	}
	return nil, &Error{Code: Invalid, Message: quoted(name) + ": no such time zone", Hint: "a name as Europe/Berlin or UTC, or an offset as +01:00"}
}
