package tail

import (
	"bytes"

	"github.com/cespare/xxhash/v2"

	"outboundmonitor/backend/outbound"
)

// cutter cuts content into runs of whole lines. Of what was given it keeps the
// hashSize bytes before the mark, so that the mark can be made a position, and
// the unfinished line after it.
type cutter struct {
	buf  []byte // content from base on
	base int64
	mark int // in buf: where the next line begins
	// skipping means that the line that began before the mark is too long and
	// its end was not seen yet.
	skipping bool
	skipped  int // bytes dropped and not told yet
}

func newCutter() *cutter {
	return &cutter{buf: make([]byte, 0, hashSize+MaxLine+chunkSize)}
}

// prime gives the n bytes to be filled with what precedes offset.
func (c *cutter) prime(offset int64) []byte {
	n := int(min(offset, chunkSize))
	c.buf, c.base, c.mark = c.buf[:n], offset-int64(n), n
	return c.buf
}

// room gives where to put content, which add then makes part of the cutter's.
func (c *cutter) room() []byte {
	if cap(c.buf)-len(c.buf) < chunkSize {
		if from := c.mark - hashSize; from > 0 {
			n := copy(c.buf, c.buf[from:])
			c.buf, c.base, c.mark = c.buf[:n], c.base+int64(from), hashSize
		}
	}
	return c.buf[len(c.buf):min(cap(c.buf), len(c.buf)+chunkSize)]
}

func (c *cutter) add(n int)  { c.buf = c.buf[:len(c.buf)+n] }
func (c *cutter) drop(n int) { c.buf = c.buf[:len(c.buf)-n] }

// before gives at most hashSize bytes that precede the last n.
func (c *cutter) before(n int) []byte {
	end := len(c.buf) - n
	return c.buf[max(0, end-hashSize):end]
}

// read is the offset of the first byte that was not given to the cutter yet.
func (c *cutter) read() int64 { return c.base + int64(len(c.buf)) }

// offset is where the mark stands.
func (c *cutter) offset() int64 { return c.base + int64(c.mark) }

// next gives the next run of whole lines and its offset, or nil if more must
// be read first. With one, the run is a single line.
func (c *cutter) next(one bool) ([]byte, int64) {
	for c.mark < len(c.buf) {
		rest := c.buf[c.mark:]
		if c.skipping {
			c.skip(rest)
			continue
		}
		n := fitting(rest)
		if n == 0 {
			if len(rest) < MaxLine {
				return nil, 0
			}
			c.skipping = true
			continue
		}
		if one {
			n = bytes.IndexByte(rest, '\n') + 1
		}
		start := c.offset()
		c.mark += n
		return rest[:n], start
	}
	return nil, 0
}

// skip moves the mark behind the overlong line, or as far as there is content.
func (c *cutter) skip(rest []byte) {
	n := bytes.IndexByte(rest, '\n') + 1
	if n == 0 {
		n = len(rest)
	} else {
		c.skipping = false
	}
	c.mark += n
	c.skipped += n
}

// fitting gives the length of the whole lines at the beginning of b that are
// not too long. It looks at one '\n' in each MaxLine bytes and not at each
// line: what lies between two line ends less than MaxLine apart holds no line
// longer than that.
func fitting(b []byte) int {
	n := 0
	for n < len(b) {
		i := bytes.LastIndexByte(b[n:min(n+MaxLine, len(b))], '\n')
		if i < 0 {
			break
		}
		n += i + 1
	}
	return n
}

// more reports whether next would give or skip something.
func (c *cutter) more() bool {
	rest := c.buf[c.mark:]
	return len(rest) >= MaxLine || bytes.IndexByte(rest, '\n') >= 0
}

// pending reports whether a line has begun and not ended.
func (c *cutter) pending() bool { return c.skipping || c.mark < len(c.buf) }

// take gives the bytes skipped and not told yet. It tells nothing of a line
// that is still being skipped: a restart would count its bytes again.
func (c *cutter) take() int {
	if c.skipping {
		return 0
	}
	n := c.skipped
	c.skipped = 0
	return n
}

// unfinished gives the bytes dropped if nothing comes to the content any more:
// those of its cut last line, and those not told yet.
func (c *cutter) unfinished() int {
	n := c.skipped + len(c.buf) - c.mark
	c.skipped = 0
	return n
}

// position makes the mark a position.
func (c *cutter) position(chain string, gen uint32) outbound.Position {
	last := c.buf[max(0, c.mark-hashSize):c.mark]
	p := outbound.Position{Chain: chain, Gen: gen, Offset: c.offset(), HashLen: uint32(len(last))}
	if len(last) > 0 {
		p.Hash = xxhash.Sum64(last)
	}
	return p
}

// seen gives the whole lines before the mark, without the overlong ones, and
// where the first of them begins.
func (c *cutter) seen() (lines []byte, start int64) {
	b := c.buf[:c.mark]
	from := 0
	if c.base > 0 {
		from = bytes.IndexByte(b, '\n') + 1
	}
	start = c.base + int64(from)
	for from < len(b) {
		n := fitting(b[from:])
		if len(lines) == 0 {
			start = c.base + int64(from)
		}
		lines = append(lines, b[from:from+n]...)
		from += n
		end := bytes.IndexByte(b[from:], '\n') // of an overlong line
		if end < 0 {
			break
		}
		from += end + 1
	}
	return lines, start
}
