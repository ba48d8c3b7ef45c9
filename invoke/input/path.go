package input

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxSteps bounds how deep a path goes, and so how deep a word nests a message.
const maxSteps = 100

// A step is one piece of the path of a word.
type step struct {
	kind       stepKind
	name       string // of a field or an extension, or what is between the brackets
	start, end int    // the range in the word, with its dot or brackets
}

type stepKind uint8

const (
	stepField   stepKind = iota // name, or .name
	stepExt                     // [pkg.ext] where a field could be
	stepType                    // @type
	stepBracket                 // [key], [3], [+], []
	stepQuoted                  // ["key"]
)

// A pathError is a place where a path is not well formed.
type pathError struct {
	offset, length int
	problem        string
}

// scanPath reads the path at the start of a word and returns its steps and where it ends.
func scanPath(s string) (steps []step, end int, bad *pathError) {
	i := 0
	for len(steps) <= maxSteps {
		var st step
		var n int
		first := len(steps) == 0
		switch {
		case first || i < len(s) && s[i] == '.':
			from := i
			if !first {
				i++
			}
			st, n, bad = scanName(s, i)
			st.start = from
		case i < len(s) && s[i] == '[':
			st, n, bad = scanBracket(s, i)
		default:
			return steps, i, nil
		}
		if bad != nil {
			return steps, i, bad
		}
		i = n
		st.end = i
		steps = append(steps, st)
	}
	return steps, i, &pathError{0, i, fmt.Sprintf("a path of more than %d steps is too deep", maxSteps)}
}

// scanName reads a name, "@type", or an extension in brackets.
func scanName(s string, i int) (step, int, *pathError) {
	if strings.HasPrefix(s[i:], "@type") {
		return step{kind: stepType, name: "@type"}, i + len("@type"), nil
	}
	if i < len(s) && s[i] == '[' {
		n := strings.IndexByte(s[i:], ']')
		if n < 0 {
			return step{}, i, &pathError{i, 1, "[ without ]"}
		}
		name := s[i+1 : i+n]
		if !protoreflect.FullName(name).IsValid() {
			return step{}, i, &pathError{i, n + 1, fmt.Sprintf("[%s] is not the full name of an extension", name)}
		}
		return step{kind: stepExt, name: name}, i + n + 1, nil
	}
	n := i
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !inName(r) || r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	if n == i {
		return step{}, i, &pathError{i, min(1, len(s)-i), "the name of a field is missing"}
	}
	return step{kind: stepField, name: s[i:n]}, n, nil
}

// inName reports whether a rune can be part of a name that is not quoted. It is more than
// a field name has, since a Struct has any keys.
func inName(r rune) bool {
	return r == '_' || r == '-' || r == '/' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) ||
		unicode.Is(unicode.Mn, r)
}

// scanBracket reads what follows a list, a map or a free path in brackets.
func scanBracket(s string, i int) (step, int, *pathError) {
	rest := s[i+1:]
	if strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "'") {
		quoted, key, ok := scanQuoted(rest)
		if !ok {
			return step{}, i, &pathError{
				i + 1, len(rest),
				"the key in quotes has no end, or an escape that JSON does not have",
			}
		}
		n := i + 1 + len(quoted)
		if n >= len(s) || s[n] != ']' {
			return step{}, i, &pathError{i, n - i, "[ without ]"}
		}
		return step{kind: stepQuoted, name: key, start: i}, n + 1, nil
	}
	n := strings.IndexAny(rest, "[]")
	if n < 0 {
		return step{}, i, &pathError{i, 1, "[ without ]"}
	}
	if rest[n] == '[' {
		return step{}, i, &pathError{i + 1 + n, 1, `a key with a bracket in it needs quotes, as in labels["a[0]"]`}
	}
	return step{kind: stepBracket, name: rest[:n], start: i}, i + 1 + n + 1, nil
}

// scanQuoted reads a key in quotes. Between double quotes escapes are as in JSON and Go,
// between single ones everything stands for itself.
func scanQuoted(s string) (quoted, key string, ok bool) {
	if s[0] == '\'' {
		n := strings.IndexByte(s[1:], '\'')
		if n < 0 {
			return "", "", false
		}
		return s[:n+2], s[1 : n+1], true
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", false
	}
	key, err = strconv.Unquote(quoted)
	return quoted, key, err == nil && utf8.ValidString(key)
}

// splitWord finds the path and the value of a word. ok is false when the text is no word.
func splitWord(s string) (steps []step, value int, isJSON, ok bool) {
	steps, end, bad := scanPath(s)
	switch {
	case bad != nil:
		return nil, 0, false, false
	case strings.HasPrefix(s[end:], "="):
		return steps, end + 1, false, true
	case strings.HasPrefix(s[end:], ":="):
		return steps, end + 2, true, true
	}
	return nil, 0, false, false
}
