package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"outboundmonitor/backend/outbound"
)

// blockRows is how many events a full block holds. Larger blocks are a little
// smaller on disk and slower to look into; 4,096 is where a rare address is
// found in a tenth of a millisecond.
const blockRows = 4096

// blockText is how many bytes of shapes make a block full. With maxLine it
// keeps a block's dictionary below maxPlain.
const blockText = 2 << 20

// tag names a column or a dictionary of a block, on disk too. A reader skips
// tags that it does not know, so a column can come without a migration.
type tag uint8

const (
	colSec     tag = 1 + iota // seconds since the day began, UTC
	colMicros                 // microseconds
	colBasis                  // outbound.TimeBasis
	colWitness                // outbound.Witness
	colRule                   // index in dictRule
	colWho                    // key in the day's who table
	colDst                    // index in dictDst
	colSrc                    // index in dictSrc
	colSrcPort
	colDstPort
	colProto
	colGID      // GID minus UID
	colTwin     // how many identical lines came before
	colShape    // index in dictShape
	colCivil    // the stamp as written minus colSec
	colLineMic  // the stamp's microseconds xor colMicros
	colUpSec    // uptime minus colSec
	colUpMicros // uptime's microseconds
	colLen
	colID
	colWindow
	colSeq
	colAck
	colFlow
	colLen2
	lastCol = colLen2

	dictDst   tag = 0x41
	dictSrc   tag = 0x42
	dictRule  tag = 0x43
	dictShape tag = 0x44
)

// spreads tells the encoder what each column is like; skewed if not named.
var spreads = [lastCol + 1]spread{
	colSec: rising, colMicros: random, colBasis: skewed, colWitness: skewed, colRule: skewed, colWho: skewed, colDst: random,
	colSrc: skewed, colSrcPort: random, colDstPort: skewed, colProto: skewed, colGID: skewed, colTwin: skewed, colShape: skewed,
	colCivil: skewed, colLineMic: skewed, colUpSec: skewed, colUpMicros: random, colLen: skewed, colID: random, colWindow: skewed,
	colSeq: random, colAck: random, colFlow: random, colLen2: skewed,
}

// rows are the events of one block, by column. They come from the disk, where
// columns are decoded when asked for, or are still open for more. Events keep
// their row for ever: an open block is sealed with its rows in their order.
type rows struct {
	n      int
	cols   [lastCol + 1][]uint32
	dst    []netip.Addr
	src    []netip.Addr
	rules  []string
	shapes []string

	packed map[tag][]byte
	dec    *zstd.Decoder
}

// zeros stands for a column that is not stored: all its numbers are 0.
var zeros [blockRows]uint32

// col gives a column; a damaged one is an error.
func (r *rows) col(t tag) ([]uint32, error) {
	if r.cols[t] != nil {
		return r.cols[t], nil
	}
	data, ok := r.packed[t]
	if !ok {
		return zeros[:r.n], nil
	}
	v, err := readColumn(r.dec, data, r.n, nil)
	if err != nil {
		return nil, fmt.Errorf("column %d: %w", t, err)
	}
	r.cols[t] = v
	return v, nil
}

// event fills e from row i. The line is left out if bare.
func (r *rows) event(i int, d *dayTable, e *outbound.Event, bare bool) error {
	var v [lastCol + 1]uint32
	for t := colSec; t <= colTwin; t++ {
		c, err := r.col(t)
		if err != nil {
			return err
		}
		v[t] = c[i]
	}
	if err := r.dicts(); err != nil {
		return err
	}
	who, err := d.who(v[colWho])
	if err != nil {
		return err
	}
	if int(v[colDst]) >= len(r.dst) || int(v[colSrc]) >= len(r.src) || int(v[colRule]) >= len(r.rules) {
		return errors.New("row points outside its dictionary")
	}
	*e = outbound.Event{
		Time:  time.Unix(d.begin+int64(v[colSec]), int64(v[colMicros])*1000).UTC(),
		Basis: outbound.TimeBasis(v[colBasis]), Witness: outbound.Witness(v[colWitness]),
		Who: who, UID: who.UID, GID: outbound.GID(v[colGID] + uint32(who.UID)),
		Dst: r.dst[v[colDst]], Src: r.src[v[colSrc]], Rule: r.rules[v[colRule]],
		SrcPort: uint16(v[colSrcPort]), DstPort: uint16(v[colDstPort]), Proto: outbound.Protocol(v[colProto]),
		Line: e.Line[:0], Twin: v[colTwin],
	}
	if bare {
		return nil
	}
	return r.line(i, v[colSec], v[colMicros], d.begin, e)
}

// line renders the line of row i into e.Line.
func (r *rows) line(i int, sec, micros uint32, begin int64, e *outbound.Event) error {
	var v [lastCol + 1]uint32
	for t := colShape; t <= lastCol; t++ {
		c, err := r.col(t)
		if err != nil {
			return err
		}
		v[t] = c[i]
	}
	if r.shapes == nil {
		var err error
		if r.shapes, err = r.strings(dictShape); err != nil {
			return err
		}
	}
	if int(v[colShape]) >= len(r.shapes) {
		return errors.New("row points outside its dictionary")
	}
	p := parts{
		civil:  begin + int64(sec) + int64(int32(v[colCivil])),
		micros: v[colLineMic] ^ micros, upSec: v[colUpSec] + sec, upMicros: v[colUpMicros],
		length: v[colLen], id: v[colID], window: v[colWindow], seq: v[colSeq], ack: v[colAck], flow: v[colFlow], len2: v[colLen2],
	}
	e.Line = render(e.Line[:0], r.shapes[v[colShape]], e, &p)
	return nil
}

// dicts decodes the dictionaries that are not yet there, but for the shapes:
// only a line needs those.
func (r *rows) dicts() error {
	var err error
	if r.dst == nil {
		if r.dst, err = r.addrs(dictDst); err != nil {
			return err
		}
	}
	if r.src == nil {
		if r.src, err = r.addrs(dictSrc); err != nil {
			return err
		}
	}
	if r.rules == nil {
		r.rules, err = r.strings(dictRule)
	}
	return err
}

func (r *rows) addrs(t tag) ([]netip.Addr, error) {
	all, err := readAddrs(r.packed[t])
	if err != nil {
		return nil, fmt.Errorf("dictionary %#x: %w", t, err)
	}
	return all, nil
}

func (r *rows) strings(t tag) ([]string, error) {
	raw, err := r.dec.DecodeAll(r.packed[t], nil)
	if err != nil {
		return nil, fmt.Errorf("dictionary %#x: %w", t, err)
	}
	all := make([]string, 0, 4)
	for len(raw) > 0 {
		n, k := binary.Uvarint(raw)
		if k <= 0 || n > uint64(len(raw)-k) || len(all) == blockRows {
			return nil, fmt.Errorf("dictionary %#x: %w", t, errShort)
		}
		all = append(all, string(raw[k:k+int(n)]))
		raw = raw[k+int(n):]
	}
	return all, nil
}

// openRows are rows that still take events. Readers take a snapshot: what is
// below a snapshot's n is never changed again.
type openRows struct {
	rows
	room   [lastCol + 1][]uint32 // of which cols are the beginning
	cut    *cutter
	fourAt map[uint32]uint32
	sixAt  map[netip.Addr]uint32
	srcAt  map[netip.Addr]uint32
	ruleAt map[string]uint32
	// shapeAt and text tell of the shapes: where each is, and their size.
	shapeAt map[string]uint32
	text    int
}

func newOpenRows(c *cutter) *openRows {
	o := &openRows{
		cut: c, fourAt: map[uint32]uint32{}, sixAt: map[netip.Addr]uint32{}, srcAt: map[netip.Addr]uint32{},
		ruleAt: map[string]uint32{}, shapeAt: map[string]uint32{},
	}
	all := make([]uint32, int(lastCol+1)*blockRows)
	for t := colSec; t <= lastCol; t++ {
		o.room[t] = all[int(t)*blockRows:][:blockRows:blockRows]
		o.cols[t] = o.room[t][:0]
	}
	return o
}

// full reports whether the rows are to be sealed: there are as many as a block
// holds, or, where lines are strange, their shapes take more than their share.
func (o *openRows) full() bool { return o.n == blockRows || o.text >= blockText }

// add takes one event of the day that began at begin.
func (o *openRows) add(e *outbound.Event, who uint32, begin int64) {
	f, p := o.cut.cut(e)
	if f.rows != o {
		f.rows, f.at = o, o.shape(f.text)
	}
	sec, micros := uint32(e.Time.Unix()-begin), uint32(e.Time.Nanosecond()/1000)
	// The room is zeroed: what is usually 0 is written only if it is not.
	set := func(t tag, x uint32) {
		if x != 0 {
			o.room[t][o.n] = x
		}
	}
	set(colSec, sec)
	set(colMicros, micros)
	set(colBasis, uint32(e.Basis))
	set(colWitness, uint32(e.Witness))
	set(colRule, o.rule(e.Rule))
	set(colWho, who)
	set(colDst, o.target(e.Dst))
	set(colSrc, o.source(e.Src))
	set(colSrcPort, uint32(e.SrcPort))
	set(colDstPort, uint32(e.DstPort))
	set(colProto, uint32(e.Proto))
	set(colGID, uint32(e.GID)-uint32(e.UID))
	set(colTwin, e.Twin)
	set(colShape, f.at)
	if p.stamped {
		set(colCivil, uint32(p.civil-begin-int64(sec)))
		set(colLineMic, p.micros^micros)
	}
	set(colUpSec, p.upSec-sec)
	set(colUpMicros, p.upMicros)
	set(colLen, p.length)
	set(colID, p.id)
	set(colWindow, p.window)
	set(colSeq, p.seq)
	set(colAck, p.ack)
	set(colFlow, p.flow)
	set(colLen2, p.len2)
	o.n++
}

// settle makes the columns as long as the rows.
func (o *openRows) settle() {
	for t := colSec; t <= lastCol; t++ {
		o.cols[t] = o.room[t][:o.n]
	}
}

func (o *openRows) shape(text string) uint32 {
	i, ok := o.shapeAt[text]
	if !ok {
		i = uint32(len(o.shapes))
		o.shapes = append(o.shapes, text)
		o.shapeAt[text] = i
		o.text += len(text)
	}
	return i
}

func (o *openRows) target(a netip.Addr) uint32 {
	if !a.Is4() {
		return place(&o.dst, o.sixAt, a)
	}
	key := v4(a)
	i, ok := o.fourAt[key]
	if !ok {
		i = uint32(len(o.dst))
		o.dst = append(o.dst, a)
		o.fourAt[key] = i
	}
	return i
}

// source and rule look at what came last first: it is mostly the same again.
func (o *openRows) source(a netip.Addr) uint32 {
	if len(o.src) > 0 && o.src[0] == a {
		return 0
	}
	return place(&o.src, o.srcAt, a)
}

func (o *openRows) rule(label string) uint32 {
	for i := range o.rules {
		if o.rules[i] == label {
			return uint32(i)
		}
	}
	return place(&o.rules, o.ruleAt, label)
}

func place[T comparable](all *[]T, at map[T]uint32, x T) uint32 {
	i, ok := at[x]
	if !ok {
		i = uint32(len(*all))
		*all = append(*all, x)
		at[x] = i
	}
	return i
}

// snapshot gives the rows as they are now, for readers.
func (o *openRows) snapshot() *rows {
	o.settle()
	r := o.rows
	return &r
}

// seal encodes the rows as a block and gives the terms to index it by.
func (o *openRows) seal(w *columnWriter) ([]byte, terms) {
	order := sortedOrder(o.dst)
	sorted := make([]netip.Addr, len(o.dst))
	rank := make([]uint32, len(o.dst))
	for i, from := range order {
		sorted[i], rank[from] = o.dst[from], uint32(i)
	}
	dst := make([]uint32, o.n)
	counts := make([]uint32, len(sorted))
	for i, x := range o.cols[colDst][:o.n] {
		dst[i] = rank[x]
		counts[rank[x]]++
	}
	var dir, body []byte
	put := func(t tag, data []byte) {
		dir = binary.AppendUvarint(append(dir, byte(t)), uint64(len(data)-len(body)))
		body = data
	}
	n := 0
	for t := colSec; t <= lastCol; t++ {
		v := o.cols[t]
		if t == colDst {
			v = dst
		}
		if lo, hi := extent(v); lo == 0 && hi == 0 {
			continue
		}
		put(t, w.append(body, v, spreads[t]))
		n++
	}
	put(dictDst, appendAddrs(body, sorted))
	put(dictSrc, appendAddrs(body, o.src))
	put(dictRule, w.strings(body, o.rules))
	put(dictShape, w.strings(body, o.shapes))
	head := binary.AppendUvarint([]byte{blockVersion}, uint64(o.n))
	head = binary.AppendUvarint(head, uint64(n+4))
	return slices.Concat(head, dir, body), blockTerms(sorted, counts, o.cols[colWho])
}

// blockVersion is the first byte of a block.
const blockVersion = 1

func (w *columnWriter) strings(dst []byte, all []string) []byte {
	var raw []byte
	for _, s := range all {
		raw = append(binary.AppendUvarint(raw, uint64(len(s))), s...)
	}
	return w.enc.EncodeAll(raw, dst)
}

// readBlock splits a block into its columns. It keeps data.
func readBlock(dec *zstd.Decoder, data []byte) (*rows, error) {
	if len(data) == 0 || data[0] != blockVersion {
		return nil, errors.New("block of a version that is not known")
	}
	data = data[1:]
	n, k := binary.Uvarint(data)
	if k <= 0 || n > blockRows {
		return nil, errShort
	}
	data = data[k:]
	count, k := binary.Uvarint(data)
	if k <= 0 || count > 255 {
		return nil, errShort
	}
	data = data[k:]
	r := &rows{n: int(n), packed: make(map[tag][]byte, count), dec: dec}
	type entry struct {
		t    tag
		size uint64
	}
	dir := make([]entry, count)
	for i := range dir {
		if len(data) < 2 {
			return nil, errShort
		}
		size, k := binary.Uvarint(data[1:])
		if k <= 0 {
			return nil, errShort
		}
		dir[i] = entry{tag(data[0]), size}
		data = data[1+k:]
	}
	for _, e := range dir {
		if e.size > uint64(len(data)) {
			return nil, errShort
		}
		r.packed[e.t] = data[:e.size]
		data = data[e.size:]
	}
	return r, nil
}

// sortedOrder gives the indexes of all in the order of the addresses.
func sortedOrder(all []netip.Addr) []uint32 {
	order := make([]uint32, len(all))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return all[a].Compare(all[b]) })
	return order
}
