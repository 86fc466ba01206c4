package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// A column holds one number for each row of a block. It is stored as one byte
// of form and what the form needs; see FORMAT.md.
const (
	formConst  = 0 // one number for all rows
	formPacked = 1 // least number, then the differences to it, bit-packed
	formPlanes = 2 // zstd over the rows' low bytes, then the next bytes, ...
	formSparse = 3 // zstd of a bitmap of the rows that are not 0, and their column
	// formDelta is added where the numbers are the zigzag differences from row
	// to row.
	formDelta = 0x80
)

// spread tells the encoder what a column's numbers are like.
type spread uint8

const (
	// random numbers (ports, IP IDs, microseconds) do not compress.
	random spread = iota
	// skewed numbers come in runs and favourites.
	skewed
	// rising numbers mostly grow slowly.
	rising
)

var errShort = asDamage(errors.New("block is cut short"))

// zstdLevel is the fastest: at this size of block the next one wins 2 % of
// space for twice the time.
func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<17), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
}

// maxPlain bounds what one compressed piece may expand to, in bytes.
const maxPlain = 8 << 20

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPlain), zstd.WithDecoderLowmem(true))
}

// columnWriter encodes columns, reusing its buffers.
type columnWriter struct {
	enc     *zstd.Encoder
	planes  []byte
	packed  []byte
	deltas  []uint32
	squeeze []byte
}

// append adds the encoded column to dst.
func (w *columnWriter) append(dst []byte, v []uint32, s spread) []byte {
	lo, hi := extent(v)
	if lo == hi {
		dst = append(dst, formConst)
		return binary.AppendUvarint(dst, uint64(lo))
	}
	if lo == 0 {
		if n := nonZero(v); n <= len(v)/2 {
			return w.sparse(dst, v, n, s)
		}
	}
	var form byte
	if s == rising {
		v = w.delta(v)
		lo, hi = extent(v)
		form = formDelta
	}
	w.packed = pack(w.packed[:0], v, lo, hi)
	if s == random {
		return append(append(dst, form|formPacked), w.packed...)
	}
	w.squeeze = w.enc.EncodeAll(w.plane(v, hi), append(w.squeeze[:0], byte(planesFor(hi))))
	if len(w.squeeze) < len(w.packed) {
		return append(append(dst, form|formPlanes), w.squeeze...)
	}
	return append(append(dst, form|formPacked), w.packed...)
}

func nonZero(v []uint32) int {
	n := 0
	for _, x := range v {
		if x != 0 {
			n++
		}
	}
	return n
}

// sparse appends a column of which only n rows are not 0.
func (w *columnWriter) sparse(dst []byte, v []uint32, n int, s spread) []byte {
	bitmap := make([]byte, (len(v)+7)/8)
	rest := make([]uint32, 0, n)
	for i, x := range v {
		if x != 0 {
			bitmap[i/8] |= 1 << (i % 8)
			rest = append(rest, x)
		}
	}
	packed := w.enc.EncodeAll(bitmap, nil)
	dst = binary.AppendUvarint(append(dst, formSparse), uint64(len(packed)))
	return w.append(append(dst, packed...), rest, s)
}

func extent(v []uint32) (lo, hi uint32) {
	if len(v) == 0 {
		return 0, 0
	}
	lo, hi = v[0], v[0]
	for _, x := range v[1:] {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

func (w *columnWriter) delta(v []uint32) []uint32 {
	w.deltas = w.deltas[:0]
	var before uint32
	for _, x := range v {
		d := int32(x - before)
		w.deltas = append(w.deltas, uint32(d<<1)^uint32(d>>31))
		before = x
	}
	return w.deltas
}

func planesFor(hi uint32) int { return max(1, (bits.Len32(hi)+7)/8) }

func (w *columnWriter) plane(v []uint32, hi uint32) []byte {
	w.planes = w.planes[:0]
	for p := range planesFor(hi) {
		for _, x := range v {
			w.planes = append(w.planes, byte(x>>(8*p)))
		}
	}
	return w.planes
}

// pack appends lo, the width in bits, and the bits.
func pack(dst []byte, v []uint32, lo, hi uint32) []byte {
	width := uint(bits.Len32(hi - lo))
	dst = binary.AppendUvarint(dst, uint64(lo))
	dst = append(dst, byte(width))
	var acc uint64
	var have uint
	for _, x := range v {
		acc |= uint64(x-lo) << have
		have += width
		for have >= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
			have -= 8
		}
	}
	if have > 0 {
		dst = append(dst, byte(acc))
	}
	return dst
}

// readColumn decodes a column of n rows into out, which is grown as needed.
func readColumn(dec *zstd.Decoder, data []byte, n int, out []uint32) ([]uint32, error) {
	if len(data) == 0 {
		return nil, errShort
	}
	if cap(out) < n {
		out = make([]uint32, n)
	}
	out = out[:n]
	form, body := data[0], data[1:]
	var err error
	switch form &^ formDelta {
	case formConst:
		x, k := binary.Uvarint(body)
		if k <= 0 || x > 1<<32-1 {
			return nil, errShort
		}
		for i := range out {
			out[i] = uint32(x)
		}
	case formPacked:
		err = unpack(body, out)
	case formPlanes:
		err = unplane(dec, body, out)
	case formSparse:
		err = unsparse(dec, body, out)
	default:
		return nil, fmt.Errorf("column form %#x is not known", form)
	}
	if err != nil {
		return nil, err
	}
	if form&formDelta != 0 {
		var x uint32
		for i, z := range out {
			x += uint32(int32(z>>1) ^ -int32(z&1))
			out[i] = x
		}
	}
	return out, nil
}

func unpack(data []byte, out []uint32) error {
	lo, k := binary.Uvarint(data)
	if k <= 0 || k >= len(data) {
		return errShort
	}
	width := uint(data[k])
	data = data[k+1:]
	if width > 32 || (uint(len(out))*width+7)/8 > uint(len(data)) {
		return errShort
	}
	mask := uint64(1)<<width - 1
	var acc uint64
	var have uint
	for i := range out {
		for have < width {
			acc |= uint64(data[0]) << have
			data = data[1:]
			have += 8
		}
		out[i] = uint32(lo) + uint32(acc&mask)
		acc >>= width
		have -= width
	}
	return nil
}

func unplane(dec *zstd.Decoder, data []byte, out []uint32) error {
	if len(data) == 0 {
		return errShort
	}
	planes, n := int(data[0]), len(out)
	if planes < 1 || planes > 4 {
		return errShort
	}
	raw, err := dec.DecodeAll(data[1:], make([]byte, 0, planes*n))
	if err != nil {
		return err
	}
	if len(raw) != planes*n {
		return errShort
	}
	for i := range out {
		out[i] = uint32(raw[i])
	}
	for p := 1; p < planes; p++ {
		plane := raw[p*n : (p+1)*n]
		for i := range out {
			out[i] |= uint32(plane[i]) << (8 * p)
		}
	}
	return nil
}

func unsparse(dec *zstd.Decoder, data []byte, out []uint32) error {
	size, k := binary.Uvarint(data)
	if k <= 0 || size > uint64(len(data)-k) {
		return errShort
	}
	bitmap, err := dec.DecodeAll(data[k:k+int(size)], nil)
	if err != nil {
		return err
	}
	if len(bitmap) != (len(out)+7)/8 {
		return errShort
	}
	n := 0
	for _, b := range bitmap {
		n += bits.OnesCount8(b)
	}
	body := data[k+int(size):]
	if n > len(out) || len(body) == 0 || body[0]&^formDelta == formSparse {
		return errShort
	}
	rest, err := readColumn(dec, body, n, nil)
	if err != nil {
		return err
	}
	for i := range out {
		out[i] = 0
		if bitmap[i/8]&(1<<(i%8)) != 0 {
			if len(rest) == 0 {
				return errShort
			}
			out[i], rest = rest[0], rest[1:]
		}
	}
	return nil
}
