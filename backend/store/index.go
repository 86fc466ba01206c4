package store

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// The index of a day tells in which blocks a remote address or an account
// occurs, and how often. It is kept in segments: one for each new block, and
// when eight of a size have come together, one in their place. A lookup asks
// each segment of a day; there are at most seven of a size.

// fanIn is how many segments of one size are merged into the next.
const fanIn = 8

// maxSegment is the largest segment, in blocks.
const maxSegment = 512

// posting says how often something occurs in a block.
type posting struct {
	block uint32
	n     uint32
}

// terms are what a segment indexes, in order.
type terms struct {
	addrs []addrTerm
	whos  []whoTerm
}

type addrTerm struct {
	addr     netip.Addr
	postings []posting
}

type whoTerm struct {
	who      uint32
	postings []posting
}

// blockTerms are the terms of one block, whose number is not known yet.
func blockTerms(sorted []netip.Addr, counts []uint32, whos []uint32) terms {
	var t terms
	all := make([]posting, len(sorted))
	t.addrs = make([]addrTerm, len(sorted))
	for i, a := range sorted {
		all[i].n = counts[i]
		t.addrs[i] = addrTerm{a, all[i : i+1 : i+1]}
	}
	byWho := map[uint32]uint32{}
	for _, w := range whos {
		byWho[w]++
	}
	for w, n := range byWho {
		t.whos = append(t.whos, whoTerm{w, []posting{{n: n}}})
	}
	slices.SortFunc(t.whos, func(a, b whoTerm) int { return int(a.who) - int(b.who) })
	return t
}

// at sets the number of the one block that the terms come from.
func (t *terms) at(block uint32) {
	for i := range t.addrs {
		t.addrs[i].postings[0].block = block
	}
	for i := range t.whos {
		t.whos[i].postings[0].block = block
	}
}

// mergeTerms joins the terms of neighbouring segments, oldest first. Each is
// in order, so they are merged pairwise.
func mergeTerms(all []terms) terms {
	for len(all) > 1 {
		var next []terms
		for i := 0; i+1 < len(all); i += 2 {
			next = append(next, joinTerms(all[i], all[i+1]))
		}
		if len(all)%2 == 1 {
			next = append(next, all[len(all)-1])
		}
		all = next
	}
	return all[0]
}

// joinTerms joins the terms of two segments, a being the older one.
func joinTerms(a, b terms) terms {
	return terms{
		addrs: join(a.addrs, b.addrs, func(x, y addrTerm) int { return x.addr.Compare(y.addr) }, func(x, y addrTerm) addrTerm {
			return addrTerm{x.addr, append(slices.Clip(x.postings), y.postings...)}
		}),
		whos: join(a.whos, b.whos, func(x, y whoTerm) int { return int(x.who) - int(y.who) }, func(x, y whoTerm) whoTerm {
			return whoTerm{x.who, append(slices.Clip(x.postings), y.postings...)}
		}),
	}
}

// join merges two sorted lists; what is equal in both becomes one.
func join[T any](a, b []T, compare func(x, y T) int, both func(x, y T) T) []T {
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := compare(a[0], b[0]); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, both(a[0], b[0])), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// A segment's bytes are: version; the accounts; a table of every 64th IPv4
// address and where its entry begins; the IPv4 entries; the same for IPv6. See
// FORMAT.md.
const (
	segmentVersion = 1
	stride         = 64
)

// encode gives the segment's bytes; first is its first block.
func (t *terms) encode(first uint32) []byte {
	out := []byte{segmentVersion}
	out = binary.AppendUvarint(out, uint64(len(t.whos)))
	var whos []byte
	before := uint32(0)
	for _, w := range t.whos {
		whos = binary.AppendUvarint(whos, uint64(w.who-before))
		whos = appendPostings(whos, w.postings, first)
		before = w.who
	}
	out = binary.AppendUvarint(out, uint64(len(whos)))
	out = append(out, whos...)
	cut := slices.IndexFunc(t.addrs, func(a addrTerm) bool { return !a.addr.Is4() })
	if cut < 0 {
		cut = len(t.addrs)
	}
	out = appendFamily(out, t.addrs[:cut], first, 4)
	return appendFamily(out, t.addrs[cut:], first, 16)
}

func appendPostings(dst []byte, all []posting, first uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(all)))
	for _, p := range all {
		x := uint64(p.block-first) << 1
		first = p.block
		if p.n == 1 {
			dst = binary.AppendUvarint(dst, x)
			continue
		}
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, x|1), uint64(p.n))
	}
	return dst
}

// appendFamily writes the addresses of one family: width is 4 or 16 bytes.
func appendFamily(dst []byte, all []addrTerm, first uint32, width int) []byte {
	var table, body []byte
	for i, a := range all {
		full := a.addr.As16()
		key := full[16-width:]
		if i%stride == 0 {
			table = append(table, key...)
			table = binary.LittleEndian.AppendUint32(table, uint32(len(body)))
		} else {
			body = appendStep(body, all[i-1].addr, a.addr, width)
		}
		body = appendPostings(body, a.postings, first)
	}
	dst = binary.AppendUvarint(dst, uint64(len(all)))
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	return append(append(dst, table...), body...)
}

// appendStep writes an address after the one before it: an IPv4 address as the
// difference, an IPv6 address as the length of the prefix they share, in
// bytes, and the rest.
func appendStep(dst []byte, before, a netip.Addr, width int) []byte {
	if width == 4 {
		return binary.AppendUvarint(dst, uint64(v4(a)-v4(before)))
	}
	return appendSix(dst, before, a)
}
