package store

import (
	"errors"
	"net/netip"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"outboundmonitor/backend/outbound"
)

// The tables here give the numbers of FORMAT.md their names, for the test that
// holds the document against the code.

// Columns, Dicts, Forms and Parts are all numbers of their kinds.
var (
	Columns = map[string]byte{
		"sec": byte(colSec), "micros": byte(colMicros), "basis": byte(colBasis), "witness": byte(colWitness), "rule": byte(colRule),
		"who": byte(colWho), "dst": byte(colDst), "src": byte(colSrc), "srcport": byte(colSrcPort), "dstport": byte(colDstPort),
		"proto": byte(colProto), "gid": byte(colGID), "twin": byte(colTwin), "shape": byte(colShape), "civil": byte(colCivil),
		"linemic": byte(colLineMic), "upsec": byte(colUpSec), "upmicros": byte(colUpMicros), "len": byte(colLen), "id": byte(colID),
		"window": byte(colWindow), "seq": byte(colSeq), "ack": byte(colAck), "flow": byte(colFlow), "len2": byte(colLen2),
	}
	Dicts = map[string]byte{"dst": byte(dictDst), "src": byte(dictSrc), "rule": byte(dictRule), "shape": byte(dictShape)}
	Forms = map[string]byte{"const": formConst, "packed": formPacked, "planes": formPlanes, "sparse": formSparse, "delta": formDelta}
	Parts = map[string]byte{
		"stamp": byte(partStamp), "micros": byte(partMicros), "uptime": byte(partUptime), "src": byte(partSrc), "dst": byte(partDst),
		"len": byte(partLen), "id": byte(partID), "srcport": byte(partSrcPort), "dstport": byte(partDstPort), "window": byte(partWindow),
		"uid": byte(partUID), "gid": byte(partGID), "seq": byte(partSeq), "ack": byte(partAck), "flow": byte(partFlow),
		"len2": byte(partLen2), "iso": byte(partISO), "escape": escapePart,
	}
	// Versions go by what they are of.
	Versions = map[string]int{"day file": formatVersion, "block": blockVersion, "segment": segmentVersion, "head value": headVersion}
)

const (
	// LastColumn and LastPart end their kinds.
	LastColumn = byte(lastCol)
	LastPart   = byte(lastPart)
)

// Spread names how a column is packed.
func Spread(column byte) string {
	return map[spread]string{random: "random", skewed: "skewed", rising: "rising"}[spreads[column]]
}

// Buckets names the buckets of a day file.
func Buckets() []string {
	var all []string
	for _, b := range buckets {
		all = append(all, string(b))
	}
	return all
}

// Bounds are the numbers that the document states in words.
var Bounds = map[string]int{
	"at most 4,096 events": blockRows / 4096, "its shapes take 2 MiB": blockText >> 21, "reaches 2 MiB": headText >> 21,
	"A line is at most 1 MiB": maxLine >> 20, "label 255 bytes": maxRule / 255, "expands to at most 8 MiB": maxPlain >> 23,
	"32 random bytes": keySize / 32, "for each 64th address": stride / 64, "512 blocks is the largest": maxSegment / 512,
	"When the eighth of a size": fanIn / 8, "first 16 bytes of mac": tagSize / 16, "\"page\" and 24 bytes": markSize / 24,
	"\"live\" and 16 bytes": numberSize / 16,
}

// testCodec is made once: a fuzzer calls often, and one at a time.
var testCodec = sync.OnceValues(newCodec)

// RoundTrip gives an event back as readers see it in open rows, after a crash
// from a head value, and from a sealed block. Before it come two such events
// with another line, so that its shape is compared with theirs.
func RoundTrip(before []byte, e outbound.Event, begin int64) (all [3]outbound.Event, err error) {
	c, err := testCodec()
	if err != nil {
		return all, err
	}
	d := dayTable{begin: begin, whos: []*outbound.Who{e.Who}}
	o := newOpenRows(&cutter{})
	other := e
	other.Line = before
	for _, x := range []*outbound.Event{&other, &other, &e} {
		o.add(x, 1, begin)
	}
	o.settle()
	if err := o.event(2, &d, &all[0], false); err != nil {
		return all, err
	}
	head, _, err := c.appendHead(o, 2, &d)
	if err != nil {
		return all, err
	}
	err = c.readHead(head, &d, func(e *outbound.Event, _ uint32) error {
		all[1] = *e
		return nil
	})
	if err != nil {
		return all, err
	}
	block, _ := o.seal(&c.write)
	r, err := readBlock(c.read, block)
	if err != nil {
		return all, err
	}
	return all, r.event(2, &d, &all[2], false)
}

// Storable says why an event is refused.
func Storable(e *outbound.Event) error { return storable(e) }

// Pieces are what a block of events leads to on disk.
type Pieces struct{ Block, Segment, Head []byte }

// Encode gives the pieces of one block of events, which begin on day begin.
func Encode(events []outbound.Event, begin int64) (p Pieces, err error) {
	c, err := testCodec()
	if err != nil {
		return p, err
	}
	d := dayTable{begin: begin}
	o := newOpenRows(&cutter{})
	for i := range events {
		d.whos = append(d.whos, events[i].Who)
		o.add(&events[i], uint32(i+1), begin)
	}
	o.settle()
	if p.Head, _, err = c.appendHead(o, 0, &d); err != nil {
		return p, err
	}
	block, t := o.seal(&c.write)
	p.Block = block
	t.at(3)
	p.Segment = t.encode(3)
	return p, nil
}

// ReadBlock reads each row of a block.
func ReadBlock(data []byte, whos []*outbound.Who) error {
	c, err := testCodec()
	if err != nil {
		return err
	}
	r, err := readBlock(c.read, data)
	if err != nil {
		return err
	}
	var e outbound.Event
	for i := range r.n {
		if err := r.event(i, &dayTable{whos: whos}, &e, false); err != nil {
			return err
		}
	}
	return nil
}

// ReadSegment reads all of a segment, and looks up each prefix.
func ReadSegment(data []byte, prefixes ...netip.Prefix) error {
	s, err := readSegment(data, 3)
	if err != nil {
		return err
	}
	if _, err := s.terms(); err != nil {
		return err
	}
	for _, p := range prefixes {
		if err := s.eachAddr(p, func(netip.Addr, posting) {}); err != nil {
			return err
		}
	}
	return nil
}

// ReadHead reads each row of a head value.
func ReadHead(data []byte, begin int64, whos []*outbound.Who) error {
	c, err := testCodec()
	if err != nil {
		return err
	}
	return c.readHead(data, &dayTable{begin: begin, whos: whos}, func(*outbound.Event, uint32) error { return nil })
}

// CloseFile closes a day's file under the store.
func CloseFile(s *Store, day string) error {
	d, err := s.day(day, false)
	if err != nil {
		return err
	}
	return errors.Join(d.db.Close(), d.release())
}

// Sealed counts the bytes of all keys and values of all days.
func Sealed(t testing.TB, s *Store) (n int) {
	t.Helper()
	for _, name := range s.days.names {
		d, err := s.day(name, false)
		if err != nil {
			t.Fatal(err)
		}
		err = d.read(func(tx *bolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error {
					n += len(k) + len(v)
					return nil
				})
			})
		})
		if err = errors.Join(err, d.release()); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
