package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"outboundmonitor/backend/hostfs"
	"outboundmonitor/backend/outbound"
)

// formatVersion is what a day file says of itself. A file of a later version
// is not opened.
const formatVersion = 1

const (
	dayLayout  = "2006-01-02"
	daySeconds = 24 * 60 * 60
)

// The buckets of a day file.
var (
	bucketMeta   = []byte("meta")
	bucketWho    = []byte("who")
	bucketBlocks = []byte("blocks")
	bucketSums   = []byte("sums")
	bucketIndex  = []byte("index")
	bucketHead   = []byte("head")
	bucketChains = []byte("chains")

	buckets = [][]byte{bucketMeta, bucketWho, bucketBlocks, bucketSums, bucketIndex, bucketHead, bucketChains}

	keyFormat = []byte("format")
)

// day is one open day file. One goroutine writes; readers use what view
// published last.
type day struct {
	name  string
	begin int64 // Unix seconds
	db    *bolt.DB
	view  atomic.Pointer[dayView]
	lease lease

	// The writer's own.
	open    *openRows
	durable int // rows of open that are in bucketHead
	table   map[outbound.Who]uint32
	recent  map[*outbound.Who]uint32
	// chains tells where reading of a log goes on, if this file knows best.
	chains map[string]outbound.Position
}

// dayView is what readers see: a state of the day that is committed. It is
// never changed.
type dayView struct {
	sums []blockSum
	open *rows // the block after the last of sums, still open
	all  *rows // open with the rows that wait in memory for a flush
	// openSum is what sums says of blocks, of open.
	openSum blockSum
	whos    dayTable
	n       int // events in sums
}

// dayTable gives the day's Who by their keys, from 1.
type dayTable struct {
	begin int64
	whos  []*outbound.Who
}

func (t *dayTable) who(key uint32) (*outbound.Who, error) {
	if key == 0 || int(key) > len(t.whos) {
		return nil, fmt.Errorf("account %d is not in the day's table", key)
	}
	return t.whos[key-1], nil
}

// blockSum is what is known of a block without reading it.
type blockSum struct {
	minSec, maxSec uint32
	n              uint32
	// sorted: each row's time is at or after that of the row before.
	sorted bool
	// hash is of the block's bytes, 0 if none is on record.
	hash uint64
}

func (s blockSum) encode() []byte {
	b := make([]byte, 0, 21)
	b = binary.LittleEndian.AppendUint32(b, s.minSec)
	b = binary.LittleEndian.AppendUint32(b, s.maxSec)
	b = binary.LittleEndian.AppendUint32(b, s.n)
	return binary.LittleEndian.AppendUint64(append(b, b2i(s.sorted)), s.hash)
}

func readSum(b []byte) (blockSum, error) {
	if len(b) < 13 {
		return blockSum{}, errShort
	}
	s := blockSum{
		minSec: binary.LittleEndian.Uint32(b), maxSec: binary.LittleEndian.Uint32(b[4:]),
		n: binary.LittleEndian.Uint32(b[8:]), sorted: b[12] == 1,
	}
	if len(b) >= 21 {
		s.hash = binary.LittleEndian.Uint64(b[13:])
	}
	return s, nil
}

// sum gives the summary of open or sealed rows.
func (r *rows) sum() blockSum {
	s := blockSum{n: uint32(r.n), sorted: true}
	sec, micros := r.cols[colSec], r.cols[colMicros]
	s.minSec, s.maxSec = extent(sec[:r.n])
	for i := 1; i < r.n && s.sorted; i++ {
		s.sorted = sec[i] > sec[i-1] || sec[i] == sec[i-1] && micros[i] >= micros[i-1]
	}
	return s
}

func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// openDay opens the file of a day, and makes it if create is set.
func openDay(dir, name string, create bool, c *codec) (*day, error) {
	begin, err := time.Parse(dayLayout, name)
	if err != nil {
		return nil, fmt.Errorf("store: %q is no day: %w", name, err)
	}
	path := filepath.Join(dir, name+".db")
	if fi, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && fi.Size() == 0 {
		if !create {
			return nil, os.ErrNotExist
		}
		if err := createDay(dir, path); err != nil {
			return nil, fmt.Errorf("store: %s: %w", path, err)
		}
	}
	db, err := openBolt(path)
	if err != nil {
		return nil, fmt.Errorf("store: %s: %w", path, err)
	}
	d := &day{name: name, begin: begin.Unix(), db: db}
	if err := d.load(c); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("store: %s: %w", path, err)
	}
	return d, nil
}

// openBolt opens a file so that readers never wait for it to be mapped anew:
// the mapping is larger than a busy day.
func openBolt(path string) (db *bolt.DB, err error) {
	var file *os.File
	o := bolt.Options{Timeout: time.Second, FreelistType: bolt.FreelistMapType, InitialMmapSize: 256 << 20}
	o.OpenFile = func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}
	err = guard(func() error {
		db, err = bolt.Open(path, 0o600, &o)
		return err
	})
	if err != nil && file != nil {
		// After a panic it is open, and as it is mapped too, closing it alone
		// leaves it locked.
		_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
		_ = file.Close()
	}
	if err != nil {
		return nil, err
	}
	db.AllocSize = 128 << 10
	return db, nil
}

// guard calls f and gives an error where bbolt panics over a damaged page, or
// touches one that lies behind the end of a file cut short.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged: %v", p)
		}
	}()
	return f()
}

// read calls f in a read transaction.
func (d *day) read(f func(*bolt.Tx) error) error {
	return guard(func() error { return d.db.View(f) })
}

// write calls f in a transaction that is committed if f returns nil.
func (d *day) write(f func(*bolt.Tx) error) error {
	return guard(func() error { return d.db.Update(f) })
}

// createDay makes an empty day file under a temporary name: a crash leaves a
// whole file or none.
func createDay(dir, path string) error {
	tmp := path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := openBolt(tmp)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyFormat, be32(formatVersion))
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return hostfs.SyncDir(dir)
}

// load reads what the writer and the readers keep in memory.
func (d *day) load(c *codec) error {
	d.open, d.durable = newOpenRows(&cutter{}), 0
	d.table, d.recent = map[outbound.Who]uint32{}, map[*outbound.Who]uint32{}
	d.chains = map[string]outbound.Position{}
	v := &dayView{whos: dayTable{begin: d.begin}}
	err := d.read(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if tx.Bucket(b) == nil {
				return fmt.Errorf("bucket %q is missing", b)
			}
		}
		if f := tx.Bucket(bucketMeta).Get(keyFormat); len(f) != 4 || binary.BigEndian.Uint32(f) != formatVersion {
			return fmt.Errorf("format %x is not known to this version", f)
		}
		return errors.Join(d.loadWhos(tx, v), d.loadSums(tx, v), d.loadChains(tx), d.loadHead(tx, v, c))
	})
	if err != nil {
		return err
	}
	d.publish(v, true)
	return nil
}

func (d *day) loadWhos(tx *bolt.Tx, v *dayView) error {
	return tx.Bucket(bucketWho).ForEach(func(k, data []byte) error {
		if !bytes.Equal(k, be32(uint32(len(v.whos.whos)+1))) {
			return fmt.Errorf("account %x: the one before it is missing", k)
		}
		var w outbound.Who
		if err := json.Unmarshal(data, &w); err != nil {
			return fmt.Errorf("account %x: %w", k, err)
		}
		v.whos.whos = append(v.whos.whos, &w)
		d.table[w] = uint32(len(v.whos.whos))
		return nil
	})
}

func (d *day) loadSums(tx *bolt.Tx, v *dayView) error {
	return tx.Bucket(bucketSums).ForEach(func(k, data []byte) error {
		if !bytes.Equal(k, be32(uint32(len(v.sums)))) {
			return fmt.Errorf("block %x: the one before it is missing", k)
		}
		s, err := readSum(data)
		if err != nil {
			return fmt.Errorf("block %x: %w", k, err)
		}
		v.sums = append(v.sums, s)
		v.n += int(s.n)
		return nil
	})
}

func (d *day) loadChains(tx *bolt.Tx) error {
	return tx.Bucket(bucketChains).ForEach(func(k, data []byte) error {
		var s outbound.Position
		if err := json.Unmarshal(data, &s); err != nil {
			return fmt.Errorf("position of %q: %w", k, err)
		}
		d.chains[string(k)] = s
		return nil
	})
}

func (d *day) loadHead(tx *bolt.Tx, v *dayView, c *codec) error {
	return tx.Bucket(bucketHead).ForEach(func(k, data []byte) error {
		err := c.readHead(data, &v.whos, func(e *outbound.Event, who uint32) error {
			if d.open.n >= blockRows {
				return errors.New("more open rows than a block holds")
			}
			d.open.add(e, who, d.begin)
			return nil
		})
		if err != nil {
			return fmt.Errorf("open rows %x: %w", k, err)
		}
		return nil
	})
}

// codec holds the compressors, which are costly to make, and the writer's
// buffers.
type codec struct {
	write     columnWriter
	raw, line []byte
	read      *decoder
}
