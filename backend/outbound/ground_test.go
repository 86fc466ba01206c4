package outbound_test

import (
	"testing"
	"time"

	"outboundmonitor/backend/outbound"
)

func TestScopeFailsClosed(t *testing.T) {
	now := time.Date(2026, 11, 5, 1, 0, 0, 0, time.UTC)
	alice := &outbound.Who{Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: 1043, Begin: 100}, User: "alice", Attribution: outbound.Known}
	later := &outbound.Who{Kind: outbound.CPanelAccount, Instance: outbound.Instance{UID: 1043, Begin: 200}, User: "alice", Attribution: outbound.Known}
	doubtful := &outbound.Who{Kind: outbound.CPanelAccount, Instance: alice.Instance, User: "alice"}
	root := &outbound.Who{Kind: outbound.SystemUser, User: "root", Attribution: outbound.Assumed}
	hers := outbound.Only(outbound.Grant{Instance: alice.Instance, From: now})

	for name, c := range map[string]struct {
		scope outbound.Scope
		who   *outbound.Who
		at    time.Time
		sees  bool
	}{
		"the zero scope sees nothing":               {outbound.Scope{}, alice, now, false},
		"the zero scope sees no unattributed event": {outbound.Scope{}, nil, now, false},
		"root sees all":                             {outbound.Everything(), nil, now, true},
		"a grant shows its instance":                {hers, alice, now, true},
		"a grant begins at its time":                {hers, alice, now.Add(-1), false},
		"a grant does not show the UID's next life": {hers, later, now, false},
		"a grant shows no doubtful event":           {hers, doubtful, now, false},
		"a grant shows no system user":              {outbound.Only(outbound.Grant{}), root, now, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.scope.Sees(c.who, c.at); got != c.sees {
				t.Errorf("Sees = %v, want %v", got, c.sees)
			}
			if c.sees && !c.scope.MaySee(c.who) {
				t.Error("MaySee denies what Sees allows")
			}
		})
	}
}

func TestKeyIsMasked(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"a key":                         {"x kernel: CSF-OUTBOUND:22:=:Ab3dEf:IN= OUT=eth0", "x kernel: CSF-OUTBOUND:22:=:******:IN= OUT=eth0"},
		"a key after two ports":         {"x CSF-OUTBOUND:80:443:=:Ab3dEf:IN= ", "x CSF-OUTBOUND:80:443:=:******:IN= "},
		"no key":                        {"x CSF-OUTBOUND:22:=:IN= OUT=eth0 SRC", "x CSF-OUTBOUND:22:=:IN= OUT=eth0 SRC"},
		"no prefix":                     {"x :=:Ab3dEf:", "x :=:Ab3dEf:"},
		"a message torn before its key": {"x CSF-OUTBOUND:22:=:x CSF-OUTBOUND:22:=:Ab3dEf:IN= ", "x CSF-OUTBOUND:22:=:x CSF-OUTBOUND:22:=:******:IN= "},
		"a message torn after its key":  {"x CSF-OUTBOUND:22:=:Ab3dEf:IN=x CSF-OUTBOUND:22:=:Ab3dEf:IN= ", "x CSF-OUTBOUND:22:=:******:IN=x CSF-OUTBOUND:22:=:******:IN= "},
		"cut off within the key":        {"x CSF-OUTBOUND:22:=:Ab3", "x CSF-OUTBOUND:22:=:Ab3"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(outbound.MaskKey([]byte(c.line))); got != c.want {
				t.Errorf("MaskKey = %q, want %q", got, c.want)
			}
		})
	}
}

func TestUsernameGrammar(t *testing.T) {
	for name, want := range map[outbound.Username]bool{
		"alice": true, "a.b-c_9": true, "": false, "-alice": false, "../x": false, "alice\n": false, "root ": false,
		"ALICE": true, "a\x1b[31m": false, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": false,
	} {
		if got := name.Valid(); got != want {
			t.Errorf("%q.Valid() = %v, want %v", name, got, want)
		}
	}
}
