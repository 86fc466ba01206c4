package store

import (
	"encoding/binary"
	"net/netip"
)

// appendAddrs encodes addresses: how many are IPv4, how many IPv6; then each
// IPv4 address as the difference to the one before (zigzag, so that an
// unsorted list works too), then each IPv6 address as the number of bytes that
// it shares with the one before, and the rest.
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
	var last netip.Addr
	for _, a := range all {
		if !a.Is4() {
			dst = appendSix(dst, last, a)
			last = a
		}
	}
	return dst
}

// appendSix writes an IPv6 address after the one before it, which is not valid
// for the first.
func appendSix(dst []byte, before, a netip.Addr) []byte {
	y := a.As16()
	same := 0
	if before.IsValid() {
		x := before.As16()
		for same < 15 && x[same] == y[same] {
			same++
		}
	}
	return append(append(dst, byte(same)), y[same:]...)
}

// six reads an IPv6 address that stands after another.
func (r *reader) six(before netip.Addr) netip.Addr {
	var b [16]byte
	if before.Is6() {
		b = before.As16()
	}
	same := r.bytes(1)
	if len(same) == 0 || same[0] > 15 {
		r.short = true
		return before
	}
	copy(b[same[0]:], r.bytes(uint64(16-same[0])))
	return netip.AddrFrom16(b)
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
	if uint64(len(data)) < n4+2*n6 {
		return nil, errShort
	}
	r := reader{b: data}
	all := make([]netip.Addr, 0, n)
	var x int64
	for range n4 {
		x += r.varint()
		all = append(all, fromV4(uint32(x)))
	}
	var last netip.Addr
	for range n6 {
		last = r.six(last)
		all = append(all, last)
	}
	if r.short {
		return nil, errShort
	}
	if !isMixed {
		return all, nil
	}
	return mix(kinds, all[:n4], all[n4:])
}

// mix puts the addresses of the two families into the order of kinds.
func mix(kinds []byte, four, six []netip.Addr) ([]netip.Addr, error) {
	all := make([]netip.Addr, 0, len(kinds))
	for _, kind := range kinds {
		switch {
		case kind == 0 && len(four) > 0:
			all, four = append(all, four[0]), four[1:]
		case kind == 1 && len(six) > 0:
			all, six = append(all, six[0]), six[1:]
		default:
			return nil, errShort
		}
	}
	return all, nil
}
