package cpanel

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"outboundmonitor/backend/outbound"
)

// files is what the host's files say at one moment.
type files struct {
	// byUID lists the passwd users of each UID, in the file's order.
	byUID map[outbound.UID][]outbound.Username
	uids  map[outbound.Username]outbound.UID
	// accounts are the users that cPanel counts as accounts.
	accounts  map[outbound.Username]account
	resellers map[outbound.Username][]string
	suspended map[outbound.Username]bool
	log       *accounting
	addresses Addresses
	skipped   Counts
}

// account is what /var/cpanel/users/NAME says, completed from the files that
// are derived from it.
type account struct {
	start  int64 // STARTDATE; 0 if missing
	owner  outbound.Username
	domain string
}

// errNoUsers means that passwd holds nobody: it is being damaged, and taking
// it at its word would end every account.
var errNoUsers = errors.New("no users in it")

// readFiles reads everything. Only a passwd that cannot be read is a fault.
func (b *Book) readFiles(now int64) (*files, error) {
	f := &files{skipped: Counts{}}
	data, err := b.root.ReadFile(passwdFile, maxFile)
	if err != nil {
		return nil, fmt.Errorf("cpanel: %w", err)
	}
	f.readPasswd(data)
	if len(f.uids) == 0 {
		return nil, fmt.Errorf("cpanel: %s: %w", passwdFile, errNoUsers)
	}
	zone, err := b.root.Zone()
	if err != nil {
		b.log.Warn("the stamps of cPanel's accounting log are read as UTC", "err", err)
		zone = time.UTC
	}
	f.resellers = readResellers(b.optional(resellersFile, maxFile), f.skipped)
	f.readAccounts(b)
	f.readSuspended(b)
	log, err := tailOf(b.root, accountingLog, maxLog)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.log.Warn("a file of the host is left out", "file", accountingLog, "err", err)
	}
	f.log = readAccounting(log, zone, now, f.skipped)
	f.addresses = readAddresses(b.optional(wwwacctFile, maxFile), b.optional(mainIPFile, maxLine), b.optional(cpnatFile, maxFile))
	return f, nil
}

// readPasswd takes in the lines of seven fields. Of a name that occurs twice
// the first line counts, as for getpwnam(3).
func (f *files) readPasswd(data []byte) {
	f.byUID = map[outbound.UID][]outbound.Username{}
	f.uids = map[outbound.Username]outbound.UID{}
	eachLine(data, passwdFile, f.skipped, func(line string) {
		fields := strings.Split(line, ":")
		if len(fields) != 7 {
			f.skipped[passwdFile+": not seven fields"]++
			return
		}
		name := outbound.Username(fields[0])
		n, err := strconv.ParseUint(fields[2], 10, 32)
		uid := outbound.UID(n)
		if !name.Valid() || err != nil || uid == outbound.NoUID {
			f.skipped[passwdFile+": no valid name or UID"]++
			return
		}
		if _, twice := f.uids[name]; twice {
			f.skipped[passwdFile+": name occurs twice"]++
			return
		}
		f.uids[name] = uid
		f.byUID[uid] = append(f.byUID[uid], name)
	})
}

// defaultUIDMin is the first UID of ordinary users where login.defs has none.
//
// Source: UID_MIN in login.defs(5).
const defaultUIDMin = 1000

func uidMin(data []byte) outbound.UID {
	low := outbound.UID(defaultUIDMin)
	eachLine(data, loginDefs, Counts{}, func(line string) {
		w := strings.Fields(line)
		if len(w) < 2 || w[0] != "UID_MIN" {
			return
		}
		if n, err := strconv.ParseUint(w[1], 10, 32); err == nil {
			low = outbound.UID(n)
		}
	})
	return low
}

// reserved are names that cPanel never counts as accounts; support tickets'
// temporary users, which begin with cptkt, are none either.
var reserved = map[outbound.Username]bool{"root": true, "nobody": true, "nfsnobody": true, "system": true, "cpanel": true}

// userFile is a parsed file below usersDir and the state in which it was read.
type userFile struct {
	sig signature
	account
	empty bool
}

// readAccounts finds the accounts: a user file that is not empty, of a user in
// passwd with at least UID_MIN, whose name is not reserved.
//
// Source: what cPanel itself counts as an account in its updateuserdomains.
func (f *files) readAccounts(b *Book) {
	f.accounts = map[outbound.Username]account{}
	low := uidMin(b.optional(loginDefs, maxFile))
	entries, err := b.root.ReadDir(usersDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.log.Warn("a folder of the host is left out", "folder", usersDir, "err", err)
	}
	owners := readPairs(b.optional(ownersFile, maxFile), ownersFile, f.skipped)
	domains := readDomains(b.optional(domainsFile, maxFile), f.skipped)
	seen := make(map[outbound.Username]userFile, len(entries))
	for _, e := range entries {
		name := outbound.Username(e.Name())
		uid, known := f.uids[name]
		if !known || uid < low || reserved[name] || strings.HasPrefix(e.Name(), "cptkt") {
			continue
		}
		u, ok := b.userFile(name, f.skipped)
		seen[name] = u
		if !ok || u.empty {
			continue
		}
		a := u.account
		if a.owner == "" {
			a.owner = owners[name]
		}
		if a.owner == "" {
			a.owner = "root"
		}
		if a.domain == "" {
			a.domain = domains[name]
		}
		f.accounts[name] = a
	}
	b.users = seen
}

// userFile reads one account's file, or gives what was read before if it did
// not change since.
func (b *Book) userFile(name outbound.Username, skipped Counts) (userFile, bool) {
	path := usersDir + "/" + string(name)
	at := time.Now().UnixNano()
	fi, err := b.root.Stat(path)
	if err != nil {
		return userFile{}, false
	}
	sig := signatureOf(fi)
	if u, ok := b.users[name]; ok && u.sig == sig {
		return u, true
	}
	data, err := b.root.ReadFile(path, maxUser)
	if err != nil {
		skipped[usersDir+": unreadable"]++
		return userFile{}, false
	}
	return userFile{sig: sig.settled(at), account: parseUser(data, skipped), empty: len(bytes.TrimSpace(data)) == 0}, true
}

// parseUser reads KEY=value lines. Of a key that occurs twice the first counts;
// a value that does not fit counts as missing.
func parseUser(data []byte, skipped Counts) (a account) {
	seen := map[string]bool{}
	eachLine(data, usersDir, skipped, func(line string) {
		key, value, _ := strings.Cut(line, "=")
		if seen[key] {
			return
		}
		seen[key] = true
		switch key {
		case "STARTDATE":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				a.start = n
			}
		case "OWNER":
			a.owner = username(value)
		case "DNS":
			a.domain = hostname(value)
		}
	})
	return a
}

// readPairs reads "user: value" lines whose value is a login name.
func readPairs(data []byte, file string, skipped Counts) map[outbound.Username]outbound.Username {
	all := map[outbound.Username]outbound.Username{}
	eachLine(data, file, skipped, func(line string) {
		k, v, ok := strings.Cut(line, ":")
		user, value := username(k), username(v)
		if !ok || user == "" || value == "" {
			skipped[file+": not user: user"]++
			return
		}
		if _, twice := all[user]; !twice {
			all[user] = value
		}
	})
	return all
}

// readDomains reads "domain: user" lines, by user.
func readDomains(data []byte, skipped Counts) map[outbound.Username]string {
	all := map[outbound.Username]string{}
	eachLine(data, domainsFile, skipped, func(line string) {
		k, v, _ := strings.Cut(line, ":")
		domain, user := hostname(strings.TrimSpace(k)), username(v)
		if domain == "" || user == "" {
			skipped[domainsFile+": not domain: user"]++
			return
		}
		if _, twice := all[user]; !twice {
			all[user] = domain
		}
	})
	return all
}

// readResellers reads "user:acl,acl,..." lines. The first line of a name
// counts, even with no ACL in it; blanks around names do not.
func readResellers(data []byte, skipped Counts) map[outbound.Username][]string {
	all := map[outbound.Username][]string{}
	eachLine(data, resellersFile, skipped, func(line string) {
		k, v, ok := strings.Cut(line, ":")
		user := username(k)
		if !ok || user == "" {
			skipped[resellersFile+": no valid name"]++
			return
		}
		if _, twice := all[user]; twice {
			return
		}
		acls := []string{}
		for acl := range strings.SplitSeq(v, ",") {
			if acl = strings.Trim(acl, " \t"); acl != "" {
				acls = append(acls, acl)
			}
		}
		all[user] = acls
	})
	return all
}

// readSuspended lists the accounts that have a file in suspendedDir.
func (f *files) readSuspended(b *Book) {
	f.suspended = map[outbound.Username]bool{}
	entries, err := b.root.ReadDir(suspendedDir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if name := outbound.Username(e.Name()); name.Valid() {
			f.suspended[name] = true
		}
	}
}
