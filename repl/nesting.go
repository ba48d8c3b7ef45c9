package repl

// A nesting is how deep inside brackets of a document a text is, in JSON with comments and
// single quotes. It can read a document piece by piece.
type nesting struct {
	depth   int
	quote   byte // the quote of the open string; 0: none
	comment byte // / for a comment that ends with the line, * for one that ends with */; 0: none
	last    byte // the byte before, when the meaning of the next one depends on it
}

// read reads up to the bracket that closes the first one. It returns how many bytes it read,
// and whether it found the bracket.
func (n *nesting) read(text string) (length int, closed bool) {
	for i := 0; i < len(text); i++ {
		c, last := text[i], n.last
		n.last = 0
		switch {
		case n.comment != 0:
			n.inComment(c, last)
		case n.quote != 0:
			n.inQuotes(c, last)
		case last == '/' && (c == '/' || c == '*'):
			n.comment = c
		case c == '"' || c == '\'':
			n.quote = c
		case c == '{' || c == '[':
			n.depth++
		case c == '}' || c == ']':
			if n.depth--; n.depth == 0 {
				return i + 1, true
			}
		default:
			n.last = c
		}
	}
	return len(text), false
}

// inComment reads a byte of a comment.
func (n *nesting) inComment(c, last byte) {
	switch {
	case n.comment == '/' && c == '\n', n.comment == '*' && c == '/' && last == '*':
		n.comment = 0
	case n.comment == '*':
		n.last = c
	}
}

// inQuotes reads a byte of a string. A byte behind a backslash is literal.
func (n *nesting) inQuotes(c, last byte) {
	switch {
	case last == '\\':
	case c == n.quote:
		n.quote = 0
	default:
		n.last = c
	}
}

// missing is what the document lacks at its end.
func (n *nesting) missing() Missing {
	if n.quote != 0 {
		return Missing(n.quote)
	}
	return '{'
}
