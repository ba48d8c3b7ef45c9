package protosource

import (
	"strings"

	"github.com/rpcctl/rpcctl/internal/palette"
)

// Paint colours proto source: comments, strings, numbers, keywords and the
// names of types. A nil palette leaves it as it is.
func Paint(s string, colors *palette.Palette) string {
	if colors == nil {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		n, role := token(s[i:])
		b.WriteString(colors.Paint(role, s[i:i+n]))
		i += n
	}
	return b.String()
}

// token returns the length of the token at the beginning of s, and its role.
func token(s string) (n int, role palette.Role) {
	c := s[0]
	switch {
	case strings.HasPrefix(s, "//"):
		if n = strings.IndexByte(s, '\n'); n < 0 {
			n = len(s)
		}
		return n, palette.Comment
	case c == '"' || c == '\'':
		return quotedLength(s), palette.String
	case wordByte(c) || c == '.' && len(s) > 1 && wordByte(s[1]):
		for n < len(s) && (wordByte(s[n]) || s[n] == '.') {
			n++
		}
		return n, wordRole(s[:n])
	}
	return 1, palette.Plain
}

// quotedLength returns the length of the string literal at the beginning of s.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// wordRole returns the role of a word: a keyword, a number, or what is written like the name of
// a type, in mixed case with a capital first.
func wordRole(word string) palette.Role {
	if word[0] >= '0' && word[0] <= '9' {
		return palette.Number
	}
	switch word {
	case "syntax", "edition", "package", "import", "public", "weak", "option", "message", "enum", "service", "rpc",
		"returns", "stream",
		"oneof", "map", "group", "extend", "extensions", "reserved", "to", "max", "optional", "required", "repeated",
		"true", "false":
		return palette.Word
	case "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
		"sfixed64",
		"bool", "string", "bytes":
		return palette.Type
	}
	last := word[strings.LastIndexByte(word, '.')+1:]
	if last != "" && last[0] >= 'A' && last[0] <= 'Z' && (len(last) == 1 || strings.ToUpper(last) != last) {
		return palette.Type
	}
	return palette.Plain
}
