package formatters

import "strings"

// respell corrects printed source that does not mean, or does not say, what was meant:
//   - the printer writes the infinities and NaN of defaults as Go does;
//   - where it makes all names absolute, it puts a dot before those of extensions in a
//     message of an option, where the language has none
//     (https://protobuf.dev/reference/protobuf/textformat-spec/#field-names).
func respell(source string) string {
	if !strings.Contains(source, "Inf") && !strings.Contains(source, "NaN") && !strings.Contains(source, "[.") {
		return source
	}
	var b strings.Builder
	for i := 0; i < len(source); {
		n, _ := sourceToken(source[i:])
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
