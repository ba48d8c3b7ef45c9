package protosource

import "strings"

// respell corrects what the printer writes in a way that the language does not have:
//   - the infinities and NaN of defaults, which it spells as Go does;
//   - the names of extensions in the message of an option, before which it puts a dot when it
//     makes all names absolute
//     (https://protobuf.dev/reference/protobuf/textformat-spec/#field-names).
func respell(source string) string {
	if !strings.Contains(source, "Inf") && !strings.Contains(source, "NaN") && !strings.Contains(source, "[.") {
		return source
	}
	var b strings.Builder
	for i := 0; i < len(source); {
		n, _ := token(source[i:])
		switch c := source[i]; {
		case strings.HasPrefix(source[i:], "/*"):
			if n = strings.Index(source[i:], "*/"); n < 0 {
				n = len(source) - i
			}
			b.WriteString(source[i : i+n])
		case c == '+' && strings.HasPrefix(source[i+1:], "Inf"):
			n = 4
			b.WriteString("inf")
		case c == '-' && strings.HasPrefix(source[i+1:], "Inf"):
			n = 4
			b.WriteString("-inf")
		case source[i:i+n] == "NaN" && strings.HasSuffix(source[:i], "default = "):
			b.WriteString("nan")
		case c == '[' && strings.HasPrefix(source[i+1:], "."):
			n = 2
			b.WriteByte('[')
		default:
			b.WriteString(source[i : i+n])
		}
		i += n
	}
	return b.String()
}
