package store

import (
	"crypto/aes"
	"crypto/cipher"
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
	markSize  = 24
	nonceSize = 12
)

// bind gives what a cursor is bound to: the scope and the query it was handed
// out for. A cursor is of no use to another viewer or for another question.
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
	return fmt.Appendf(nil, "%v %v|%v|%v|%q|%s|%s|%d|%d|%q|%d|%d|%v", scope.All(), grants, q.Dst.Masked(), q.Src.Masked(), q.Account, instance, uid,
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

// seal gives a cursor: plain, encrypted, for whoever asks with the same binding
// again. Where an event lies and how many were stored would tell a reseller
// what the others do. The nonce must differ for each plain of a purpose.
func (s *Store) seal(purpose string, plain, binding, nonce []byte) string {
	return base64.RawURLEncoding.EncodeToString(s.cipher(purpose).Seal(nonce[:nonceSize:nonceSize], nonce[:nonceSize], plain, binding))
}

// open gives what was sealed for this purpose and binding, if it was.
func (s *Store) open(purpose, text string, binding []byte) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < nonceSize {
		return nil, false
	}
	plain, err := s.cipher(purpose).Open(nil, b[:nonceSize], b[nonceSize:], binding)
	return plain, err == nil
}

// cipher gives AES-256-GCM with a key of the purpose's own.
func (s *Store) cipher(purpose string) cipher.AEAD {
	block, err := aes.NewCipher(s.mac(purpose + " cursor"))
	if err != nil {
		panic(err) // the key has the right size
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the right block size
	}
	return aead
}

// writeMark gives the same cursor for the same place, as pages are linked to.
func (s *Store) writeMark(m mark, binding []byte) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(m.begin))
	b = binary.BigEndian.AppendUint64(b, uint64(m.micros))
	b = append(append(b, be32(m.block)...), be32(m.row)...)
	return s.seal("page", b, binding, s.mac("page nonce", b, binding))
}

func (s *Store) readMark(text string, binding []byte) (mark, error) {
	b, ok := s.open("page", text, binding)
	if !ok || len(b) != markSize {
		return mark{}, errCursor(text)
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
