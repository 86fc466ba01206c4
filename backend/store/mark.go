package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"outboundmonitor/backend/outbound"
)

// mark is where a page ended. Events keep their block and row, so a mark holds
// while more are stored.
type mark struct {
	begin int64
	ref
}

func (m mark) time() time.Time { return time.UnixMicro(m.begin*1e6 + m.micros).UTC() }

// follows reports whether m comes after other in the order of the page.
func (m mark) follows(other mark, oldestFirst bool) bool {
	c := sign(m.begin - other.begin)
	if c == 0 {
		c = m.ref.compare(other.ref)
	}
	if oldestFirst {
		return c > 0
	}
	return c < 0
}

const (
	markSize = 24
	tagSize  = 16
)

// bind gives what a cursor is bound to: the scope and the query it was handed
// out for. A cursor is of no use to another viewer or for another question. The
// query has been through normalise.
func bind(scope outbound.Scope, q outbound.Query) []byte {
	grants := scope.Grants()
	slices.SortFunc(grants, func(a, b outbound.Grant) int {
		if a.Instance.UID != b.Instance.UID {
			return sign(int64(a.Instance.UID) - int64(b.Instance.UID))
		}
		return sign(a.Instance.Begin - b.Instance.Begin)
	})
	uid, instance := "", ""
	if q.UID != nil {
		uid = fmt.Sprint(*q.UID)
	}
	if q.Instance != nil {
		instance = fmt.Sprint(*q.Instance)
	}
	return fmt.Appendf(nil, "%v %v|%v|%v|%q|%s|%s|%d|%d|%q|%d|%d|%v", scope.All(), grants, q.Dst, q.Src, q.Account, instance, uid,
		q.DstPort, q.SrcPort, q.Rule, q.Since.UnixMicro(), q.Until.UnixMicro(), q.OldestFirst)
}

func (s *Store) mac(purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(purpose))
	for _, p := range parts {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(p))))
		h.Write(p)
	}
	return h.Sum(nil)
}

// seal makes a cursor of at most 32 bytes. They are encrypted, for they tell
// how many events of others lie in between. The pad comes from the tag, and
// the tag from the content: no two contents share a pad.
func (s *Store) seal(purpose string, plain, binding []byte) string {
	tag := s.mac(purpose, plain, binding)[:tagSize]
	return base64.RawURLEncoding.EncodeToString(append(s.pad(purpose, tag, plain), tag...))
}

// unseal gives the size bytes that seal made the cursor of.
func (s *Store) unseal(purpose, text string, size int, binding []byte) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != size+tagSize {
		return nil, errCursor(text)
	}
	plain := s.pad(purpose, b[size:], b[:size])
	if !hmac.Equal(b[size:], s.mac(purpose, plain, binding)[:tagSize]) {
		return nil, errCursor(text)
	}
	return plain, nil
}

func (s *Store) pad(purpose string, tag, data []byte) []byte {
	out := s.mac(purpose+" pad", tag)[:len(data)]
	for i := range out {
		out[i] ^= data[i]
	}
	return out
}

func (s *Store) writeMark(m mark, binding []byte) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(m.begin))
	b = binary.BigEndian.AppendUint64(b, uint64(m.micros))
	return s.seal("page", append(append(b, be32(m.block)...), be32(m.row)...), binding)
}

func (s *Store) readMark(text string, binding []byte) (mark, error) {
	b, err := s.unseal("page", text, markSize, binding)
	if err != nil {
		return mark{}, err
	}
	return mark{
		begin: int64(binary.BigEndian.Uint64(b)),
		ref:   ref{int64(binary.BigEndian.Uint64(b[8:])), binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])},
	}, nil
}

func errCursor(text string) error {
	if len(text) > 80 {
		text = text[:80] + "..."
	}
	return &outbound.Error{
		Code: outbound.Invalid, Message: fmt.Sprintf("cursor %q does not belong to this search", text),
		Hint: "begin again without it",
	}
}

// eventID names an event by its content.
func (s *Store) eventID(e *outbound.Event) outbound.ID {
	head := binary.LittleEndian.AppendUint64(nil, uint64(e.Time.UnixMicro()))
	head = binary.LittleEndian.AppendUint32(head, e.Twin)
	return outbound.ID(s.mac("event", head, e.Line))
}
