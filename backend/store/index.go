package store

import (
	"cmp"
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

// mergeTerms joins the terms of neighbouring segments, oldest first.
func mergeTerms(all []terms) terms {
	var addrs [][]addrTerm
	var whos [][]whoTerm
	for _, t := range all {
		addrs, whos = append(addrs, t.addrs), append(whos, t.whos)
	}
	return terms{
		addrs: merge(addrs, func(a, b *addrTerm) int { return a.addr.Compare(b.addr) },
			func(a, b *addrTerm) { a.postings = append(a.postings, b.postings...) }),
		whos: merge(whos, func(a, b *whoTerm) int { return cmp.Compare(a.who, b.who) },
			func(a, b *whoTerm) { a.postings = append(a.postings, b.postings...) }),
	}
}

// merge joins sorted lists into one. What is equal is joined in the order of
// the lists.
func merge[T any](lists [][]T, compare func(a, b *T) int, join func(a, b *T)) []T {
	for len(lists) > 1 {
		var next [][]T
		for ; len(lists) > 1; lists = lists[2:] {
			next = append(next, mergeTwo(lists[0], lists[1], compare, join))
		}
		lists = append(next, lists...)
	}
	return lists[0]
}

func mergeTwo[T any](a, b []T, compare func(a, b *T) int, join func(a, b *T)) []T {
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := compare(&a[0], &b[0]); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, a[0])
			join(&out[len(out)-1], &b[0])
			a, b = a[1:], b[1:]
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
	x, y := before.As16(), a.As16()
	same := 0
	for same < 15 && x[same] == y[same] {
		same++
	}
	return append(append(dst, byte(same)), y[same:]...)
}
