package store

import (
	"encoding/binary"
	"net/netip"
)

// appendAddrs encodes addresses: how many are IPv4, how many IPv6; then each
// IPv4 address as the difference to the one before (zigzag, so that an
// unsorted list works too), then the IPv6 addresses as they are.
func appendAddrs(dst []byte, all []netip.Addr) []byte {
	n4 := 0
	for _, a := range all {
		if a.Is4() {
			n4++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(n4))
	dst = binary.AppendUvarint(dst, uint64(len(all)-n4))
	// Which rows are IPv6 is told by order alone: the two kinds must not be
	// mixed, or a bitmap follows.
	dst = append(dst, mixed(all, n4))
	if mixed(all, n4) == 1 {
		for _, a := range all {
			dst = append(dst, b2i(a.Is6()))
		}
	}
	var before int64
	for _, a := range all {
		if a.Is4() {
			x := int64(v4(a))
			dst = binary.AppendVarint(dst, x-before)
			before = x
		}
	}
	for _, a := range all {
		if !a.Is4() {
			b := a.As16()
			dst = append(dst, b[:]...)
		}
	}
	return dst
}

// mixed is 1 if an IPv6 address stands before an IPv4 one.
func mixed(all []netip.Addr, n4 int) byte {
	for _, a := range all[:n4] {
		if !a.Is4() {
			return 1
		}
	}
	return 0
}

func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func v4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func fromV4(x uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], x)
	return netip.AddrFrom4(b)
}

func readAddrs(data []byte) ([]netip.Addr, error) {
	n4, k := binary.Uvarint(data)
	if k <= 0 || n4 > blockRows {
		return nil, errShort
	}
	data = data[k:]
	n6, k := binary.Uvarint(data)
	if k <= 0 || n6 > blockRows || len(data) < k+1 {
		return nil, errShort
	}
	n := int(n4 + n6)
	isMixed, data := data[k] == 1, data[k+1:]
	var kinds []byte
	if isMixed {
		if len(data) < n {
			return nil, errShort
		}
		kinds, data = data[:n], data[n:]
	}
	if uint64(len(data)) < n4+16*n6 {
		return nil, errShort
	}
	fours := make([]netip.Addr, 0, n)
	var x int64
	for range n4 {
		d, k := binary.Varint(data)
		if k <= 0 {
			return nil, errShort
		}
		data = data[k:]
		x += d
		fours = append(fours, fromV4(uint32(x)))
	}
	if uint64(len(data)) < 16*n6 {
		return nil, errShort
	}
	if !isMixed {
		for i := range n6 {
			fours = append(fours, netip.AddrFrom16([16]byte(data[16*i:])))
		}
		return fours, nil
	}
	all := make([]netip.Addr, 0, n)
	for _, kind := range kinds {
		switch {
		case kind == 0 && len(fours) > 0:
			all, fours = append(all, fours[0]), fours[1:]
		case kind == 1 && len(data) >= 16:
			all, data = append(all, netip.AddrFrom16([16]byte(data))), data[16:]
		default:
			return nil, errShort
		}
	}
	return all, nil
}
