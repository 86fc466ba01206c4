package store

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/klauspost/compress/zstd"

	"outboundmonitor/backend/outbound"
)

type decoder = zstd.Decoder

func newCodec() (*codec, error) {
	enc, err := newEncoder()
	if err != nil {
		return nil, err
	}
	dec, err := newDecoder()
	if err != nil {
		return nil, err
	}
	return &codec{write: columnWriter{enc: enc}, read: dec}, nil
}

// headVersion is the first byte of a head value. A head value holds rows that
// one commit added to the open block, one after the other, compressed; they go
// when the block is sealed.
const headVersion = 1

// headText is where a head value ends and another begins, in bytes before
// compression. With maxLine it keeps each below maxPlain.
const headText = 2 << 20

// appendHead encodes rows of o from one on, and tells before which it ended.
func (c *codec) appendHead(o *openRows, from int, t *dayTable) ([]byte, int, error) {
	raw := c.raw[:0]
	e := outbound.Event{Line: c.line[:0]}
	for ; from < o.n && len(raw) < headText; from++ {
		if err := o.event(from, t, &e, false); err != nil {
			return nil, 0, err
		}
		raw = appendRow(raw, &e, o.cols[colWho][from], t.begin)
	}
	c.raw, c.line = raw, e.Line
	return c.write.enc.EncodeAll(raw, []byte{headVersion}), from, nil
}

func appendRow(b []byte, e *outbound.Event, who uint32, begin int64) []byte {
	b = binary.AppendUvarint(b, uint64(who))
	b = binary.AppendVarint(b, e.Time.UnixMicro()-begin*1e6)
	b = append(b, byte(e.Basis), byte(e.Witness), byte(e.Proto))
	b = binary.AppendUvarint(b, uint64(e.Twin))
	b = binary.AppendUvarint(b, uint64(e.GID))
	b = binary.AppendUvarint(b, uint64(e.SrcPort))
	b = binary.AppendUvarint(b, uint64(e.DstPort))
	b = appendBytes(b, e.Src.AsSlice())
	b = appendBytes(b, e.Dst.AsSlice())
	b = appendBytes(b, []byte(e.Rule))
	return appendBytes(b, e.Line)
}

func appendBytes(b, x []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(x))), x...)
}

// readHead calls f with each row of a head value. The event is valid until f
// returns.
func (c *codec) readHead(data []byte, t *dayTable, f func(*outbound.Event, uint32) error) error {
	if len(data) == 0 || data[0] != headVersion {
		return fmt.Errorf("open rows of a version that is not known")
	}
	raw, err := c.read.DecodeAll(data[1:], nil)
	if err != nil {
		return err
	}
	r := reader{b: raw}
	for len(r.b) > 0 {
		e, who := r.row(t.begin)
		if r.short {
			return errShort
		}
		w, err := t.who(who)
		if err != nil {
			return err
		}
		e.Who, e.UID = w, w.UID
		if err := storable(&e); err != nil {
			return err
		}
		if dayNumber(e.Time)*daySeconds != t.begin {
			return fmt.Errorf("event of %v on another day", e.Time)
		}
		if err := f(&e, who); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) row(begin int64) (outbound.Event, uint32) {
	who := uint32(r.uvarint())
	micros := r.varint()
	fixed := r.bytes(3)
	if len(fixed) < 3 {
		return outbound.Event{}, 0
	}
	e := outbound.Event{
		Time:  time.UnixMicro(begin*1e6 + micros).UTC(),
		Basis: outbound.TimeBasis(fixed[0]), Witness: outbound.Witness(fixed[1]), Proto: outbound.Protocol(fixed[2]),
	}
	e.Twin = uint32(r.uvarint())
	e.GID = outbound.GID(r.uvarint())
	e.SrcPort = uint16(r.uvarint())
	e.DstPort = uint16(r.uvarint())
	e.Src, _ = netip.AddrFromSlice(r.bytes(r.uvarint()))
	e.Dst, _ = netip.AddrFromSlice(r.bytes(r.uvarint()))
	e.Rule = string(r.bytes(r.uvarint()))
	e.Line = r.bytes(r.uvarint())
	return e, who
}

func (r *reader) varint() int64 {
	x, k := binary.Varint(r.b)
	if k <= 0 {
		r.short, r.b = true, nil
		return 0
	}
	r.b = r.b[k:]
	return x
}
