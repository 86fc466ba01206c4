// Package access turns a viewer into a Scope: the reseller rule, here and
// nowhere else. It asks a Host who the viewer is; it reads no file and keeps
// nothing between two questions, so that a right that is withdrawn is gone with
// the next one.
package access

import (
	"slices"

	"outboundmonitor/backend/outbound"
)

// ACL is the right that lets a reseller in, as cPanel's ACL driver names it.
const ACL = "software-OutboundMonitor"

// everything is the ACL of a reseller who has root's rights.
const everything = "all"

// root is the one viewer who needs no line among the resellers.
const root outbound.Username = "root"

// Host tells who is who at this moment. Names match exactly.
type Host interface {
	// Exists reports whether the host has a user of this name.
	Exists(outbound.Username) bool
	// Reseller gives a reseller's ACLs; false for a user who is none.
	Reseller(outbound.Username) ([]string, bool)
	// Owned lists the accounts that the owner may see, each from a time on.
	Owned(outbound.Username) []outbound.Grant
}

// Scope gives what a viewer may see: everything for root and for a reseller
// with the ACL all, his own and his customers' accounts for a reseller with
// [ACL].
//
// For everyone else it returns the zero Scope and an [outbound.Error] with
// code NotPermitted, which does not tell why.
func Scope(viewer outbound.Username, h Host) (outbound.Scope, error) {
	if h == nil || !viewer.Valid() || !h.Exists(viewer) {
		return outbound.Scope{}, notPermitted()
	}
	if viewer == root {
		return outbound.Everything(), nil
	}
	acls, ok := h.Reseller(viewer)
	switch {
	case !ok:
		return outbound.Scope{}, notPermitted()
	case slices.Contains(acls, everything):
		return outbound.Everything(), nil
	case slices.Contains(acls, ACL):
		return outbound.Only(h.Owned(viewer)...), nil
	}
	return outbound.Scope{}, notPermitted()
}

func notPermitted() error {
	return &outbound.Error{
		Code:    outbound.NotPermitted,
		Message: "you may not use Outbound Monitor",
		Hint:    "root grants it in WHM: Edit Reseller Nameservers and Privileges, Additional Software",
	}
}
