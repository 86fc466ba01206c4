package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// visible gives text in one line that a terminal shows as it is: characters
// that move the cursor, change the direction of writing, join onto others or
// show nothing are written as escapes. All that is printed passes here: names,
// log lines, host names and error texts come from people with bad intent.
func visible(text string) string {
	plain := true
	for _, r := range text {
		if !harmless(r) {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		b.WriteString(escaped(r, text[:n]))
		text = text[n:]
	}
	return b.String()
}

// harmless reports whether a terminal shows r as one mark and does nothing
// else. [unicode.IsPrint] leaves out all controls (C0, DEL, C1), all format
// characters (bidirectional marks, zero-width ones, tags) and all blanks but
// the ASCII space; it admits marks that pile up on the letter before.
func harmless(r rune) bool {
	return r != utf8.RuneError && unicode.IsPrint(r) && !unicode.IsMark(r)
}

// escaped gives the character r, which stands as raw in the text, as it is
// shown.
func escaped(r rune, raw string) string {
	switch {
	case harmless(r):
		return raw
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// keepLines makes text visible but for its line ends and tabs: help, and what
// shells complete from. Each write must hold whole characters.
type keepLines struct{ w io.Writer }

func (k keepLines) Write(p []byte) (int, error) {
	if err := copyBut(k.w, bytes.NewReader(p), "\n\t"); err != nil {
		return 0, err
	}
	return len(p), nil
}

// copyLines copies text of any length: line ends kept, all else visible.
func copyLines(w io.Writer, r io.Reader) error { return copyBut(w, r, "\n") }

// copyBut copies text with all visible but the characters in kept.
func copyBut(w io.Writer, r io.Reader, kept string) error {
	return copyRunes(w, r, func(r rune, raw string) string {
		if strings.ContainsRune(kept, r) {
			return raw
		}
		return escaped(r, raw)
	})
}

// copyJSON copies JSON with harmful characters written as JSON escapes: the
// same document, harmless on a terminal. Outside of strings JSON has none but
// blanks and line ends.
func copyJSON(w io.Writer, r io.Reader) error {
	return copyRunes(w, r, func(r rune, raw string) string {
		switch {
		case r == '\n' || r == '\t' || harmless(r):
			return raw
		case r >= 0x10000:
			hi, lo := utf16.EncodeRune(r)
			return fmt.Sprintf(`\u%04x\u%04x`, hi, lo)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})
}

func copyRunes(w io.Writer, r io.Reader, show func(r rune, raw string) string) error {
	in := bufio.NewReader(r)
	for {
		c, n, err := in.ReadRune()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		raw := string(c)
		if c == utf8.RuneError && n == 1 {
			if err := in.UnreadRune(); err != nil {
				return err
			}
			b, err := in.ReadByte()
			if err != nil {
				return err
			}
			raw = string([]byte{b})
		}
		if _, err := io.WriteString(w, show(c, raw)); err != nil {
			return err
		}
	}
}

// line prints one line. Everything in it passes visible.
func (a *app) line(format string, args ...any) {
	_, _ = a.out.WriteString(visible(fmt.Sprintf(format, args...)) + "\n")
}

// Colours of the word that leads an answer.
const (
	good    = "32"
	careful = "33"
	bad     = "31"
)

// headline prints a word in colour, and what it is about. Without a terminal,
// or with NO_COLOR set, it is an ordinary line.
//
// Source of NO_COLOR: no-color.org, "when present and not an empty string".
func (a *app) headline(colour, word, format string, args ...any) {
	word, rest := visible(word), visible(fmt.Sprintf(format, args...))
	if a.env.IsTerminal(a.env.Stdout) && a.env.Getenv("NO_COLOR") == "" && a.env.Getenv("TERM") != "dumb" {
		word = "\x1b[1;" + colour + "m" + word + "\x1b[0m"
	}
	_, _ = a.out.WriteString(strings.TrimRight(word+"  "+rest, " ") + "\n")
}
