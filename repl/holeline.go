package repl

import "strings"

// hole returns the hole under the cursor.
func (l Line) hole() (at Span, ok bool) {
	for _, h := range Holes(l.Text) {
		if h.Start <= l.Cursor && l.Cursor < h.End {
			return h, true
		}
	}
	return Span{}, false
}

// nextHole moves the cursor to the next hole, or to the previous one, and goes on at the other
// end of the text. It returns false when the text has no hole.
func (l Line) nextHole(forward bool) (moved Line, ok bool) {
	holes := Holes(l.Text)
	if len(holes) == 0 {
		return l, false
	}
	first, last := holes[0].Start, holes[len(holes)-1].Start
	to := first
	if !forward {
		to = last
	}
	for _, h := range holes {
		if forward && h.Start > l.Cursor {
			to = h.Start
			break
		}
		if !forward && h.Start < l.Cursor {
			to = h.Start
		}
	}
	if !forward && first >= l.Cursor {
		to = last
	}
	return Line{l.Text, to}, true
}

// holeFrom moves the cursor to the first hole that begins at a byte or after it.
func (l Line) holeFrom(from int) Line {
	for _, h := range Holes(l.Text) {
		if h.Start >= from {
			return Line{l.Text, h.Start}
		}
	}
	return l
}

// holeRow moves the cursor a row up or down, and to the first hole of that row. It returns false
// when there is no such row.
func (l Line) holeRow(up bool) (moved Line, ok bool) {
	if up {
		moved, ok = l.up()
	} else {
		moved, ok = l.down()
	}
	if !ok {
		return l, false
	}
	for _, h := range Holes(moved.Text) {
		if h.Start >= moved.rowStart() && h.End <= moved.rowEnd() {
			moved.Cursor = h.Start
			break
		}
	}
	return moved, true
}

// another makes room for one more element behind a hole that is about to be filled in and is
// the last of a list or map. For a list it returns the text that must follow what replaces the
// hole. Into a map, when the hole is a key, it puts one more entry.
func (l Line) another(at Span) (with Line, more string) {
	hole, rest := l.Text[at.Start:at.End], strings.TrimLeft(l.Text[at.End:], " \n")
	before := strings.TrimRight(l.Text[:at.Start], " \n")
	switch {
	case strings.HasPrefix(rest, "]") && (strings.HasSuffix(before, "[") || strings.HasSuffix(before, ",")):
		return l, ", " + hole
	case strings.HasPrefix(rest, ": "):
		n := len(l.Text) - len(rest) + 2
		end := holeEnd(l.Text+" ", n)
		if end > 0 && strings.HasPrefix(l.Text[end:], "}") {
			value := l.Text[n:end]
			l.Text = l.Text[:end] + ", " + hole + ": " + value + l.Text[end:]
		}
	}
	return l, ""
}

// dropEntry removes the field or element that a hole belongs to, and moves to the next hole.
func (l Line) dropEntry(at Span) Line {
	for _, h := range hollow(l.Text, false) {
		if h.start <= at.Start && at.End <= h.end {
			dropped, _ := l.Replace(h.start, h.end, "").nextHole(true)
			return dropped
		}
	}
	return l.Replace(at.Start, at.End, "")
}
