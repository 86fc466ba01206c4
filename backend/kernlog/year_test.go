package kernlog_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func stamp(t testing.TB, text string) kernlog.Stamp {
	t.Helper()
	s, ok := kernlog.ParseStamp([]byte(text + " web01 kernel: x"))
	if !ok {
		t.Fatalf("no stamp: %q", text)
	}
	return s
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// Each file of the table is surveyed, and then read by the clock.
func TestAFileWithoutYearsIsPlacedByItsOwnTime(t *testing.T) {
	for name, c := range map[string]struct {
		lines    []string
		modified string
		first    int
		// places are the lines' times in UTC; "" is one that is refused.
		places []string
	}{
		"no line": {nil, "2026-11-05T02:11:03Z", 0, nil},
		"years in all lines": {
			[]string{"2026-11-05T02:11:03Z"}, "2026-11-05T02:11:03Z", 0, []string{"2026-11-05T02:11:03Z"}},
		"yesterday": {
			[]string{"Nov  4 02:11:03"}, "2026-11-05T00:00:00Z", 2026, []string{"2026-11-04T02:11:03Z"}},
		"a file that ends this second": {
			[]string{"Nov  5 02:11:03"}, "2026-11-05T02:11:03Z", 2026, []string{"2026-11-05T02:11:03Z"}},
		"a clock some hours ahead": {
			[]string{"Nov  5 22:11:03"}, "2026-11-05T02:11:03Z", 2026, []string{"2026-11-05T22:11:03Z"}},
		"last December, read in January": {
			[]string{"Dec 30 02:11:03"}, "2027-01-02T00:00:00Z", 2026, []string{"2026-12-30T02:11:03Z"}},
		"1 January, the file's time still in December": {
			[]string{"Dec 31 23:59:59", "Jan  1 00:00:00"}, "2026-12-31T23:59:59Z", 2026, []string{"2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"}},
		"a New Year within": {
			[]string{"Dec 31 23:59:59", "Jan  1 00:00:00", "Jan  2 00:00:00"}, "2027-01-02T00:00:00Z", 2026, []string{"2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"}},
		"two New Years within": {
			[]string{"Dec  1 00:00:00", "May  1 00:00:00", "Oct  1 00:00:00", "Feb  1 00:00:00"}, "2027-02-01T00:00:00Z", 2025,
			[]string{"2025-12-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-10-01T00:00:00Z", "2027-02-01T00:00:00Z"}},
		"a year ago": {
			[]string{"Nov  7 02:11:03", "Nov  8 02:11:03"}, "2026-11-05T00:00:00Z", 2025, []string{"2025-11-07T02:11:03Z", "2025-11-08T02:11:03Z"}},
		"a file five years old": {
			[]string{"Nov  4 02:11:03"}, "2021-11-05T00:00:00Z", 2021, []string{"2021-11-04T02:11:03Z"}},
		"disorder of a few seconds": {
			[]string{"Nov  5 02:11:03", "Nov  5 02:11:01", "Nov  5 02:11:04"}, "2026-11-05T02:12:00Z", 2026, []string{"2026-11-05T02:11:03Z", "2026-11-05T02:11:01Z", "2026-11-05T02:11:04Z"}},
		"disorder over the New Year": {
			[]string{"Dec 31 23:59:59", "Jan  1 00:00:00", "Dec 31 23:59:59", "Jan  1 00:00:01"}, "2027-01-01T00:00:02Z", 2026,
			[]string{"2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:01Z"}},
		"disorder over the New Year at the beginning": {
			[]string{"Jan  1 00:00:00", "Dec 31 23:59:59", "Jan  1 00:00:01"}, "2027-01-01T00:00:02Z", 2027,
			[]string{"2027-01-01T00:00:00Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:01Z"}},
		"one line dated back to 1 January": {
			[]string{"Nov  4 00:00:00", "Jan  1 00:00:01", "Nov  4 00:00:01"}, "2026-11-04T00:00:02Z", 2026, []string{"2026-11-04T00:00:00Z", "", "2026-11-04T00:00:01Z"}},
		"one line dated ahead to December": {
			[]string{"Feb  4 00:00:00", "Dec 30 00:00:01", "Feb  4 00:00:01"}, "2026-02-04T00:00:02Z", 2026, []string{"2026-02-04T00:00:00Z", "", "2026-02-04T00:00:01Z"}},
		"silence from March to December": {
			[]string{"Mar  1 00:00:00", "Dec  1 00:00:00"}, "2026-12-01T00:00:02Z", 2026, []string{"2026-03-01T00:00:00Z", "2026-12-01T00:00:00Z"}},
		"29 February in a leap year": {
			[]string{"Feb 28 00:00:00", "Feb 29 00:00:00", "Mar  1 00:00:00"}, "2028-03-01T00:00:00Z", 2028, []string{"2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"}},
		"29 February, the file copied two years later": {
			[]string{"Feb 29 00:00:00", "Mar  1 00:00:00"}, "2026-03-05T00:00:00Z", 2024, []string{"2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"}},
		"29 February after a New Year": {
			[]string{"Dec 31 00:00:00", "Feb 29 00:00:00"}, "2030-03-05T00:00:00Z", 2027, []string{"2027-12-31T00:00:00Z", "2028-02-29T00:00:00Z"}},
		"29 February around a century that is no leap year": {
			[]string{"Feb 29 00:00:00"}, "2103-03-05T00:00:00Z", 2096, []string{"2096-02-29T00:00:00Z"}},
		"the format changed to RFC 3339": {
			[]string{"Nov  4 00:00:00", "2024-11-04T12:00:00Z", "2024-11-04T12:00:01Z", "2024-11-04T12:00:02Z"}, "2026-11-05T00:00:00Z", 2024,
			[]string{"2024-11-04T00:00:00Z", "2024-11-04T12:00:00Z", "2024-11-04T12:00:01Z", "2024-11-04T12:00:02Z"}},
		"one line with another year in the middle": {
			[]string{"Nov  4 00:00:00", "2024-11-04T12:00:00Z", "Nov  4 00:00:01"}, "2026-11-05T00:00:00Z", 2026,
			[]string{"2026-11-04T00:00:00Z", "2024-11-04T12:00:00Z", "2026-11-04T00:00:01Z"}},
		"a last line of a clock that was three days ahead": {
			[]string{"Nov  4 00:00:00", "Nov  4 00:00:01", "Nov  4 00:00:02", "Nov  7 00:00:00"}, "2026-11-04T00:00:03Z", 2026,
			[]string{"2026-11-04T00:00:00Z", "2026-11-04T00:00:01Z", "2026-11-04T00:00:02Z", ""}},
		"the format changed after a New Year": {
			[]string{"Dec 31 00:00:00", "Jan  2 00:00:00", "2024-01-04T12:00:00Z", "2024-01-04T12:00:00Z", "2024-01-04T12:00:00Z"}, "2026-11-05T00:00:00Z", 2023,
			[]string{"2023-12-31T00:00:00Z", "2024-01-02T00:00:00Z", "2024-01-04T12:00:00Z", "2024-01-04T12:00:00Z", "2024-01-04T12:00:00Z"}},
		"the format changed from RFC 3339, over a New Year": {
			[]string{"2023-12-31T12:00:00Z", "2023-12-31T12:00:01Z", "2023-12-31T12:00:02Z", "Jan  2 00:00:00", "Jan  3 00:00:00"}, "2026-11-05T00:00:00Z", 2024,
			[]string{"2023-12-31T12:00:00Z", "2023-12-31T12:00:01Z", "2023-12-31T12:00:02Z", "2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"}},
		"one line with a year of its own does not date the others": {
			[]string{"2026-11-04T00:00:00Z", "Nov  4 00:00:01", "2019-11-04T00:00:02Z", "Nov  4 00:00:03", "2026-11-04T00:00:04Z"}, "2026-11-05T00:00:00Z", 2026,
			[]string{"2026-11-04T00:00:00Z", "2026-11-04T00:00:01Z", "2019-11-04T00:00:02Z", "2026-11-04T00:00:03Z", "2026-11-04T00:00:04Z"}},
	} {
		modified := at(t, c.modified)
		var v kernlog.Survey
		for _, l := range c.lines {
			v.See([]byte(l + " web01 kernel: x"))
			v.See([]byte("a line without a stamp"))
		}
		first := v.FirstYear(modified, time.UTC)
		if first != c.first {
			t.Errorf("%s: first year %d, want %d", name, first, c.first)
			continue
		}
		clock := kernlog.Importing(time.UTC, first)
		for i, l := range c.lines {
			s := stamp(t, l)
			when, basis, err := clock.Time(s, modified)
			if c.places[i] == "" {
				var f *kernlog.Fault
				if !errors.As(err, &f) || f.Kind != kernlog.Future {
					t.Errorf("%s: %q is at %v, %v; want a future one", name, l, when, err)
				}
				continue
			}
			wantBasis := outbound.InferredYear
			if s.Zoned {
				wantBasis = outbound.Stamp
			}
			if err != nil || !when.Equal(at(t, c.places[i])) || basis != wantBasis || when.Location() != time.UTC {
				t.Errorf("%s: line %d, %q: %v, %v, %v; want %s", name, i, l, when, basis, err, c.places[i])
			}
		}
	}
}

func TestTheLastLineIsComparedInTheHostsZone(t *testing.T) {
	for name, c := range map[string]struct {
		zone, line, modified string
		first                int
	}{
		"Auckland is in the new year already": {"Pacific/Auckland", "Jan  1 05:00:00", "2026-12-31T17:00:00Z", 2027},
		"Honolulu is in the old year still":   {"Pacific/Honolulu", "Dec 31 20:00:00", "2027-01-01T07:00:00Z", 2026},
	} {
		var v kernlog.Survey
		v.See([]byte(c.line + " web01 kernel: x"))
		if y := v.FirstYear(at(t, c.modified), zone(t, c.zone)); y != c.first {
			t.Errorf("%s: %d, want %d", name, y, c.first)
		}
	}
}

// The first stamp without a year may be another program's: the clock is given
// it, and sees the New Year before our first line.
func TestTheFilesFirstStampSetsTheClock(t *testing.T) {
	clock := kernlog.Importing(time.UTC, 2026)
	now := at(t, "2027-01-10T00:00:00Z")
	if _, _, err := clock.Time(stamp(t, "Dec 28 00:00:00"), now); err != nil {
		t.Fatal(err)
	}
	when, _, err := clock.Time(stamp(t, "Jan  5 00:00:00"), now)
	if err != nil || when.Year() != 2027 {
		t.Errorf("%v, %v", when, err)
	}
}

func TestImportingWithoutAFirstYearTakesTheLastThatIsPast(t *testing.T) {
	clock := kernlog.Importing(time.UTC, 0)
	when, basis, err := clock.Time(stamp(t, "Dec 28 00:00:00"), at(t, "2027-01-10T00:00:00Z"))
	if err != nil || when.Year() != 2026 || basis != outbound.InferredYear {
		t.Errorf("%v, %v, %v", when, basis, err)
	}
}

func TestA29FebruaryThatDoesNotExistIsDamage(t *testing.T) {
	clock := kernlog.Importing(time.UTC, 2026)
	_, _, err := clock.Time(stamp(t, "Feb 29 00:00:00"), at(t, "2027-01-10T00:00:00Z"))
	var f *kernlog.Fault
	if !errors.As(err, &f) || f.Kind != kernlog.Damaged {
		t.Errorf("%v", err)
	}
}

func TestFollowingTakesTheYearNearTheTimeOfReceipt(t *testing.T) {
	for name, c := range map[string]struct {
		line, received, at string
		basis              outbound.TimeBasis
	}{
		"just now":                           {"Nov  5 02:11:03", "2026-11-05T02:11:03.5Z", "2026-11-05T02:11:03Z", outbound.Stamp},
		"some seconds ahead":                 {"Nov  5 02:11:09", "2026-11-05T02:11:03Z", "2026-11-05T02:11:09Z", outbound.Stamp},
		"an hour behind":                     {"Nov  5 01:11:03", "2026-11-05T02:11:03Z", "2026-11-05T01:11:03Z", outbound.Stamp},
		"31 December, received in January":   {"Dec 31 23:59:59", "2027-01-01T00:00:01Z", "2026-12-31T23:59:59Z", outbound.Stamp},
		"1 January, received in December":    {"Jan  1 00:00:00", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", outbound.Stamp},
		"a day and a second behind":          {"Nov  4 02:11:02", "2026-11-05T02:11:03Z", "2026-11-04T02:11:02Z", outbound.InferredYear},
		"a week behind over the New Year":    {"Dec 27 00:00:00", "2027-01-03T00:00:00Z", "2026-12-27T00:00:00Z", outbound.InferredYear},
		"eight months behind":                {"Mar  5 00:00:00", "2026-11-05T00:00:00Z", "2026-03-05T00:00:00Z", outbound.InferredYear},
		"ten months behind, from last year":  {"Mar  5 00:00:00", "2026-01-05T00:00:00Z", "2025-03-05T00:00:00Z", outbound.InferredYear},
		"two days ahead":                     {"Nov  7 02:11:04", "2026-11-05T02:11:03Z", "", 0},
		"two days ahead over the New Year":   {"Jan  2 00:00:00", "2026-12-31T00:00:00Z", "", 0},
		"29 February, received in that year": {"Feb 29 00:00:00", "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", outbound.Stamp},
		"29 February, received years later":  {"Feb 29 00:00:00", "2031-05-01T00:00:00Z", "2028-02-29T00:00:00Z", outbound.InferredYear},
		"a stamp with its zone":              {"2026-11-05T02:11:03.204417+01:00", "2026-11-05T02:11:03Z", "2026-11-05T01:11:03.204417Z", outbound.Stamp},
		"an old stamp with its zone":         {"2024-11-05T02:11:03-05:30", "2026-11-05T02:11:03Z", "2024-11-05T07:41:03Z", outbound.Stamp},
		"a stamp with its zone, ahead":       {"2026-11-06T02:11:04Z", "2026-11-05T02:11:03Z", "", 0},
		"a day ahead exactly":                {"2026-11-06T02:11:03Z", "2026-11-05T02:11:03Z", "2026-11-06T02:11:03Z", outbound.Stamp},
	} {
		clock := kernlog.Following(time.UTC)
		for range 2 {
			when, basis, err := clock.Time(stamp(t, c.line), at(t, c.received))
			if c.at == "" {
				var f *kernlog.Fault
				if !errors.As(err, &f) || f.Kind != kernlog.Future || !when.IsZero() {
					t.Errorf("%s: %v, %v", name, when, err)
				}
				continue
			}
			if err != nil || !when.Equal(at(t, c.at)) || basis != c.basis {
				t.Errorf("%s: %v, %v, %v; want %s, %v", name, when, basis, err, c.at, c.basis)
			}
		}
	}
}

// A clock that follows for years: what it kept of the last line must not date
// the same stamp a year later.
func TestFollowingAcrossTheNewYears(t *testing.T) {
	clock := kernlog.Following(time.UTC)
	for y := 2026; y < 2030; y++ {
		for _, l := range []string{"Nov  5 02:11:03", "Dec 31 23:59:59", "Jan  1 00:00:00", "Nov  5 02:11:03"} {
			year := y
			if l[0] == 'J' {
				year++
			}
			when := at(t, fmt.Sprintf("%d-%s", year, map[string]string{"Nov  5 02:11:03": "11-05T02:11:03Z", "Dec 31 23:59:59": "12-31T23:59:59Z", "Jan  1 00:00:00": "01-01T00:00:00Z"}[l]))
			got, basis, err := clock.Time(stamp(t, l), when.Add(time.Second))
			if err != nil || !got.Equal(when) || basis != outbound.Stamp {
				t.Errorf("%s in %d: %v, %v, %v", l, year, got, basis, err)
			}
		}
	}
}

func TestStampsAreReadToTheMicrosecond(t *testing.T) {
	for text, micro := range map[string]int32{
		"2026-11-05T02:11:03Z": 0, "2026-11-05T02:11:03.2Z": 200000, "2026-11-05T02:11:03.000001Z": 1,
		"2026-11-05T02:11:03.204417Z": 204417, "2026-11-05T02:11:03.204417999-05:00": 204417,
	} {
		if s := stamp(t, text); s.Micro != micro || !s.Zoned || s.Year != 2026 {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

func TestWhatIsNoStamp(t *testing.T) {
	for _, text := range []string{
		"", "Nov  5", "Nov  5 02:11:0", "Nov 05 02:11:03", "Nov  0 02:11:03", "Nov 31 02:11:03", "Feb 30 02:11:03", "nov  5 02:11:03", "Nev  5 02:11:03",
		"Nov  5 24:00:00", "Nov  5 02:60:00", "Nov  5 02:11:60", "Nov  5 2:11:03", "Nov  5T02:11:03", "Nov  5 02:11:03.5", "Nov  5 02-11-03",
		"2026-13-05T02:11:03Z", "2026-00-05T02:11:03Z", "2026-11-00T02:11:03Z", "2025-02-29T02:11:03Z", "0000-11-05T02:11:03Z", "2026-11-05T02:11:03",
		"2026-11-05 02:11:03Z", "2026-11-05T02:11:03.Z", "2026-11-05T02:11:03.1234567890Z", "2026-11-05T02:11:03+24:00", "2026-11-05T02:11:03+01:60",
		"2026-11-05T02:11:03+0100", "2026-11-05T02:11:03z", "2026-1-05T02:11:03Z", "20261-1-05T02:11:03Z", "2026-11-05T02:11:03 +01:00",
	} {
		for _, line := range []string{text + " web01 kernel: x", text} {
			if s, ok := kernlog.ParseStamp([]byte(line)); ok {
				t.Errorf("%q is the stamp %+v", line, s)
			}
		}
	}
}

func BenchmarkClock(b *testing.B) {
	s, now := stamp(b, "Nov  5 02:11:03"), time.Date(2026, 11, 5, 2, 11, 4, 0, time.UTC)
	for name, clock := range map[string]*kernlog.Clock{"importing": kernlog.Importing(zone(b, "Europe/Berlin"), 2026), "following": kernlog.Following(zone(b, "Europe/Berlin"))} {
		b.Run(name+", the same second", func(b *testing.B) {
			for b.Loop() {
				_, _, _ = clock.Time(s, now)
			}
		})
		b.Run(name+", another second", func(b *testing.B) {
			s := s
			for b.Loop() {
				s.Second ^= 1
				_, _, _ = clock.Time(s, now)
			}
		})
	}
}
