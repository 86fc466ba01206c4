package web

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"outboundmonitor/backend/outbound"
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

// pageCount gives a number with its unit.
func pageCount(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return outbound.Thousands(n) + " " + many
}

// pageSentence makes a sentence of words that may lack a capital and a stop.
func pageSentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return pageCapital(s)
	}
	return pageCapital(s) + "."
}

// pageCapital begins a sentence. What begins with a name or a value in quotes
// is left as it is.
func pageCapital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
