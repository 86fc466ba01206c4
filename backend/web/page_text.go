package web

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pageHidden reports whether a character is one that a browser would not show
// or would use to reorder its neighbours: controls, bidi marks, zero widths,
// tags, and line separators.
func pageHidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) ||
		r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF || r == 0x115F || r == 0x1160 || r == 0x3164
}

// pageVisible gives text with every hidden character, and every byte that is
// not UTF-8, written out: a line in a log is hostile, and what is shown must
// be what is there.
func pageVisible(s string) string { return string(pageReveal([]byte(s), "")) }

// pageSweep does the same to a finished page, whose own line ends stay.
func pageSweep(html []byte) []byte { return pageReveal(html, "\n\t") }

func pageReveal(s []byte, leave string) []byte {
	var b bytes.Buffer
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRune(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, "⟨byte %02X⟩", s[i])
		case pageHidden(r) && !strings.ContainsRune(leave, r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.Write(s[i : i+n])
		}
		i += n
	}
	return b.Bytes()
}

// pageNumber gives n with thousands separators.
func pageNumber(n int) string {
	s := strconv.Itoa(n)
	from := 0
	if n < 0 {
		from = 1
	}
	for i := len(s) - 3; i > from; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// pageCount gives a number with its unit.
func pageCount(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return pageNumber(n) + " " + many
}

// pagePlain is what a shell takes as it stands.
var pagePlain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// pageQuote gives s as one word of a POSIX shell.
func pageQuote(s string) string {
	if pagePlain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
