package repl

// Brackets are the bracket at the cursor, or just before it, and its partner. There are none
// outside of documents, or where the partner is missing.
func Brackets(l Line) []Span {
	var open []int
	var before, at []Span
	walkDocuments(l.Text, func(i, _ int, kind byte) {
		switch kind {
		case '{', '[':
			open = append(open, i)
		case '}', ']':
			if len(open) == 0 {
				return
			}
			from := open[len(open)-1]
			open = open[:len(open)-1]
			pair := []Span{{Start: from, End: from + 1, Style: Marked}, {Start: i, End: i + 1, Style: Marked}}
			switch {
			case from == l.Cursor || i == l.Cursor:
				at = pair
			case from == l.Cursor-1 || i == l.Cursor-1:
				before = pair
			}
		}
	})
	if at != nil {
		return at
	}
	return before
}
