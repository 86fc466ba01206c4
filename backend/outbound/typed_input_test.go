package outbound_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"outboundmonitor/backend/outbound"
)

func TestTimesAsPeopleTypeThem(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 5, 9, 30, 15, 0, time.UTC) // 10:30:15 in Berlin
	for typed, want := range map[string]string{
		"now":                        "2026-11-05T09:30:15Z",
		"2026-11-05T02:11:03+01:00":  "2026-11-05T01:11:03Z",
		"2026-11-05T01:11:03.25Z":    "2026-11-05T01:11:03.25Z",
		"2026-11-05 02:11:03 +0100":  "2026-11-05T01:11:03Z",
		"2026-11-05 02:11:03":        "2026-11-05T01:11:03Z",
		"2026-07-05 02:11:03":        "2026-07-05T00:11:03Z",
		"2026-11-05":                 "2026-11-04T23:00:00Z",
		"05/Nov/2026:02:11:03 +0100": "2026-11-05T01:11:03Z",
		"05/Nov/2026:02:11:03":       "2026-11-05T01:11:03Z",
		"Nov  5 02:11:03":            "2026-11-05T01:11:03Z",
		"Nov 5 02:11":                "2026-11-05T01:11:00Z",
		"Nov  5 10:30:16":            "2025-11-05T09:30:16Z",
		"Dec 31 23:59:59":            "2025-12-31T22:59:59Z",
		"Feb 29 12:00:00":            "2024-02-29T11:00:00Z",
		"02:11":                      "2026-11-05T01:11:00Z",
		"10:31":                      "2026-11-04T09:31:00Z",
		"-15m":                       "2026-11-05T09:15:15Z",
		"-2d":                        "2026-11-03T09:30:15Z",
		"-1h30m":                     "2026-11-05T08:00:15Z",
		"1793841063":                 "2026-11-05T01:11:03Z",
		"1793841063.5":               "2026-11-05T01:11:03.5Z",
	} {
		t.Run(typed, func(t *testing.T) {
			got, err := outbound.ParseTime(typed, berlin, now)
			if err != nil {
				t.Fatal(err)
			}
			if s := got.Format(time.RFC3339Nano); s != want {
				t.Errorf("ParseTime = %s, want %s", s, want)
			}
		})
	}
}

func TestWhatIsNoTimeIsInvalid(t *testing.T) {
	for _, typed := range []string{
		"", " ", "yesterday", "2026-13-01", "2026-02-30", "25:00", "5", "-", "-m", "--5m", "-5y", "-999999w", "-200000d200000d",
		"0001-01-01", "9999-12-31T23:59:59-05:00", "\x00", "\x1b[31m", "Nov 31 00:00:00", "99999999999999",
		strings.Repeat("9", 5000), "now" + strings.Repeat(" ", 500),
	} {
		got, err := outbound.ParseTime(typed, time.UTC, time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC))
		fault, ok := errors.AsType[*outbound.Error](err)
		if !ok || fault.Code != outbound.Invalid || strings.ContainsAny(fault.Message, "\x00\x1b\n") {
			t.Errorf("ParseTime(%.40q) = %v, %v; want an Invalid error in one clean line", typed, got, err)
		}
	}
}

func TestTargetsAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"203.0.113.22": "203.0.113.22/32", " 203.0.113.22 ": "203.0.113.22/32", "203.0.113.22/24": "203.0.113.0/24",
		"2001:db8::22": "2001:db8::22/128", "[2001:DB8::22]": "2001:db8::22/128", "2001:db8::22/32": "2001:db8::/32",
		"::ffff:203.0.113.22": "203.0.113.22/32", "::ffff:203.0.113.22/120": "203.0.113.0/24", "0.0.0.0/0": "0.0.0.0/0",
		"": "", "203.0.113": "", "203.0.113.256": "", "203.0.113.022": "", "fe80::1%eth0": "", "[2001:db8::22": "",
		"203.0.113.0/33": "", "::ffff:0.0.0.0/90": "", "example.com": "", "\x1b": "",
	} {
		got, err := outbound.ParseTarget(typed)
		if want == "" {
			if fault, ok := errors.AsType[*outbound.Error](err); !ok || fault.Code != outbound.Invalid {
				t.Errorf("ParseTarget(%q) = %v, %v; want an Invalid error", typed, got, err)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("ParseTarget(%q) = %v, %v; want %s", typed, got, err, want)
		}
	}
}
