package kernlog_test

import (
	"errors"
	"testing"

	"outboundmonitor/backend/kernlog"
	"outboundmonitor/backend/outbound"
)

func TestForgedLinesGiveNoEvent(t *testing.T) {
	kinds := map[byte]kernlog.Kind{'F': kernlog.Foreign, 'D': kernlog.Damaged, 'N': kernlog.NotOutgoing}
	for _, l := range fileLines(t, "forged.log") {
		var e outbound.Event
		_, err := kernlog.Parse([]byte(l[1:]), &e)
		if l[0] == '-' {
			if err != kernlog.ErrNotOurs {
				t.Errorf("%v, want ErrNotOurs\n%s", err, l)
			}
			continue
		}
		var f *kernlog.Fault
		if !errors.As(err, &f) {
			t.Errorf("%v, want a fault\n%s", err, l)
			continue
		}
		if f.Kind != kinds[l[0]] {
			t.Errorf("%v\n%s", err, l)
		}
		if f.Field == "" || len(f.Input) > 48 {
			t.Errorf("a fault that does not say where: %#v\n%s", f, l)
		}
	}
}

// A byte-exact copy is accepted: the grammar is no proof of who wrote a line.
func TestGrammarIsNotAuthentication(t *testing.T) {
	var e outbound.Event
	if _, err := kernlog.Parse([]byte(head+p22+body), &e); err != nil || e.Witness != outbound.Text {
		t.Errorf("%v, witness %v", err, e.Witness)
	}
}

func TestKindsAreCounterKeys(t *testing.T) {
	for kind, key := range map[kernlog.Kind]string{
		kernlog.Damaged: "damaged", kernlog.Foreign: "foreign", kernlog.NotOutgoing: "not_outgoing", kernlog.Future: "future",
	} {
		if kind.String() != key {
			t.Errorf("%d is %q, want %q", kind, kind, key)
		}
	}
}

func TestAFaultNamesTheFieldAndQuotesTheInput(t *testing.T) {
	for line, text := range map[string]string{
		head + p22 + out + ip4 + tcp + "UID=20x1 GID=2002 ": `kernlog: UID: "UID=20x1": damaged`,
		head + p22 + out + ip4 + tcp + "UID=2001 ":          `kernlog: GID: "": damaged`,
		head + "x" + p22 + body:                             `kernlog: prefix: "xCSF-OUTBOUND:22:=:IN=": foreign`,
	} {
		var e outbound.Event
		if _, err := kernlog.Parse([]byte(line), &e); err == nil || err.Error() != text {
			t.Errorf("%v, want %s", err, text)
		}
	}
}
