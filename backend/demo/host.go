package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// Host is what the files of a cPanel host say.
type Host struct {
	Root     hostfs.Root
	Zone     *time.Location
	Accounts []Account
	// Past is what accounting.log tells beside the accounts' creation.
	Past []Change
	// Suspended maps accounts to the reason.
	Suspended map[outbound.Username]string
}

// Change is something that happened to an account.
type Change struct {
	At time.Time
	// Action is CREATE, REMOVE, CHANGEUSER or CHANGEOWNER.
	Action string
	Name   outbound.Username
	UID    outbound.UID
	Domain string
	// Old and New are login names for CHANGEUSER, owners for CHANGEOWNER.
	Old, New outbound.Username
}

// line is the change as cPanel's accounting.log writes it.
func (c *Change) line(zone *time.Location) string {
	fields := fmt.Sprintf("%s:%s:%s", c.Domain, Server, c.Name)
	switch c.Action {
	case "CHANGEOWNER":
		fields = fmt.Sprintf("%s:%s:%s:%s", c.Domain, c.Name, c.Old, c.New)
	case "CHANGEUSER":
		fields = fmt.Sprintf("%s:%s:%s", c.Domain, c.Old, c.New)
	}
	return fmt.Sprintf("%s:%s:root:root:%s\n", c.At.In(zone).Format(time.ANSIC), c.Action, fields)
}

// Write lays the host's files below its root.
func (h *Host) Write() error {
	for _, f := range slices.Concat(h.system(), h.maps(), h.users()) {
		if err := h.file(f.name, f.text, f.mode); err != nil {
			return err
		}
	}
	return h.localtime()
}

type file struct {
	name, text string
	mode       fs.FileMode
}

func (h *Host) file(name, text string, mode fs.FileMode) error {
	if err := h.Root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(h.Root.Path(name), []byte(text), mode)
}

// localtime links /etc/localtime into the zoneinfo folder, as on a real host.
// A host without the link is in UTC.
func (h *Host) localtime() error {
	if h.Zone == time.UTC {
		return nil
	}
	target := filepath.Join("../usr/share/zoneinfo", h.Zone.String())
	err := os.Symlink(target, h.Root.Path("/etc/localtime"))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// system gives the files that are not about accounts.
func (h *Host) system() []file {
	var passwd strings.Builder
	for _, u := range SystemUsers {
		fmt.Fprintf(&passwd, "%s:x:%d:%d::%s:/sbin/nologin\n", u.Name, u.UID, u.UID, u.Home)
	}
	for _, a := range h.Accounts {
		fmt.Fprintf(&passwd, "%s:x:%d:%d::/home/%s:/usr/local/cpanel/bin/noshell\n", a.Name, a.UID, a.UID, a.Name)
	}
	return []file{
		{"/etc/passwd", passwd.String(), 0o644},
		{"/etc/hostname", Hostname + ".example.com\n", 0o644},
		{"/etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\nSYS_UID_MIN 201\nSYS_UID_MAX 999\n", 0o644},
		{"/etc/wwwacct.conf", "ADDR " + Server + "\nADDR6 " + Server6 + "\nCONTACTEMAIL abuse@example.com\nETHDEV eth0\nHOMEDIR /home\nHOST " + Hostname + ".example.com\nNS ns1.example.com\n", 0o644},
		{"/etc/csf/csf.conf", csfConf, 0o600},
		{"/usr/local/cpanel/version", "11.136.0.5\n", 0o644},
		{"/var/cpanel/mainip", Server + "\n", 0o644},
		{"/var/cpanel/accounting.log", h.accounting(), 0o600},
	}
}

const csfConf = `# Made up for the demo.
TESTING = "0"
IPV6 = "1"
IPTABLES = "/usr/sbin/iptables"
IPTABLES_RESTORE = "/usr/sbin/iptables-restore"
IP6TABLES = "/usr/sbin/ip6tables"
IP6TABLES_RESTORE = "/usr/sbin/ip6tables-restore"
IPTABLES_LOG = "/var/log/messages"
`

// accounting gives the log of what became of accounts, oldest first.
func (h *Host) accounting() string {
	all := slices.Clone(h.Past)
	for _, a := range h.Accounts {
		renamed := func(c Change) bool { return c.Action == "CHANGEUSER" && c.New == a.Name }
		born := Change{At: a.Created, Action: "CREATE", Name: a.Name, Domain: a.Domain}
		if i := slices.IndexFunc(h.Past, renamed); i >= 0 {
			born.Name = h.Past[i].Old
		}
		if !a.Created.IsZero() {
			all = append(all, born)
		}
	}
	slices.SortStableFunc(all, func(a, b Change) int { return a.At.Compare(b.At) })
	var b strings.Builder
	for _, c := range all {
		b.WriteString(c.line(h.Zone))
	}
	return b.String()
}

// maps gives the files that map domains, users and owners.
func (h *Host) maps() []file {
	var owners, main, domains, users, resellers []string
	for _, a := range h.Accounts {
		owners = append(owners, fmt.Sprintf("%s: %s\n", a.Name, a.Owner))
		main = append(main, fmt.Sprintf("%s: %s\n", a.Domain, a.Name))
		domains = append(domains, fmt.Sprintf("%s: %s\n", a.Domain, a.Name), fmt.Sprintf("www.%s: %s\n", a.Domain, a.Name))
		users = append(users, fmt.Sprintf("%s: %s\n", a.Name, a.Domain))
	}
	domains = append(domains, "*: nobody\n")
	for _, r := range Resellers {
		resellers = append(resellers, fmt.Sprintf("%s:acct-summary,basic-whm-functions,list-accts,software-OutboundMonitor\n", r))
	}
	sorted := func(lines []string) string { slices.Sort(lines); return strings.Join(lines, "") }
	return []file{
		{"/etc/trueuserowners", sorted(owners), 0o644},
		{"/etc/trueuserdomains", sorted(main), 0o644},
		{"/etc/userdomains", sorted(domains), 0o644},
		{"/etc/domainusers", sorted(users), 0o644},
		{"/var/cpanel/resellers", sorted(resellers), 0o644},
	}
}

// usersDir holds a file for each account.
const usersDir = "/var/cpanel/users/"

// users gives the account files and the marks of suspended accounts.
func (h *Host) users() []file {
	var all []file
	for _, a := range h.Accounts {
		var b bytes.Buffer
		fmt.Fprintf(&b, "# cPanel account\nBWLIMIT=unlimited\nDNS=%s\nDNS1=www.%s\nIP=%s\nLOCALE=en\nOWNER=%s\nPLAN=default\n", a.Domain, a.Domain, Server, a.Owner)
		if !a.Created.IsZero() {
			fmt.Fprintf(&b, "STARTDATE=%d\n", a.Created.Unix())
		}
		fmt.Fprintf(&b, "USER=%s\n", a.Name)
		all = append(all, file{usersDir + string(a.Name), b.String(), 0o640})
		if why := h.Suspended[a.Name]; why != "" {
			all = append(all, file{"/var/cpanel/suspended/" + string(a.Name), why + "\n", 0o644})
		}
	}
	return all
}
