package cpanel

import (
	"strings"

	"outboundmonitor/backend/outbound"
)

// about says what the connections of system users usually are, and why they
// name no customer.
var about = map[outbound.Username]string{
	"root":       "the system's own user: updates, licence checks, DNS, backups and certificate renewals; a program that root starts for a customer connects as root too, so this names no customer",
	"nobody":     "the web server's user: PHP and CGI run as it where they do not run as the account (no suEXEC, PHP-FPM or mod_ruid2), and then any site on the server may be behind it",
	"mailnull":   "exim's user: mail being delivered for all accounts at once; the sender stands in /var/log/exim_mainlog at the same time",
	"exim":       "exim's user: mail being delivered for all accounts at once; the sender stands in exim's main log at the same time",
	"mailman":    "the mailing list program's user: it serves the lists of all accounts; its own logs name the list",
	"mysql":      "the database server's user: replication, federated tables or a download of its own; it serves the databases of all accounts",
	"mariadb":    "the database server's user: replication, federated tables or a download of its own; it serves the databases of all accounts",
	"postgres":   "the database server's user: replication or foreign tables; it serves the databases of all accounts",
	"named":      "the name server's user: DNS lookups and zone transfers for the whole server",
	"bind":       "the name server's user: DNS lookups and zone transfers for the whole server",
	"pdns":       "the name server's user: DNS lookups and zone transfers for the whole server",
	"dovecot":    "the mailbox server's user: it serves the mailboxes of all accounts",
	"dovenull":   "the mailbox server's login user: it handles logins of all mailboxes",
	"apache":     "the web server's user: proxied requests, and PHP that does not run as the account; any site on the server may be behind it",
	"www-data":   "the web server's user: proxied requests, and PHP that does not run as the account; any site on the server may be behind it",
	"nginx":      "the proxy's user: it fetches from upstreams for all sites",
	"clamav":     "the virus scanner's user: it downloads its signatures",
	"clamupdate": "the virus scanner's update user: it downloads its signatures",
	"ntp":        "the time service's user: it asks time servers",
	"chrony":     "the time service's user: it asks time servers",
	"_chrony":    "the time service's user: it asks time servers",
	"redis":      "the cache server's user: replication; it serves whoever on the server can reach it",
	"memcached":  "the cache server's user: it serves whoever on the server can reach it",
	"ftp":        "the FTP server's user: data connections to clients that asked for active mode",
	"_apt":       "the package manager's user: it downloads packages",
	"munin":      "the monitoring's user: it asks its nodes",
	"_imunify":   "the Imunify360 security service's user: it talks to its vendor",
}

// aboutCPanel covers cpanel and the users that cPanel makes for its own
// services: cpanelconnecttrack, cpanelroundcube, cpanelphpmyadmin and others.
const aboutCPanel = "a user of cPanel's own services (webmail, phpMyAdmin, tracking, analytics): it works for all accounts, and cPanel's logs tell for whom"

const aboutOther = "a system user, no cPanel account: its connections belong to a service or to a login made outside cPanel, and name no customer"

// About is a sentence on a system user: what its connections usually are, and
// why they name no customer.
func (s *Snapshot) About(user outbound.Username) string {
	if text, ok := about[user]; ok {
		return text
	}
	if strings.HasPrefix(string(user), "cpanel") {
		return aboutCPanel
	}
	return aboutOther
}
