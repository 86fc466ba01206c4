package cpanel_test

import (
	"strings"
	"testing"
)

// history is what happens to a host, and what is then told of it.
//
// A line of script is a time, a colon and what happens then, joined by
// semicolons; the Book is asked after each line that does not say "down". Times
// count from the beginning of the story: 3d4h5m. See world.do for the verbs.
//
// A line of want is "UID TIME WHO": "name owner attribution" for an account,
// "name system" for a system user, "-" for nobody; or one of the other
// questions of world.check.
type history struct{ script, want string }

// TestHistories plays each history twice: with one Book throughout, and with a
// new one at each step, as if the daemon had been restarted in between.
func TestHistories(t *testing.T) {
	if len(histories) < 50 {
		t.Fatalf("only %d histories", len(histories))
	}
	asked := 0
	for name, h := range histories {
		for mode, anew := range map[string]bool{"one book": false, "a new book at each step": true} {
			asked += strings.Count(strings.TrimSpace(h.want), "\n") + 1
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, anew)
				for line := range lines(h.script) {
					w.step(line)
				}
				for line := range lines(h.want) {
					w.check(line)
				}
			})
		}
	}
	t.Logf("%d histories, each played twice, %d questions", len(histories), asked)
}

// TestTheTableCanFail plays a history with a wrong answer.
func TestTheTableCanFail(t *testing.T) {
	for _, wrong := range []string{"1000 5d bob res1 known", "1000 5d alice res2 known", "1000 5d alice res1 assumed", "1000 5d -", "owned res1 1000@1d"} {
		w := newWorld(t, false)
		w.step("9d: account alice 1000 start=2d owner=res1; log 2d CREATE root root example.com 192.0.2.10 alice")
		if w.answer(wrong) == "" {
			t.Errorf("%q passes", wrong)
		}
	}
}

// lines yields what is not blank.
func lines(s string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(s) {
			if line = strings.TrimSpace(line); line != "" && !yield(line) {
				return
			}
		}
	}
}

const createAlice = "; log 2d CREATE root root example.com 192.0.2.10 alice"

var histories = map[string]history{
	// Beginnings.
	"an account with STARTDATE and CREATE is known from its beginning": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice, `
		1000 1d -
		1000 2d alice res1 known
		1000 2d1h alice res1 known
		1000 9d alice res1 known
		begin alice 2d`},
	"STARTDATE alone is a beginning": {`
		9d: account alice 1000 start=2d owner=res1`, `
		1000 1d -
		1000 2d alice res1 known
		begin alice 2d`},
	"CREATE alone is a beginning": {`
		9d: account alice 1000 owner=res1` + createAlice, `
		1000 1d -
		1000 3d alice res1 known
		begin alice 2d`},
	"without any beginning the account is assumed at all times": {`
		9d: account alice 1000 owner=res1`, `
		1000 0d alice res1 assumed
		1000 9d alice res1 assumed
		begin alice -`},
	"where STARTDATE and CREATE differ by hours STARTDATE is exact": {`
		9d: account alice 1000 start=2d5h owner=res1` + createAlice, `
		1000 2d4h -
		1000 2d5h alice res1 known
		begin alice 2d5h`},
	"an account moved here with an old STARTDATE begins with its CREATE": {`
		90d: account alice 1000 start=1d owner=res1; log 60d CREATE root root example.com 192.0.2.10 alice`, `
		1000 30d -
		1000 59d -
		1000 60d alice res1 known
		begin alice 60d`},
	"a STARTDATE of zero is none": {`
		9d: account alice 1000 owner=res1; raw alice STARTDATE=0`, `
		1000 1d alice res1 assumed`},
	"a STARTDATE that is no number is none": {`
		9d: account alice 1000 owner=res1; raw alice STARTDATE=yesterday`, `
		1000 1d alice res1 assumed`},
	"a STARTDATE in the far future is none": {`
		9d: account alice 1000 start=400d owner=res1`, `
		1000 1d alice res1 assumed
		1000 9d alice res1 assumed`},
	"a STARTDATE an hour ahead begins now": {`
		9d: account alice 1000 start=9d1h owner=res1
		10d: poll`, `
		1000 8d -
		1000 9d alice res1 known
		begin alice 9d`},
	"the first of two STARTDATE lines counts": {`
		9d: account alice 1000 start=2d owner=res1; raw alice STARTDATE=1`, `
		1000 1d -
		1000 2d alice res1 known`},

	// The register keeps what the files forget.
	"the accounting log is rotated away": {`
		9d: account alice 1000 owner=res1` + createAlice + `
		10d: nolog`, `
		1000 1d -
		1000 10d alice res1 known
		begin alice 2d`},
	"the accounting log is rotated away where STARTDATE differs by hours": {`
		9d: account alice 1000 start=2d5h owner=res1` + createAlice + `
		10d: nolog`, `
		1000 10d alice res1 known
		begin alice 2d5h
		same 1000 3d 10d`},
	"the log of a moved account is rotated away": {`
		90d: account alice 1000 start=1d owner=res1; log 60d CREATE root root example.com 192.0.2.10 alice
		91d: nolog`, `
		1000 30d -
		1000 91d alice res1 known
		begin alice 60d`},
	"the user file vanishes for a while": {`
		9d: account alice 1000 start=2d owner=res1
		10d: nofile alice
		11d: file alice start=2d owner=res1`, `
		1000 10d12h alice res1 known
		1000 12d alice res1 known
		begin alice 2d
		accounts 1`},
	"the user file vanishes and stays away": {`
		9d: account alice 1000 start=2d owner=res1
		10d: nofile alice`, `
		1000 3d alice res1 known
		1000 11d alice res1 known
		owned res1 1000@9d`},
	"STARTDATE vanishes from the user file": {`
		9d: account alice 1000 start=2d owner=res1
		10d: file alice owner=res1`, `
		1000 1d -
		1000 11d alice res1 known
		begin alice 2d`},
	"a log that appears later tells the same beginning": {`
		9d: account alice 1000 start=2d1h owner=res1
		10d: poll` + createAlice, `
		1000 11d alice res1 known
		begin alice 2d1h
		same 1000 3d 11d`},
	"a log that appears later tells of a move before the account was first seen": {`
		90d: account alice 1000 start=1d owner=res1
		91d: log 60d CREATE root root example.com 192.0.2.10 alice`, `
		1000 30d -
		1000 61d alice res1 known
		begin alice 1d
		same 1000 61d 92d`},
	"a beginning found later ends the assuming and keeps the identity": {`
		9d: account alice 1000 owner=res1
		10d: file alice start=2d owner=res1`, `
		1000 1d -
		1000 3d alice res1 known
		begin alice -`},
	"STARTDATE is corrected by an hour": {`
		9d: account alice 1000 start=2d owner=res1
		10d: file alice start=2d1h owner=res1`, `
		1000 2d alice res1 known
		1000 11d alice res1 known
		begin alice 2d`},
	"STARTDATE is set to an older day": {`
		9d: account alice 1000 start=5d owner=res1
		10d: file alice start=1d owner=res1`, `
		1000 2d -
		1000 6d alice res1 known
		begin alice 5d
		same 1000 6d 11d`},

	// Removal.
	"a removal on record ends the life in that second": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: remove alice; log 11d REMOVE root root example.com 192.0.2.10 alice`, `
		1000 10d alice res1 known
		1000 10d23h alice res1 known
		1000 11d -
		1000 11d12h -
		owned res1
		owned alice
		lives alice 1000@2d-11d
		accounts 0`},
	"a removal that is only noticed leaves the time since the last look assumed": {`
		9d: account alice 1000 start=2d owner=res1
		10d: poll
		12d: remove alice`, `
		1000 9d alice res1 known
		1000 11d alice res1 assumed
		1000 12d -
		lives alice 1000@2d-12d`},
	"the log tells of a removal after it was noticed": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		10d: poll
		12d: remove alice
		12d5m: log 11d REMOVE root root example.com 192.0.2.10 alice`, `
		1000 10d12h alice res1 known
		1000 11d -
		lives alice 1000@2d-11d`},
	"the daemon was down when the account was removed": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		20d: down; remove alice; log 15d REMOVE root root example.com 192.0.2.10 alice
		30d: poll`, `
		1000 14d alice res1 known
		1000 15d -`},
	"a removal that failed is none": {`
		9d: account alice 1000 start=2d owner=res1
		11d: log 11d REMOVE root root example.com 192.0.2.10 alice
		14d: poll`, `
		1000 12d alice res1 known
		1000 14d alice res1 known
		same 1000 3d 14d`},
	"an account seen first after a failed removal keeps its STARTDATE": {`
		9d: account alice 1000 start=2d owner=res1; log 5d REMOVE root root example.com 192.0.2.10 alice`, `
		1000 3d alice res1 known
		1000 9d alice res1 known`},
	"a log that does not go back to the last look leaves the time until the removal assumed": {`
		9d: account alice 1000 start=2d owner=res1
		12d: remove alice; log 11d REMOVE root root example.com 192.0.2.10 alice`, `
		1000 9d alice res1 known
		1000 10d alice res1 assumed
		1000 11d -
		lives alice 1000@2d-11d`},
	"a name taken over from a removed account is not removed with it": {`
		9d: account alice 1000 start=2d owner=res1; account bob 1001 start=3d owner=res2` + createAlice + `
		12d: remove alice; log 11d REMOVE root root example.com 192.0.2.10 alice
		13d: rename bob alice; log 13d CHANGEUSER root root bob.example.org bob alice
		16d: remove alice; log 15d REMOVE root root bob.example.org 192.0.2.10 alice`, `
		1000 10d alice res1 known
		1000 11d -
		1001 10d bob res2 known
		1001 14d alice res2 known
		1001 15d -
		lives alice 1000@2d-11d 1001@3d-15d`},
	"an account created anew within a day after the last look, and only STARTDATE tells": {`
		9d: account alice 1000 start=9d owner=res1
		9d3h: file alice start=9d2h owner=res2`, `
		1000 9d alice res1 known
		1000 9d1h alice res1 assumed
		1000 9d2h alice res2 known
		differ 1000 9d 9d3h`},
	"the user file stays behind without a user": {`
		9d: account alice 1000 start=2d owner=res1
		10d: nouser alice`, `
		1000 9d alice res1 known
		1000 10d -
		accounts 0`},
	"after a removal the login stays as a system user": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		10d: poll
		12d: nofile alice; log 11d REMOVE root root example.com 192.0.2.10 alice`, `
		1000 10d12h alice res1 known
		1000 12d alice system
		owned res1`},
	"passwd loses the account for a while": {`
		9d: account alice 1000 start=2d owner=res1
		10d: nouser alice
		11d: user alice 1000`, `
		1000 12d alice res1 known
		same 1000 9d 12d`},

	// UIDs come back.
	"the UID goes to another account, all on record": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		20d: remove alice; log 15d REMOVE root root example.com 192.0.2.10 alice; account bob 1000 start=17d owner=res2; log 17d CREATE root root bob.example.org 192.0.2.10 bob`, `
		1000 1d -
		1000 14d alice res1 known
		1000 16d -
		1000 17d bob res2 known
		owned res1
		owned res2 1000@17d
		differ 1000 14d 20d`},
	"the UID goes to another account between two looks, with STARTDATE": {`
		9d: account alice 1000 start=2d owner=res1
		20d: remove alice; account bob 1000 start=17d owner=res2`, `
		1000 9d alice res1 known
		1000 10d alice res1 assumed
		1000 17d bob res2 known
		differ 1000 9d 20d`},
	"the UID goes to another account and nothing is on record": {`
		9d: account alice 1000 owner=res1
		20d: remove alice; account bob 1000 owner=res2
		21d: poll`, `
		1000 1d -
		1000 9d alice res1 assumed
		1000 15d -
		1000 20d bob res2 known
		differ 1000 9d 21d`},
	"the UID goes to another account with a STARTDATE of long ago": {`
		9d: account alice 1000 start=5d owner=res1
		20d: remove alice; account bob 1000 start=1d owner=res2`, `
		1000 2d -
		1000 6d alice res1 known
		1000 15d -
		1000 20d bob res2 known`},
	"the UID goes from hand to hand three times": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		20d: remove alice; log 19d REMOVE root root example.com 192.0.2.10 alice; account bob 1000 start=19d12h owner=res2
		30d: remove bob; log 29d REMOVE root root bob.example.org 192.0.2.10 bob; account carol 1000 start=29d12h owner=res1
		40d: remove carol; log 39d REMOVE root root carol.example.net 192.0.2.10 carol; account dave 1000 start=39d12h owner=res2`, `
		1000 1d -
		1000 18d alice res1 known
		1000 19d1h -
		1000 20d bob res2 known
		1000 29d6h -
		1000 30d carol res1 known
		1000 39d1h -
		1000 41d dave res2 known
		owned res2 1000@39d12h`},
	"the UID of a removed account goes to a system user": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: remove alice; log 11d REMOVE root root example.com 192.0.2.10 alice
		15d: user deploy 1000`, `
		1000 10d alice res1 known
		1000 11d12h -
		1000 16d deploy system`},
	"the UID of a system user goes to an account": {`
		9d: user deploy 1000
		12d: nouser deploy
		15d: account alice 1000 start=15d owner=res1`, `
		1000 8d -
		1000 9d deploy system
		1000 13d -
		1000 15d alice res1 known`},

	// Names come back.
	"the name comes back under another UID": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: remove alice; log 11d REMOVE root root example.com 192.0.2.10 alice
		20d: account alice 1001 start=20d owner=res2; log 20d CREATE root root example.com 192.0.2.10 alice`, `
		1000 10d alice res1 known
		1000 21d -
		1001 10d -
		1001 21d alice res2 known
		lives alice 1000@2d-11d 1001@20d
		owned res1
		owned res2 1001@20d`},
	"the same name and UID are created anew, all on record": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		20d: file alice start=15d owner=res2; log 12d REMOVE root root example.com 192.0.2.10 alice; log 15d CREATE root root example.com 192.0.2.10 alice`, `
		1000 11d alice res1 known
		1000 13d -
		1000 15d alice res2 known
		owned res1
		owned res2 1000@15d
		differ 1000 11d 20d`},
	"the same name and UID are created anew within the hour": {`
		9d: account alice 1000 start=9d owner=res1; log 9d CREATE root root example.com 192.0.2.10 alice
		9d2h: file alice start=9d1h owner=res2; log 9d30m REMOVE root root example.com 192.0.2.10 alice; log 9d1h CREATE root root example.com 192.0.2.10 alice
		10d: poll`, `
		1000 9d10m alice res1 known
		1000 9d45m -
		1000 9d1h alice res2 known
		owned res2 1000@9d1h
		differ 1000 9d10m 10d`},
	"the same name and UID are created anew and only STARTDATE tells": {`
		9d: account alice 1000 start=2d owner=res1
		20d: file alice start=15d owner=res2`, `
		1000 9d alice res1 known
		1000 12d alice res1 assumed
		1000 15d alice res2 known
		owned res2 1000@15d
		differ 1000 9d 20d`},
	"the same name and UID are created anew twice between two looks": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		20d: file alice start=18d owner=res2; log 12d REMOVE root root example.com 192.0.2.10 alice; log 14d CREATE root root example.com 192.0.2.10 alice; log 16d REMOVE root root example.com 192.0.2.10 alice; log 18d CREATE root root example.com 192.0.2.10 alice`, `
		1000 11d alice res1 known
		1000 12d -
		1000 15d -
		1000 18d alice res2 known`},
	"an account is restored with its old STARTDATE after a removal": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		20d: poll; log 12d REMOVE root root example.com 192.0.2.10 alice; log 15d CREATE root root example.com 192.0.2.10 alice`, `
		1000 11d alice res1 known
		1000 13d -
		1000 15d alice res1 known
		differ 1000 11d 20d`},

	// Renames.
	"a rename between two looks": {`
		9d: account alice 1000 start=2d owner=res1
		12d: rename alice alicia`, `
		1000 9d alice res1 known
		1000 11d alice res1 known
		1000 12d alicia res1 known
		same 1000 9d 12d
		lives alice 1000@2d-12d
		lives alicia 1000@2d
		owned alicia 1000@2d
		owned alice`},
	"a rename on record has its time": {`
		9d: account alice 1000 start=2d owner=res1
		12d: rename alice alicia; log 11d CHANGEUSER root root example.com alice alicia`, `
		1000 10d alice res1 known
		1000 11d alicia res1 known
		same 1000 9d 12d`},
	"a rename before the first look is told by the log": {`
		12d: account alicia 1000 start=2d owner=res1` + createAlice + `; log 11d RENAME root root example.com alice alicia`, `
		1000 10d alice res1 known
		1000 11d alicia res1 known
		lives alice 1000@2d-11d`},
	"a rename and back": {`
		9d: account alice 1000 start=2d owner=res1
		12d: rename alice alicia
		14d: rename alicia alice`, `
		1000 11d alice res1 known
		1000 13d alicia res1 known
		1000 14d alice res1 known
		same 1000 9d 14d`},
	"two accounts swap their names": {`
		9d: account alice 1000 start=2d owner=res1; account bob 1001 start=3d owner=res2
		12d: rename alice tmp; rename bob alice; rename tmp bob`, `
		1000 11d alice res1 known
		1000 12d bob res1 known
		1001 11d bob res2 known
		1001 12d alice res2 known
		same 1000 11d 12d`},
	"a rename frees the name for a new account": {`
		9d: account alice 1000 start=2d owner=res1
		12d: rename alice alicia; account alice 1001 start=12d owner=res2`, `
		1000 12d alicia res1 known
		1001 11d -
		1001 12d alice res2 known
		lives alice 1000@2d-12d 1001@12d`},
	"another name with the same STARTDATE is a new account if the log says so": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: remove alice; account bob 1000 start=2d owner=res2; log 11d REMOVE root root example.com 192.0.2.10 alice; log 11d12h CREATE root root bob.example.org 192.0.2.10 bob`, `
		1000 10d alice res1 known
		1000 11d6h -
		1000 12d bob res2 known
		differ 1000 10d 12d`},
	"a rename without STARTDATE is taken for a new account": {`
		9d: account alice 1000 owner=res1
		12d: rename alice alicia`, `
		1000 10d -
		1000 12d alicia res1 known
		differ 1000 10d 12d`},
	"removed after a rename": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: rename alice alicia
		16d: remove alicia; log 15d REMOVE root root example.com 192.0.2.10 alicia`, `
		1000 13d alicia res1 known
		1000 15d -
		lives alice 1000@2d-12d
		lives alicia 1000@2d-15d`},

	"renamed and removed between two looks": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		20d: remove alice; log 11d CHANGEUSER root root example.com alice alicia; log 13d REMOVE root root example.com 192.0.2.10 alicia; log 15d CREATE root root example.com 192.0.2.10 alice; log 17d REMOVE root root example.com 192.0.2.10 alice`, `
		1000 10d alice res1 known
		1000 12d alicia res1 known
		1000 13d -
		1000 16d -`},

	// Owners.
	"a transfer on record": {`
		20d: account alice 1000 start=2d owner=res2; log 2d CREATE res1 res1 example.com 192.0.2.10 alice; log 10d CHANGEOWNER root root example.com alice res1 res2`, `
		1000 9d alice res1 known
		1000 10d alice res2 known
		owned res1
		owned res2 1000@10d`},
	"a transfer that is only noticed": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: file alice start=2d owner=res2`, `
		1000 11d alice res1 known
		1000 12d alice res2 known
		owned res1
		owned res2 1000@12d`},
	"a transfer whose line comes after it was noticed": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: file alice start=2d owner=res2
		12d1m: log 12d CHANGEOWNER root root example.com alice res1 res2`, `
		1000 11d alice res1 known
		owned res2 1000@12d`},
	"a transfer while the daemon was down": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: down; file alice start=2d owner=res2; log 11d CHANGEOWNER root root example.com alice res1 res2
		20d: poll`, `
		1000 10d alice res1 known
		1000 11d alice res2 known
		owned res2 1000@11d`},
	"a transfer and back": {`
		9d: account alice 1000 start=2d owner=res1` + createAlice + `
		12d: file alice start=2d owner=res2; log 12d CHANGEOWNER root root example.com alice res1 res2
		15d: file alice start=2d owner=res1; log 15d CHANGEOWNER root root example.com alice res2 res1`, `
		1000 11d alice res1 known
		1000 13d alice res2 known
		1000 15d alice res1 known
		owned res2
		owned res1 1000@15d`},
	"the log of a transfer is rotated away": {`
		9d: account alice 1000 start=2d owner=res2` + createAlice + `; log 5d CHANGEOWNER root root example.com alice res1 res2
		10d: nolog`, `
		1000 4d alice res1 known
		owned res2 1000@5d`},
	"without a log the owner is the owner since he was first seen": {`
		9d: account alice 1000 start=2d owner=res1`, `
		1000 3d alice res1 known
		owned res1 1000@9d
		owned alice 1000@2d`},
	"a log that begins after the account proves the owner from there on": {`
		9d: account alice 1000 start=2d owner=res1; log 5d SUSPEND root root x.example.com bob spam`, `
		owned res1 1000@5d`},
	"an account that another reseller created is his owner's since first seen": {`
		9d: account alice 1000 start=2d owner=res2; resellers res1:list-accts; log 2d CREATE res1 res1 example.com 192.0.2.10 alice`, `
		1000 3d alice res1 known
		owned res1
		owned res2 1000@9d`},
	"an account that a reseller with all created is its owner's from the beginning": {`
		9d: account alice 1000 start=2d owner=res2; resellers adm:all; log 2d CREATE adm adm example.com 192.0.2.10 alice`, `
		1000 3d alice res2 known
		owned res2 1000@2d`},
	"an account seen from its beginning is its owner's from then": {`
		9d: user root 0
		10d: account alice 1000 start=10d owner=res1`, `
		owned res1 1000@10d`},
	"an owner with an impossible name is none": {`
		9d: account alice 1000 start=2d owner=../x`, `
		1000 3d alice root known`},
	"an owner that only trueuserowners tells": {`
		9d: account alice 1000 start=2d; owners alice: res1`, `
		1000 3d alice res1 known`},
	"no owner is root": {`
		9d: account alice 1000 start=2d`, `
		1000 3d alice root known`},
	"a reseller who owns himself is given his account once, from its beginning": {`
		9d: account res1 1000 start=2d owner=res1; account alice 1001 start=3d owner=res1` + createAlice + `; log 2d CREATE root root r.example.com 192.0.2.10 res1`, `
		owned res1 1000@2d 1001@3d`},

	// Two at once, and changing sides.
	"two accounts share a UID": {`
		9d: account alice 1000 start=2d owner=res1; account bob 1000 start=5d owner=res2`, `
		1000 3d alice res1 known
		1000 6d -
		1000 9d -`},
	"two accounts without a beginning share a UID": {`
		9d: account alice 1000 owner=res1; account bob 1000 owner=res2`, `
		1000 3d -
		1000 9d -`},
	"one of two without a beginning who share a UID is removed": {`
		9d: account alice 1000 owner=res1; account bob 1000 owner=res2
		12d: remove alice`, `
		1000 8d -
		1000 11d -
		1000 12d bob res2 assumed
		begin alice -
		begin bob 9d
		owned res2 1000@9d`},
	"one of two who share a UID is removed": {`
		9d: account alice 1000 start=2d owner=res1; account bob 1000 start=5d owner=res2
		12d: remove bob; log 11d REMOVE root root bob.example.org 192.0.2.10 bob`, `
		1000 3d alice res1 known
		1000 10d -
		1000 11d alice res1 known`},
	"a second account joins a UID": {`
		9d: account alice 1000 start=2d owner=res1
		12d: account bob 1000 start=12d owner=res2`, `
		1000 11d alice res1 known
		1000 12d -`},
	"an account and a system user share a UID": {`
		9d: user deploy 1000; account alice 1000 start=2d owner=res1`, `
		1000 3d alice res1 known
		1000 1d -`},
	"two system users share a UID": {`
		9d: user toor 0; user root 0`, `
		0 3d toor system`},
	"passwd has the account before its user file is written": {`
		9d: user root 0
		10d: user alice 1000
		10d1m: file alice start=10d owner=res1`, `
		1000 9d23h -
		1000 10d alice res1 known
		begin alice 10d
		owned alice 1000@10d`},
	"a system user becomes an account much later": {`
		9d: user alice 1000
		30d: file alice start=30d owner=res1`, `
		1000 10d alice system
		1000 30d alice res1 known`},
	"a system user becomes an account without a beginning": {`
		9d: user alice 1000
		30d: file alice owner=res1`, `
		1000 9d alice system
		1000 20d -
		1000 30d alice res1 known`},
	"the account's UID is changed": {`
		9d: account alice 1000 start=2d owner=res1
		12d: uid alice 1005`, `
		1000 9d alice res1 known
		1000 12d -
		1005 3d -
		1005 12d alice res1 known`},

	// Who is no account.
	"a UID that nobody ever had": {`
		9d: user root 0`, `
		4242 3d -
		4294967295 3d -
		200001 9d -`},
	"a host without cPanel has system users only": {`
		9d: user root 0; user deploy 1000`, `
		0 1d root system
		1000 1d deploy system
		accounts 0`},
	"a user file of a UID below UID_MIN makes no account": {`
		9d: logindefs 1000; account mysql 994 start=2d owner=root`, `
		994 3d mysql system
		accounts 0`},
	"UID_MIN of an older host": {`
		9d: logindefs 500; account alice 501 start=2d owner=res1`, `
		501 3d alice res1 known`},
	"nobody is no account, whatever lies in the folder": {`
		9d: account nobody 65534 start=2d owner=root; account cptkt123 1009 start=2d owner=root`, `
		65534 3d nobody system
		1009 3d cptkt123 system`},
	"an empty user file makes no account": {`
		9d: user alice 1000; empty alice`, `
		1000 3d alice system`},
	"a name that cannot be one is left out": {`
		9d: user root 0; rawpasswd ../x:x:1000:1000::/:/bin/sh; rawpasswd -x:x:1001:1001::/:/bin/sh; rawpasswd x`, `
		1000 3d -
		1001 3d -`},
	"a system user who is gone keeps his past": {`
		9d: user root 0; user deploy 1000
		12d: nouser deploy`, `
		1000 9d deploy system
		1000 13d -`},

	// Clocks.
	"the clock is set back by a day": {`
		9d: account alice 1000 start=2d owner=res1
		8d: poll
		8d1h: account bob 1001 start=8d1h owner=res1`, `
		1000 9d alice res1 known
		1001 8d -
		1001 8d2h bob res1 known`},
	"the clock is set back while an account is removed": {`
		9d: account alice 1000 start=2d owner=res1
		8d: remove alice`, `
		1000 7d alice res1 known
		1000 9d -`},
	"the log is in the host's zone": {`
		9d: zone Asia/Tokyo; account alice 1000 owner=res1; log 2d CREATE root root example.com 192.0.2.10 alice`, `
		begin alice 1d15h
		1000 1d14h -
		1000 1d15h alice res1 known`},
	"lines of the log that do not fit are nothing": {`
		9d: account alice 1000 owner=res1; rawlog CREATE:root:root:example.com:192.0.2.10:alice; rawlog Xxx Nov  5 02:11:03 2026:CREATE:root:root:example.com:192.0.2.10:alice; log 3d CREATE root root example.com not-an-address alice; log 3d CREATE root alice; log 400d CREATE root root example.com 192.0.2.10 alice`, `
		1000 1d alice res1 assumed`},
	"a removal in the log of somebody whose name contains the account's": {`
		9d: account alice 1000 start=2d owner=res1
		12d: log 11d REMOVE root root example.com 192.0.2.10 alice2; log 11d REMOVE root root example.com 192.0.2.10 malice`, `
		1000 12d alice res1 known`},
}
