package access_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"outboundmonitor/backend/access"
	"outboundmonitor/backend/outbound"
)

// host is a host in three maps.
type host struct {
	users  []outbound.Username
	acls   map[outbound.Username][]string
	grants map[outbound.Username][]outbound.Grant
}

func (h host) Exists(u outbound.Username) bool {
	for _, v := range h.users {
		if u == v {
			return true
		}
	}
	return false
}

func (h host) Reseller(u outbound.Username) ([]string, bool) { a, ok := h.acls[u]; return a, ok }

func (h host) Owned(u outbound.Username) []outbound.Grant { return h.grants[u] }

// open is a host that says yes to everything: what the rule itself must hold.
type open struct{}

func (open) Exists(outbound.Username) bool               { return true }
func (open) Reseller(outbound.Username) ([]string, bool) { return []string{"all"}, true }
func (open) Owned(outbound.Username) []outbound.Grant    { return nil }

var (
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	alice = outbound.Instance{UID: 1043, Begin: 100}
	bob   = outbound.Instance{UID: 1044, Begin: 200}
)

func who(i outbound.Instance) *outbound.Who {
	return &outbound.Who{Kind: outbound.CPanelAccount, Instance: i, User: "x", Attribution: outbound.Known}
}

func small() host {
	return host{
		users: []outbound.Username{"root", "res1", "res2", "admin2", "alice", "empty", "lower", "prefix", "nobody"},
		acls: map[outbound.Username][]string{
			"res1":   {"list-accts", access.ACL},
			"res2":   {"list-accts", "suspend-acct"},
			"admin2": {"all"},
			"gone":   {"all", access.ACL},
			"empty":  {},
			"lower":  {strings.ToLower(access.ACL), "ALL", "All"},
			"prefix": {access.ACL + "x", "x" + access.ACL, " " + access.ACL, "all-dns", ""},
		},
		grants: map[outbound.Username][]outbound.Grant{
			"res1":  {{Instance: alice, From: begin}},
			"alice": {{Instance: alice}}, "res2": {{Instance: bob}},
			"empty": {{Instance: bob}}, "lower": {{Instance: bob}}, "prefix": {{Instance: bob}},
		},
	}
}

func TestViewersOfASmallHost(t *testing.T) {
	type sees struct{ all, alice, bob bool }
	for name, c := range map[string]struct {
		viewer outbound.Username
		sees   *sees // nil: refused
	}{
		"root sees everything":                              {"root", &sees{true, true, true}},
		"a reseller with all sees everything":               {"admin2", &sees{true, true, true}},
		"a reseller with the ACL sees his own":              {"res1", &sees{false, true, false}},
		"a reseller without the ACL is refused":             {"res2", nil},
		"a reseller without any ACL is refused":             {"empty", nil},
		"the ACL in other letters is none":                  {"lower", nil},
		"an ACL that only contains the right one is none":   {"prefix", nil},
		"an account that is no reseller is refused":         {"alice", nil},
		"a system user is refused":                          {"nobody", nil},
		"a reseller who is not in passwd is refused":        {"gone", nil},
		"a user whom nobody knows is refused":               {"mallory", nil},
		"root in capitals is somebody else, and not there":  {"ROOT", nil},
		"a reseller in capitals is somebody else":           {"Res1", nil},
		"a name that begins with a reseller's is not he":    {"res11", nil},
		"a name that a reseller's name begins with is none": {"res", nil},
	} {
		t.Run(name, func(t *testing.T) {
			scope, err := access.Scope(c.viewer, small())
			if c.sees == nil {
				refused(t, scope, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := sees{scope.All(), scope.Sees(who(alice), begin), scope.Sees(who(bob), begin)}
			if got != *c.sees {
				t.Errorf("sees %+v, want %+v", got, *c.sees)
			}
			if before := scope.Sees(who(alice), begin.Add(-time.Second)); before != c.sees.all {
				t.Errorf("sees what was before the account was his: %v", before)
			}
		})
	}
}

// TestOddViewersAreRefusedByTheRuleItself asks a host that says yes to all.
func TestOddViewersAreRefusedByTheRuleItself(t *testing.T) {
	for name, viewer := range map[string]outbound.Username{
		"empty":                "",
		"a blank":              " ",
		"a blank at the end":   "root ",
		"a blank before":       " root",
		"a tab":                "root\t",
		"a line end":           "root\n",
		"two lines":            "root\r\nOutboundmonitor-Viewer: x",
		"a path":               "../x",
		"a path to root":       "./root",
		"a slash":              "a/b",
		"NUL":                  "\x00",
		"NUL after root":       "root\x00",
		"NUL within":           "ro\x00ot",
		"a hyphen first":       "-root",
		"a dot":                ".",
		"a comma":              "root,res1",
		"a colon":              "root:all",
		"a star":               "*",
		"percent escaped":      "%72oot",
		"a Cyrillic letter":    "r\u043eot",
		"a full-width letter":  "\uff52oot",
		"a zero width space":   "root\u200b",
		"a soft hyphen":        "ro\u00adot",
		"bytes not UTF-8":      "root\xff",
		"an escape sequence":   "\x1b[31mroot",
		"33 characters":        outbound.Username(strings.Repeat("a", 33)),
		"10 KB":                outbound.Username(strings.Repeat("a", 10<<10)),
		"10 KB that are roots": outbound.Username(strings.Repeat("root", 2560)),
		"a quote":              "root'",
		"an at sign":           "root@example.com",
	} {
		t.Run(name, func(t *testing.T) {
			scope, err := access.Scope(viewer, open{})
			refused(t, scope, err)
		})
	}
	if _, err := access.Scope("res1", open{}); err != nil {
		t.Errorf("the open host refuses a plain viewer too, so this test shows nothing: %v", err)
	}
}

func TestHostThatKnowsNothingLetsNobodyIn(t *testing.T) {
	for _, viewer := range []outbound.Username{"root", "res1", "admin2", "alice", ""} {
		scope, err := access.Scope(viewer, host{})
		refused(t, scope, err)
		scope, err = access.Scope(viewer, nil)
		refused(t, scope, err)
	}
}

func TestResellerWhoOwnsNothingSeesNothing(t *testing.T) {
	h := small()
	h.grants = nil
	scope, err := access.Scope("res1", h)
	if err != nil {
		t.Fatal(err)
	}
	if scope.All() || scope.Sees(who(alice), begin) || scope.MaySee(who(bob)) || scope.Sees(nil, begin) {
		t.Error("sees something")
	}
}

// TestRightIsAskedForEachTime withdraws it between two questions.
func TestRightIsAskedForEachTime(t *testing.T) {
	h := small()
	if _, err := access.Scope("res1", h); err != nil {
		t.Fatal(err)
	}
	h.acls["res1"] = []string{"list-accts"}
	scope, err := access.Scope("res1", h)
	refused(t, scope, err)
}

// refusal is the message that all share.
const refusal = "you may not use Outbound Monitor"

func refused(t *testing.T, scope outbound.Scope, err error) {
	t.Helper()
	var e *outbound.Error
	if !errors.As(err, &e) || e.Code != outbound.NotPermitted || e.Error() != refusal {
		t.Errorf("error %#v, want NotPermitted with the one message", err)
	}
	if scope.All() || scope.Sees(who(alice), begin) || scope.MaySee(who(bob)) {
		t.Error("the scope beside the refusal sees something")
	}
}
