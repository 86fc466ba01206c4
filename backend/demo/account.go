package demo

import (
	"fmt"
	"time"

	"outboundmonitor/backend/outbound"
)

// Account is a cPanel account of the made-up host.
type Account struct {
	Name   outbound.Username
	UID    outbound.UID
	Owner  outbound.Username
	Domain string
	// Created is zero where the host's files do not say when.
	Created time.Time
	// Busy weighs how much the account connects.
	Busy float64
}

// Resellers are the two who own accounts beside root. Each has an account of
// the same name.
var Resellers = []outbound.Username{"northhost", "brightweb"}

// SystemUser is a user of the host that is no cPanel account.
type SystemUser struct {
	Name outbound.Username
	UID  outbound.UID
	Home string
	// Busy weighs how much the user connects to port 443.
	Busy float64
}

// SystemUsers are those of the made-up host.
var SystemUsers = []SystemUser{
	{"root", 0, "/root", 10},
	{"nobody", 65534, "/", 6},
	{"mailnull", 47, "/var/spool/mqueue", 5},
	{"named", 25, "/var/named", 0},
	{"mysql", 27, "/var/lib/mysql", 0},
	{"sshd", 74, "/var/empty/sshd", 0},
	{"dovecot", 97, "/usr/libexec/dovecot", 0},
	{"cpanelphpmyadmin", 201, "/var/cpanel/userhomes/cpanelphpmyadmin", 0.2},
	{"cpanelroundcube", 202, "/var/cpanel/userhomes/cpanelroundcube", 0.3},
}

// firstUID is that of the first account; others follow without a hole but
// where one was removed.
const firstUID = 1001

// names are login names; the first ones are those that the story is about.
var names = []outbound.Username{
	"northhost", "brightweb",
	"fotoclub", "kiosk", "radverein", "harbor", "atelier", "backupco", "bakery", "lenasblog",
	"vintage", "gardening", "cyclist", "petfoods", "smithlaw", "yogaloft", "teahouse", "oldtimer", "choirnet", "skischool",
	"hotelsee", "carpenter", "mapleshop", "drmiller", "tennis", "musiclab", "fishing", "recipes", "weddings", "newsdesk",
	"minigolf", "pottery", "lantern", "coffeebar", "bookworm", "climbing", "opticians", "violin", "seaview", "boardgame",
}

// tlds are the ends of made-up domains, all of RFC 2606.
var tlds = []string{".example", ".example.org", ".example.com", ".example.net"}

// NewAccounts makes n accounts that were all created long before now. A third
// belongs to each reseller, the rest to root.
func NewAccounts(r *Rand, n int, now time.Time) []Account {
	all := make([]Account, n)
	for i := range all {
		a := &all[i]
		a.Name = names[i%len(names)]
		if i >= len(names) {
			a.Name = outbound.Username(fmt.Sprintf("%s%d", a.Name, i/len(names)+1))
		}
		a.UID = outbound.UID(firstUID + i)
		a.Domain = string(a.Name) + tlds[i*7%len(tlds)]
		a.Owner = "root"
		if i >= len(Resellers) && i%3 != 2 {
			a.Owner = Resellers[i%3]
		}
		age := time.Duration(90+(n-i)*1500/n+r.IntN(10)) * 24 * time.Hour
		a.Created = now.Add(-age - time.Duration(r.IntN(36_000))*time.Second).Truncate(time.Second)
		a.Busy = 0.3 + r.ExpFloat64()
	}
	return all
}

func byName(all []Account, name outbound.Username) *Account {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}
