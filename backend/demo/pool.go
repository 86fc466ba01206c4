package demo

import (
	"math/rand/v2"
	"net/netip"
)

// Rand is the source of all chance: PCG is specified to the bit.
type Rand = rand.Rand

// NewRand gives the stream of a seed; different streams are independent.
func NewRand(seed, stream uint64) *Rand { return rand.New(rand.NewPCG(seed, stream)) }

// Pool is a population of remote addresses: a few that many accounts share
// (update servers), some that one account uses often (payment, API), and many
// that are met a few times.
type Pool struct {
	Head, Mid, Tail []netip.Addr
	// Head6 and Mid6 are their IPv6 likes; Tail6 counts the IPv6 tail, which
	// is computed.
	Head6, Mid6 []netip.Addr
	Tail6       int
}

// NewPool makes a population. The documentation ranges hold 768 IPv4
// addresses and the benchmarking range 131,072; what goes beyond comes from
// the shared address space, RFC 6598, which belongs to nobody either.
func NewPool(r *Rand, head, mid, tail int) *Pool {
	docs := documentation()
	r.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	next := 0
	wide := r.Perm(131_072)
	take := func() netip.Addr {
		next++
		if i := next - 1; i < len(docs) {
			return docs[i]
		} else if i -= len(docs); i < len(wide) {
			return v4(198<<24 | 18<<16 | uint32(wide[i]))
		} else {
			i -= len(wide)
			return v4(100<<24 | 64<<16 | uint32(i)*2_654_435&0x3fffff)
		}
	}
	p := &Pool{Tail6: max(tail/6, 10)}
	p.Head, p.Mid, p.Tail = fill(head, take), fill(mid, take), fill(tail, take)
	six := uint64(0)
	take6 := func() netip.Addr { six++; return v6(0x100+six, r.Uint64()) }
	p.Head6, p.Mid6 = fill(max(head/4, 2), take6), fill(max(mid/8, 2), take6)
	return p
}

// documentation gives the addresses of RFC 5737 that attacks and traps do not
// claim: those of 198.51.100.0/24 and 203.0.113.0/24 from .32 to .199.
func documentation() []netip.Addr {
	var all []netip.Addr
	for _, net := range []uint32{198<<24 | 51<<16 | 100<<8, 203<<24 | 113<<8} {
		for host := uint32(32); host < 200; host++ {
			all = append(all, v4(net|host))
		}
	}
	return all
}

func fill(n int, take func() netip.Addr) []netip.Addr {
	all := make([]netip.Addr, n)
	for i := range all {
		all[i] = take()
	}
	return all
}

func v4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// v6 gives an address of 2001:db8::/32.
func v6(net, host uint64) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	for i := range 4 {
		a[7-i] = byte(net >> (8 * i))
	}
	for i := range 8 {
		a[15-i] = byte(host >> (8 * i))
	}
	return netip.AddrFrom16(a)
}

// Sixth gives the i-th address of the IPv6 tail.
func (p *Pool) Sixth(i int) netip.Addr {
	h := uint64(i+1) * 0x9e3779b97f4a7c15
	return v6(0x10000+uint64(i), h^h>>29)
}
