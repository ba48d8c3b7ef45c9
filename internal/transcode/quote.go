package transcode

import (
	"encoding/binary"
	"unicode/utf8"
)

// isPlain reports whether c stands for itself inside a JSON string: printable ASCII but the
// quote and the backslash.
func isPlain(c byte) bool {
	return c >= ' ' && c != '"' && c != '\\' && c < 0x7f
}

// appendQuoted appends text as a JSON string.
func appendQuoted(out []byte, text string) []byte {
	out = append(out, '"')
	out, _ = appendText(out, []byte(text))
	return append(out, '"')
}

// appendText appends text as the inside of a JSON string. Control and direction
// characters are escaped, so that no text can move a terminal's cursor or turn what is
// around it. Bytes that are not UTF-8 become U+FFFD; bad is the place of the first of
// them, or -1.
func appendText(out, text []byte) (_ []byte, bad int) {
	bad = -1
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if isPlain(c) {
				i++
				for i+8 <= len(text) && allPlain(binary.LittleEndian.Uint64(text[i:])) {
					i += 8
				}
				continue
			}
			out = append(out, text[from:i]...)
			out = appendEscape(out, rune(c))
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			if bad < 0 {
				bad = i
			}
			out = append(out, text[from:i]...)
			out = append(out, "\uFFFD"...)
			i++
			from = i
			continue
		}
		if isHidden(r) {
			out = append(out, text[from:i]...)
			out = appendEscape(out, r)
			i += n
			from = i
			continue
		}
		i += n
	}
	return append(out, text[from:]...), bad
}

// allPlain reports whether all eight bytes of w are plain.
func allPlain(w uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	below := w - ones*' '           // a byte below the space borrows
	quote := (w ^ ones*'"') - ones  // zero borrows
	slash := (w ^ ones*'\\') - ones // zero borrows
	del := w + ones                 // 0x7f carries into the high bit
	return (w|below|quote|slash|del)&highs == 0
}

// Hidden reports whether a character could move the cursor, start a terminal command, or
// change the order in which text is shown: the control characters of ISO 6429 (C0, DEL,
// C1), the direction characters of Unicode (UAX #9), the line and paragraph separators, and
// the byte order mark.
func Hidden(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && isHidden(r) }

// isHidden reports whether a rune past ASCII is escaped: C1 controls, what sets the
// direction of text, the line and paragraph separators, and the byte order mark.
func isHidden(r rune) bool {
	switch {
	case r <= 0x9f:
		return r >= 0x80
	case r < 0x2000:
		return r == 0x061c
	case r <= 0x2069:
		return r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066
	}
	return r == 0xfeff
}

func appendEscape(out []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	switch r {
	case '"', '\\':
		return append(out, '\\', byte(r))
	case '\b':
		return append(out, '\\', 'b')
	case '\f':
		return append(out, '\\', 'f')
	case '\n':
		return append(out, '\\', 'n')
	case '\r':
		return append(out, '\\', 'r')
	case '\t':
		return append(out, '\\', 't')
	}
	return append(out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
