package store

import (
	"encoding/binary"
	"net/netip"
	"sort"
)

// segment is an encoded segment, read where it lies.
type segment struct {
	first uint32
	nWhos int
	whos  []byte
	four  family
	six   family
}

// family is the part of a segment that holds one family's addresses.
type family struct {
	n     int
	width int
	table []byte
	body  []byte
}

func readSegment(data []byte, first uint32) (segment, error) {
	s := segment{first: first}
	if len(data) == 0 || data[0] != segmentVersion {
		return s, errShort
	}
	r := reader{b: data[1:]}
	whos := r.uvarint()
	s.whos = r.bytes(r.uvarint())
	// Each entry takes two bytes at least.
	if whos > uint64(len(s.whos))/2 {
		return s, errShort
	}
	s.nWhos = int(whos)
	s.four = r.family(4)
	s.six = r.family(16)
	if r.short {
		return s, errShort
	}
	return s, nil
}

// reader reads numbers until one is missing, and says so once at the end.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) uvarint() uint64 {
	// Most numbers of an index take one byte.
	if len(r.b) > 0 && r.b[0] < 0x80 {
		x := uint64(r.b[0])
		r.b = r.b[1:]
		return x
	}
	x, k := binary.Uvarint(r.b)
	if k <= 0 {
		r.short, r.b = true, nil
		return 0
	}
	r.b = r.b[k:]
	return x
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.short, r.b = true, nil
		return nil
	}
	x := r.b[:n]
	r.b = r.b[n:]
	return x
}

func (r *reader) family(width int) family {
	n, size := r.uvarint(), r.uvarint()
	// Each entry takes a byte of the body at least.
	if n > maxSegment*blockRows || n > size {
		r.short, r.b = true, nil
		return family{}
	}
	entries := (n + stride - 1) / stride
	return family{n: int(n), width: width, table: r.bytes(entries * uint64(width+4)), body: r.bytes(size)}
}

func (r *reader) postings(first uint32, f func(posting)) {
	n := r.uvarint()
	if n > maxSegment {
		r.short = true
	}
	for ; n > 0 && !r.short; n-- {
		x := r.uvarint()
		first += uint32(x >> 1)
		p := posting{block: first, n: 1}
		if x&1 != 0 {
			p.n = uint32(r.uvarint())
		}
		if f != nil {
			f(p)
		}
	}
}

// eachWho calls f for the postings of each who of the segment.
func (s *segment) eachWho(f func(who uint32, p posting)) error {
	r := reader{b: s.whos}
	who := uint32(0)
	for range s.nWhos {
		who += uint32(r.uvarint())
		r.postings(s.first, func(p posting) { f(who, p) })
		if r.short {
			return errShort
		}
	}
	return nil
}

// eachAddr calls f for the postings of each address that lies in p; the zero
// prefix stands for all.
func (s *segment) eachAddr(p netip.Prefix, f func(netip.Addr, posting)) error {
	if !p.IsValid() || p.Addr().Is4() {
		if err := s.four.each(p, s.first, f); err != nil {
			return err
		}
	}
	if !p.IsValid() || p.Addr().Is6() {
		return s.six.each(p, s.first, f)
	}
	return nil
}

func (m *family) key(i int) netip.Addr {
	at := i * (m.width + 4)
	return m.addr(m.table[at : at+m.width])
}

func (m *family) addr(b []byte) netip.Addr {
	if m.width == 4 {
		return netip.AddrFrom4([4]byte(b))
	}
	return netip.AddrFrom16([16]byte(b))
}

// each walks from the run of entries that can hold the prefix's first address
// to its last one.
func (m *family) each(p netip.Prefix, first uint32, f func(netip.Addr, posting)) error {
	runs := (m.n + stride - 1) / stride
	run := 0
	if p.IsValid() {
		run = max(0, sort.Search(runs, func(i int) bool { return m.key(i).Compare(p.Addr()) > 0 })-1)
	}
	for ; run < runs; run++ {
		a := m.key(run)
		if p.IsValid() && a.Compare(p.Addr()) > 0 && !p.Contains(a) {
			return nil
		}
		from := binary.LittleEndian.Uint32(m.table[run*(m.width+4)+m.width:])
		if uint64(from) > uint64(len(m.body)) {
			return errShort
		}
		r := reader{b: m.body[from:]}
		for i := range min(stride, m.n-run*stride) {
			if i > 0 {
				a = m.step(&r, a)
			}
			inside := !p.IsValid() || p.Contains(a)
			if inside {
				r.postings(first, func(x posting) { f(a, x) })
			} else {
				r.postings(first, nil)
			}
			if r.short {
				return errShort
			}
			if !inside && a.Compare(p.Addr()) > 0 {
				return nil
			}
		}
	}
	return nil
}

func (m *family) step(r *reader, a netip.Addr) netip.Addr {
	if m.width == 4 {
		return fromV4(v4(a) + uint32(r.uvarint()))
	}
	return r.six(a)
}

// terms decodes the whole segment, for a merge.
func (s *segment) terms() (terms, error) {
	var t terms
	err := s.eachWho(func(who uint32, p posting) {
		if n := len(t.whos); n > 0 && t.whos[n-1].who == who {
			t.whos[n-1].postings = append(t.whos[n-1].postings, p)
			return
		}
		t.whos = append(t.whos, whoTerm{who, []posting{p}})
	})
	if err != nil {
		return t, err
	}
	t.addrs = make([]addrTerm, 0, s.four.n+s.six.n)
	err = s.eachAddr(netip.Prefix{}, func(a netip.Addr, p posting) {
		if n := len(t.addrs); n > 0 && t.addrs[n-1].addr == a {
			t.addrs[n-1].postings = append(t.addrs[n-1].postings, p)
			return
		}
		t.addrs = append(t.addrs, addrTerm{a, []posting{p}})
	})
	return t, err
}
