package ingest

// tally counts lines by their 64-bit hash. It is a table with open addressing:
// a map took a quarter of an import's time. The zero value is empty.
type tally struct {
	hashes []uint64 // 0 is a free place; a power of 2 of them
	counts []uint32
	used   int
	zero   uint32 // the count of hash 0
}

// leastTally is the first size of a table.
const leastTally = 256

// slot gives where hash is, or where it would go.
func (t *tally) slot(hash uint64) int {
	mask := len(t.hashes) - 1
	i := int(hash>>1) & mask
	for t.hashes[i] != hash && t.hashes[i] != 0 {
		i = (i + 1) & mask
	}
	return i
}

// count gives the count of a hash; t may be nil.
func (t *tally) count(hash uint64) uint32 {
	switch {
	case t == nil:
		return 0
	case hash == 0:
		return t.zero
	case len(t.hashes) == 0:
		return 0
	}
	return t.counts[t.slot(hash)]
}

// set sets the count of a hash.
func (t *tally) set(hash uint64, n uint32) {
	if hash == 0 {
		t.zero = n
		return
	}
	if t.used*2 >= len(t.hashes) {
		t.grow()
	}
	i := t.slot(hash)
	if t.hashes[i] == 0 {
		t.hashes[i] = hash
		t.used++
	}
	t.counts[i] = n
}

// add counts a hash once more and gives its count.
func (t *tally) add(hash uint64) uint32 {
	n := t.count(hash) + 1
	t.set(hash, n)
	return n
}

// take counts a hash once less.
func (t *tally) take(hash uint64) {
	if n := t.count(hash); n > 0 {
		t.set(hash, n-1)
	}
}

func (t *tally) grow() {
	old := *t
	size := max(leastTally, 2*len(old.hashes))
	t.hashes, t.counts = make([]uint64, size), make([]uint32, size)
	for i, hash := range old.hashes {
		if hash != 0 {
			at := t.slot(hash)
			t.hashes[at], t.counts[at] = hash, old.counts[i]
		}
	}
}

// clear forgets all and keeps the table, unless it grew large.
func (t *tally) clear() {
	if len(t.hashes) > 16*leastTally {
		*t = tally{}
		return
	}
	clear(t.hashes)
	clear(t.counts)
	t.used, t.zero = 0, 0
}
