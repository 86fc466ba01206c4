package kernlog_test

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
)

const testdata = "../../testdata/kernlog"

func fileLines(t testing.TB, name string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	if len(lines) < 50 {
		t.Fatalf("%s: %d lines", name, len(lines))
	}
	return lines
}

// shown finds in a whole line of the kernel's the text of each field that an
// event has. It is written down apart from the grammar, and trusts the line.
var shown = regexp.MustCompile(`CSF-OUTBOUND:(?P<label>.*?):=:.*?SRC=(?P<src>\S+) DST=(?P<dst>\S+) .*?PROTO=(?P<proto>\S+) (?:SPT=(?P<spt>\d+) DPT=(?P<dpt>\d+) )?(?:.*?\bUID=(?P<uid>\d+) GID=(?P<gid>\d+))?`)

func TestRecordedLinesGiveTheirEvents(t *testing.T) {
	events := 0
	for _, line := range fileLines(t, "recorded.log") {
		var e outbound.Event
		_, err := kernlog.Parse([]byte(line), &e)
		var f *kernlog.Fault
		switch {
		case strings.Contains(line, "IN=eth0"):
			if !errors.As(err, &f) || f.Kind != kernlog.NotOutgoing {
				t.Errorf("a packet that came in: %v\n%s", err, line)
			}
		case strings.Contains(line, "INCOMPLETE") && !strings.Contains(line, " [SRC="):
			if !errors.As(err, &f) || f.Kind != kernlog.Damaged {
				t.Errorf("a packet too short for its header: %v\n%s", err, line)
			}
		case err != nil:
			t.Errorf("%v\n%s", err, line)
		default:
			events++
			if bad := misread(line, &e); bad != "" {
				t.Errorf("%s\n%s", bad, line)
			}
		}
	}
	if events < 70 {
		t.Errorf("%d events", events)
	}
}

// misread says which field of e is not what the line shows.
func misread(line string, e *outbound.Event) string {
	m := shown.FindStringSubmatch(line)
	if m == nil {
		return "the line shows nothing"
	}
	texts := texts(e)
	for i, name := range shown.SubexpNames() {
		if i > 0 && texts[name] != m[i] {
			return name + " is " + texts[name] + ", the line shows " + m[i]
		}
	}
	return ""
}
