package outbound

import "time"

// SchemaAccounts names the document that lists accounts.
const SchemaAccounts = "outboundmonitor/accounts/1"

// AccountsDoc lists the account instances that have events, most events
// first.
type AccountsDoc struct {
	Schema   string       `json:"schema"`
	Accounts []AccountRow `json:"accounts"`
	Coverage Coverage     `json:"coverage"`
}

// AccountRow is one account instance.
type AccountRow struct {
	Account string    `json:"account"`
	UID     uint32    `json:"uid"`
	Owner   string    `json:"owner"`
	Domain  string    `json:"domain"`
	Events  int       `json:"events"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}
