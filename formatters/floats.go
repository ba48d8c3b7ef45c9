package formatters

import "strings"

// respellFloats writes the infinities and NaN in printed source as the language has
// them: the printer writes those of defaults as Go does.
func respellFloats(source string) string {
	if !strings.Contains(source, "Inf") && !strings.Contains(source, "NaN") {
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
		default:
			b.WriteString(source[i : i+n])
		}
		i += n
	}
	return b.String()
}
