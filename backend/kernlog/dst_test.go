package kernlog_test

import (
	"testing"
	"time"

	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
)

const (
	sure  = outbound.InferredYear
	doubt = outbound.AmbiguousDST
)

type placed struct {
	line, at string
	basis    outbound.TimeBasis
}

func TestAnImportThroughAChangeOfTheClocks(t *testing.T) {
	for name, c := range map[string]struct {
		zone  string
		year  int
		lines []placed
	}{
		"autumn in Berlin": {"Europe/Berlin", 2026, []placed{
			{"Oct 25 01:59:59", "2026-10-24T23:59:59Z", sure},
			{"Oct 25 02:00:00", "2026-10-25T00:00:00Z", doubt},
			{"Oct 25 02:59:59", "2026-10-25T00:59:59Z", doubt},
			{"Oct 25 02:00:00", "2026-10-25T01:00:00Z", doubt},
			{"Oct 25 02:00:00", "2026-10-25T01:00:00Z", doubt},
			{"Oct 25 02:59:59", "2026-10-25T01:59:59Z", doubt},
			{"Oct 25 03:00:00", "2026-10-25T02:00:00Z", sure}}},
		"autumn, a few lines": {"Europe/Berlin", 2026, []placed{
			{"Oct 24 12:00:00", "2026-10-24T10:00:00Z", sure},
			{"Oct 25 02:40:00", "2026-10-25T00:40:00Z", doubt},
			{"Oct 25 02:30:00", "2026-10-25T01:30:00Z", doubt},
			{"Oct 26 12:00:00", "2026-10-26T11:00:00Z", sure}}},
		"autumn, disorder of seconds is no second pass": {"Europe/Berlin", 2026, []placed{
			{"Oct 25 02:40:05", "2026-10-25T00:40:05Z", doubt},
			{"Oct 25 02:40:03", "2026-10-25T00:40:03Z", doubt},
			{"Oct 25 02:40:06", "2026-10-25T00:40:06Z", doubt}}},
		"autumn, after a stamp with its zone": {"Europe/Berlin", 2026, []placed{
			{"2026-10-25T02:10:00+01:00", "2026-10-25T01:10:00Z", outbound.Stamp},
			{"Oct 25 02:10:01", "2026-10-25T01:10:01Z", doubt}}},
		"autumn in New York": {"America/New_York", 2026, []placed{
			{"Nov  1 00:59:59", "2026-11-01T04:59:59Z", sure},
			{"Nov  1 01:30:00", "2026-11-01T05:30:00Z", doubt},
			{"Nov  1 01:00:00", "2026-11-01T06:00:00Z", doubt},
			{"Nov  1 02:00:00", "2026-11-01T07:00:00Z", sure}}},
		"half an hour on Lord Howe Island": {"Australia/Lord_Howe", 2026, []placed{
			{"Apr  5 01:29:59", "2026-04-04T14:29:59Z", sure},
			{"Apr  5 01:30:00", "2026-04-04T14:30:00Z", doubt},
			{"Apr  5 01:59:59", "2026-04-04T14:59:59Z", doubt},
			{"Apr  5 01:30:00", "2026-04-04T15:00:00Z", doubt},
			{"Apr  5 02:00:00", "2026-04-04T15:30:00Z", sure}}},
		"spring in Berlin": {"Europe/Berlin", 2026, []placed{
			{"Mar 29 01:59:59", "2026-03-29T00:59:59Z", sure},
			{"Mar 29 02:30:00", "2026-03-29T01:30:00Z", doubt},
			{"Mar 29 03:00:00", "2026-03-29T01:00:00Z", sure}}},
		"spring in New York": {"America/New_York", 2026, []placed{
			{"Mar  8 01:59:59", "2026-03-08T06:59:59Z", sure},
			{"Mar  8 02:00:00", "2026-03-08T07:00:00Z", doubt},
			{"Mar  8 03:00:00", "2026-03-08T07:00:00Z", sure}}},
		"no change in Kathmandu": {"Asia/Kathmandu", 2026, []placed{
			{"Oct 25 02:30:00", "2026-10-24T20:45:00Z", sure}}},
		"Apia left out a day": {"Pacific/Apia", 2011, []placed{
			{"Dec 29 23:59:59", "2011-12-30T09:59:59Z", sure},
			{"Dec 31 00:00:00", "2011-12-30T10:00:00Z", sure}}},
	} {
		clock := kernlog.Importing(zone(t, c.zone), c.year)
		for i, l := range c.lines {
			when, basis, err := clock.Time(stamp(t, l.line), at(t, "2027-01-01T00:00:00Z"))
			if err != nil || !when.Equal(at(t, l.at)) || basis != l.basis {
				t.Errorf("%s: line %d, %s: %v, %v, %v; want %s, %v", name, i, l.line, when, basis, err, l.at, l.basis)
			}
		}
	}
}

func TestFollowingThroughTheHourThatOccursTwice(t *testing.T) {
	for name, c := range map[string]struct{ line, received, at string }{
		"first pass, live":                          {"Oct 25 02:30:00", "2026-10-25T00:30:01Z", "2026-10-25T00:30:00Z"},
		"second pass, live":                         {"Oct 25 02:30:00", "2026-10-25T01:30:01Z", "2026-10-25T01:30:00Z"},
		"first pass, half an hour late":             {"Oct 25 02:30:00", "2026-10-25T01:00:00Z", "2026-10-25T00:30:00Z"},
		"caught up hours later, no line before it":  {"Oct 25 02:30:00", "2026-10-25T09:00:00Z", "2026-10-25T00:30:00Z"},
		"the clock of the stamps a second ahead":    {"Oct 25 02:30:01", "2026-10-25T01:30:00Z", "2026-10-25T01:30:01Z"},
		"first pass, the other a few minutes ahead": {"Oct 25 02:05:00", "2026-10-25T01:00:00Z", "2026-10-25T00:05:00Z"},
	} {
		clock := kernlog.Following(zone(t, "Europe/Berlin"))
		when, basis, err := clock.Time(stamp(t, c.line), at(t, c.received))
		if err != nil || !when.Equal(at(t, c.at)) || basis != doubt {
			t.Errorf("%s: %v, %v, %v; want %s", name, when, basis, err, c.at)
		}
	}
}

// The same stamp, an hour later, by the same clock.
func TestFollowingDoesNotKeepThePassOfTheHourBefore(t *testing.T) {
	clock := kernlog.Following(zone(t, "Europe/Berlin"))
	for _, want := range []string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"} {
		when, _, err := clock.Time(stamp(t, "Oct 25 02:30:00"), at(t, want).Add(time.Second))
		if err != nil || !when.Equal(at(t, want)) {
			t.Errorf("%v, %v; want %s", when, err, want)
		}
	}
}

// Each second of two years, in zones with and without changes, is placed where
// the standard library shows it, and is in doubt just when its civil time
// occurs twice.
func TestEachHourIsPlacedWhereItWas(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns", "Asia/Tehran", "Africa/Cairo", "Pacific/Chatham", "America/Sao_Paulo"} {
		z := zone(t, name)
		clock := kernlog.Importing(z, 2025)
		from, to := time.Date(2025, 1, 1, 0, 0, 0, 0, z), time.Date(2026, 12, 31, 0, 0, 0, 0, z)
		for when := from; when.Before(to); when = when.Add(997 * time.Second) {
			got, basis, err := clock.Time(stamp(t, when.Format(time.Stamp)), to)
			twice := occursTwice(when, z)
			if err != nil || !got.Equal(when) || (basis == doubt) != twice {
				t.Fatalf("%s: %v is placed at %v, %v, %v", name, when, got.In(z), basis, err)
			}
		}
	}
}

func occursTwice(when time.Time, z *time.Location) bool {
	civil := when.Format(time.DateTime)
	for m := -180; m <= 180; m += 30 {
		if m != 0 && when.Add(time.Duration(m)*time.Minute).In(z).Format(time.DateTime) == civil {
			return true
		}
	}
	return false
}
