package secret

import (
	"strings"
	"unicode/utf8"
)

// longToken is the length from which a secret is recognised in other case and by its first half, in
// bytes: a server may name the token that it refuses by its beginning. A shorter secret could be any
// word.
const longToken = 16

// maskAltered masks secrets that come back in another form than they were sent in: with bytes as
// %XX (RFC 3986, section 2.1), in other case, or cut after half of them or more.
func (s *Seen) maskAltered(text string) string {
	if len(s.values) == 0 {
		return text
	}
	plain, index := unpercent(text)
	folded := foldASCII(plain)
	var spans [][2]int
	for _, v := range s.values {
		searched, least := plain, len(v)
		if len(v) >= longToken {
			if half := (len(v) + 1) / 2; isRandom(v[:half]) {
				least = half
			}
			searched, v = folded, foldASCII(v)
		}
		for from := 0; ; {
			i := strings.Index(searched[from:], v[:least])
			if i < 0 {
				break
			}
			from += i
			end := from + least
			for end < len(searched) && end-from < len(v) && searched[end] == v[end-from] {
				end++
			}
			spans = append(spans, [2]int{index(from), index(end)})
			from = end
		}
	}
	return cover(text, spans)
}

// isRandom reports whether a text does not look like words: it has digits or letters of both cases,
// and neither spaces nor what separates a user and a password.
func isRandom(text string) bool {
	var digits, small, capital int
	for _, c := range []byte(text) {
		switch {
		case strings.IndexByte(" :%", c) >= 0:
			return false
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z':
			small++
		case c >= 'A' && c <= 'Z':
			capital++
		}
	}
	return digits > 1 || small > 1 && capital > 1
}

// cover replaces spans of a text, which may overlap, by Mask.
func cover(text string, spans [][2]int) string {
	if len(spans) == 0 {
		return text
	}
	hidden := make([]bool, len(text))
	for _, span := range spans {
		for span[0] > 0 && !utf8.RuneStart(text[span[0]]) {
			span[0]--
		}
		for span[1] < len(text) && !utf8.RuneStart(text[span[1]]) {
			span[1]++
		}
		for i := span[0]; i < span[1]; i++ {
			hidden[i] = true
		}
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString(Mask)
		}
	}
	return b.String()
}

// unpercent decodes the %XX in a text. Index returns where in the text a byte of the result comes
// from.
func unpercent(text string) (plain string, index func(int) int) {
	if !strings.Contains(text, "%") {
		return text, func(i int) int { return i }
	}
	decoded := make([]byte, 0, len(text))
	places := make([]int, 0, len(text)+1)
	for i := 0; i < len(text); i++ {
		places = append(places, i)
		if text[i] == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			decoded = append(decoded, hexValue(text[i+1])<<4|hexValue(text[i+2]))
			i += 2
			continue
		}
		decoded = append(decoded, text[i])
	}
	places = append(places, len(text))
	return string(decoded), func(i int) int { return places[i] }
}

// isHex reports whether c is a hexadecimal digit.
func isHex(c byte) bool { return hexValue(c) < 16 }

// hexValue returns the value of a hexadecimal digit; 16 for other bytes.
func hexValue(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// foldASCII returns a text with its ASCII letters in lower case, byte for byte.
func foldASCII(text string) string {
	fold := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	for i := range len(text) {
		if !fold(text[i]) {
			continue
		}
		b := []byte(text)
		for ; i < len(b); i++ {
			if fold(b[i]) {
				b[i] += 'a' - 'A'
			}
		}
		return string(b)
	}
	return text
}
