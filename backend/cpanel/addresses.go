package cpanel

import (
	"net/netip"
	"strings"
)

// Addresses are the server's addresses as cPanel's files state them. Nothing
// here says that an address is public or in use.
type Addresses struct {
	// Addr and Addr6 are ADDR and ADDR6 of /etc/wwwacct.conf, MainIP is
	// /var/cpanel/mainip; the zero Addr where a file has none.
	Addr, Addr6, MainIP netip.Addr
	// NAT is /var/cpanel/cpnat, in its order. Public is the zero Addr for a
	// local address without a mapping.
	NAT []Mapping
}

// Mapping is a local address and the public one that a NAT gives it.
type Mapping struct{ Local, Public netip.Addr }

// readAddresses reads "KEY value" lines, one address, and "local public" lines.
func readAddresses(wwwacct, mainip, cpnat []byte) (a Addresses) {
	eachLine(wwwacct, wwwacctFile, Counts{}, func(line string) {
		w := strings.Fields(line)
		switch {
		case len(w) < 2:
		case w[0] == "ADDR" && !a.Addr.IsValid():
			a.Addr = address(w[1])
		case w[0] == "ADDR6" && !a.Addr6.IsValid():
			a.Addr6 = address(w[1])
		}
	})
	eachLine(mainip, mainIPFile, Counts{}, func(line string) {
		if !a.MainIP.IsValid() {
			a.MainIP = address(strings.TrimSpace(line))
		}
	})
	a.NAT = readNAT(cpnat)
	return a
}

// readNAT reads "local public" lines. The second line with the same public
// address does not count.
func readNAT(cpnat []byte) (all []Mapping) {
	publics := map[netip.Addr]bool{}
	eachLine(cpnat, cpnatFile, Counts{}, func(line string) {
		w := strings.Fields(line)
		if len(w) == 0 || len(w) > 2 {
			return
		}
		m := Mapping{Local: address(w[0])}
		if len(w) == 2 {
			m.Public = address(w[1])
		}
		if !m.Local.IsValid() || publics[m.Public] {
			return
		}
		if m.Public.IsValid() {
			publics[m.Public] = true
		}
		all = append(all, m)
	})
	return all
}

// address gives the address that s is, without a zone and not IPv4-mapped, or
// the zero Addr.
func address(s string) netip.Addr {
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}
	}
	return addr.Unmap()
}
