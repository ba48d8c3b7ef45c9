package jsontext

// maxIndent is the depth past which lines are indented no further, so that small JSON that
// nests deep stays small.
const maxIndent = 100

// AppendBreak begins a line of an indented document, at a depth of brackets. With no indent the
// document has no lines.
func AppendBreak(dst []byte, indent string, depth int) []byte {
	if indent == "" {
		return dst
	}
	dst = append(dst, '\n')
	for range min(depth, maxIndent) {
		dst = append(dst, indent...)
	}
	return dst
}

// AppendIndented appends compact JSON with a line for each member and element, indented by two
// spaces.
func AppendIndented(dst, compact []byte) []byte {
	const indent = "  "
	depth := 0
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		switch c {
		case '"':
			n := ValueEnd(compact[i:])
			dst = append(dst, compact[i:i+n]...)
			i += n - 1
		case '{', '[':
			if end := compact[i+1]; end == '}' || end == ']' {
				dst = append(dst, c, end)
				i++
				break
			}
			depth++
			dst = AppendBreak(append(dst, c), indent, depth)
		case '}', ']':
			depth--
			dst = append(AppendBreak(dst, indent, depth), c)
		case ',':
			dst = AppendBreak(append(dst, c), indent, depth)
		case ':':
			dst = append(dst, ':', ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
