package kernlog_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
)

// FuzzParse holds each accepted line against a second reading of it: the text
// of each field stands where the kernel puts it, and nothing else does.
func FuzzParse(f *testing.F) {
	for _, v := range variants {
		f.Add([]byte(v.line))
	}
	for _, name := range []string{"recorded.log", "forged.log"} {
		for _, l := range fileLines(f, name) {
			f.Add([]byte(l))
			f.Add([]byte(l[1:]))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var e outbound.Event
		s, err := kernlog.Parse(line, &e)
		if err != nil {
			rejected(t, line, err)
			return
		}
		if !bytes.Equal(e.Line, line) || bytes.ContainsAny(line, "\x00\r\n\x7f") {
			t.Errorf("Line is %q of %q", e.Line, line)
		}
		if again, ok := kernlog.ParseStamp(line); !ok || again != s {
			t.Errorf("stamp %+v, and %+v alone", s, again)
		}
		if bad := rendered(string(line), &e); bad != "" {
			t.Errorf("%s is not in its place in %q: %+v", bad, line, e)
		}
		if bytes.Count(line, []byte(" UID=")) > 1 || bytes.Count(line, []byte("IN= OUT=")) != 1 {
			t.Errorf("a field twice: %q", line)
		}
	})
}

func rejected(t *testing.T, line []byte, err error) {
	ours := bytes.Contains(line, []byte(outbound.LogPrefix))
	var fault *kernlog.Fault
	switch {
	case !ours && err != kernlog.ErrNotOurs:
		t.Errorf("%v, want ErrNotOurs: %q", err, line)
	case ours && (!errors.As(err, &fault) || fault.Field == "" || !bytes.Contains(line, []byte(fault.Input))):
		t.Errorf("%v, want a fault with its place: %q", err, line)
	}
}

// rendered walks through the line from left to right and gives the first text
// of e that does not follow.
func rendered(line string, e *outbound.Event) string {
	m := texts(e)
	if m["label"] == "" || !e.Src.IsValid() || !e.Dst.IsValid() || e.Src.Is4In6() || e.Dst.Is4In6() {
		return "an address or the label"
	}
	steps := []string{" kernel", ": ", outbound.LogPrefix + m["label"] + ":=:", "IN= OUT="}
	if strings.Contains(line, "HOPLIMIT=") && e.Src.Is4() || e.Src.Is4() != e.Dst.Is4() {
		// IPv4-mapped: the text is another one.
		steps = append(steps, " SRC=")
	} else {
		steps = append(steps, " SRC="+m["src"]+" DST="+m["dst"]+" LEN=", " PROTO="+m["proto"]+" ")
	}
	if p, ok := m["spt"]; ok {
		steps = append(steps, "SPT="+p+" DPT="+m["dpt"]+" ")
	}
	if u, ok := m["uid"]; ok {
		steps = append(steps, " UID="+u+" GID="+m["gid"])
	}
	for _, step := range steps {
		i := strings.Index(line, step)
		if i < 0 {
			return step
		}
		// The blank that ends a step begins the next.
		line = line[i+len(step)-1:]
	}
	return ""
}

// FuzzStamp holds each stamp against the standard library, and places it.
func FuzzStamp(f *testing.F) {
	for _, text := range []string{
		"Nov  5 02:11:03", "Feb 29 23:59:59", "Dec 31 00:00:00", "2026-11-05T02:11:03.204417+01:00", "2026-11-05T02:11:03Z",
		"2024-02-29T02:11:03.123456789-05:45", "2026-11-05T02:11:03.Z", "Oct 25 02:30:00", "Mar 29 02:30:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
	} {
		f.Add([]byte(text+" web01 kernel: x"), int64(1793844663))
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, line []byte, received int64) {
		s, ok := kernlog.ParseStamp(line)
		text, _, _ := strings.Cut(string(line), " web01")
		if known, err := time.Parse(time.RFC3339Nano, text); err == nil && known.Year() > 0 && known.Format(time.RFC3339Nano) == text && text != string(line) && !ok {
			t.Errorf("%q is %v", text, known)
		}
		if !ok {
			return
		}
		sameAsTheLibrary(t, line, s)
		received %= 1 << 36
		now := time.Unix(received, 0)
		for _, clock := range []*kernlog.Clock{kernlog.Importing(berlin, 0), kernlog.Following(berlin)} {
			when, _, err := clock.Time(s, now)
			var fault *kernlog.Fault
			switch {
			case err != nil && !errors.As(err, &fault):
				t.Errorf("%q: %v", line, err)
			case err == nil && when.After(now.Add(24*time.Hour+time.Second)):
				t.Errorf("%q: %v, received at %v", line, when, now)
			case err == nil && s.Zoned && (when.Unix()+int64(s.Offset))%60 != int64(s.Second) && when.Unix() > 0:
				t.Errorf("%q: %v", line, when)
			}
		}
		var v kernlog.Survey
		v.See(line)
		if y := v.FirstYear(now, berlin); (y != 0) != (s.Year == 0) && y != 0 {
			t.Errorf("%q: first year %d", line, y)
		}
	})
}

// sameAsTheLibrary reads a stamp that was accepted once more.
func sameAsTheLibrary(t *testing.T, line []byte, s kernlog.Stamp) {
	layout, text := time.Stamp, string(line[:min(len(line), len(time.Stamp))])
	if s.Year != 0 {
		text, _, _ = strings.Cut(string(line), " ")
		layout = time.RFC3339Nano
	}
	known, err := time.Parse(layout, text)
	_, offset := known.Zone()
	again := kernlog.Stamp{
		Year: int16(known.Year()), Month: uint8(known.Month()), Day: uint8(known.Day()), Hour: uint8(known.Hour()),
		Minute: uint8(known.Minute()), Second: uint8(known.Second()), Zoned: s.Zoned, Offset: int32(offset), Micro: int32(known.Nanosecond() / 1000),
	}
	if err != nil || again != s {
		t.Errorf("%q is %+v, the library says %v, %v", text, s, known, err)
	}
}
