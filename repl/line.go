package repl

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// A Line is a text that is being edited, and the position of the cursor: a number of bytes,
// always between two characters. The text may have several lines.
type Line struct {
	Text   string
	Cursor int
}

// Before is the text before the cursor.
func (l Line) Before() string { return l.Text[:l.Cursor] }

// After is the text from the cursor on.
func (l Line) After() string { return l.Text[l.Cursor:] }

// Insert puts a text at the cursor, and the cursor behind it.
func (l Line) Insert(s string) Line { return l.Replace(l.Cursor, l.Cursor, s) }

// Replace puts a text in place of a range, with the cursor behind it.
func (l Line) Replace(from, to int, s string) Line {
	return Line{l.Text[:from] + s + l.Text[to:], from + len(s)}
}

// moveTo moves the cursor.
func (l Line) moveTo(i int) Line { return Line{l.Text, max(0, min(i, len(l.Text)))} }

// charBefore returns where the character before the cursor begins. A character is what is
// drawn as one, such as a letter with its accents, or an atom.
func (l Line) charBefore(atoms []string) int {
	before := l.Before()
	for _, a := range atoms {
		if strings.HasSuffix(before, a) {
			return l.Cursor - len(a)
		}
	}
	// The beginning of a character can only be found from the beginning of an earlier one.
	start := strings.LastIndexAny(before[:max(0, len(before)-1)], "\n ") + 1
	last := start
	for rest, state := before[start:], -1; rest != ""; {
		var c string
		c, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		last = len(before) - len(rest) - len(c)
	}
	return last
}

// right is where the character after the cursor ends.
func (l Line) right(atoms []string) int {
	after := l.After()
	for _, a := range atoms {
		if strings.HasPrefix(after, a) {
			return l.Cursor + len(a)
		}
	}
	c, _, _, _ := uniseg.FirstGraphemeClusterInString(after, -1)
	return l.Cursor + len(c)
}

// wordLeft is where the word before the cursor begins, and wordRight where the one after it
// ends. Words are letters, digits and underscores.
func (l Line) wordLeft() int {
	trimmed := strings.TrimRightFunc(l.Before(), func(r rune) bool { return !inWord(r) })
	return len(strings.TrimRightFunc(trimmed, inWord))
}

func (l Line) wordRight() int {
	trimmed := strings.TrimLeftFunc(l.After(), func(r rune) bool { return !inWord(r) })
	return len(l.Text) - len(strings.TrimLeftFunc(trimmed, inWord))
}

func inWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// blankLeft returns where the text between blanks before the cursor begins.
func (l Line) blankLeft() int {
	return len(strings.TrimRightFunc(strings.TrimRightFunc(l.Before(), unicode.IsSpace),
		func(r rune) bool { return !unicode.IsSpace(r) }))
}

// rowStart and rowEnd are the bounds of the line of text that the cursor is in.
func (l Line) rowStart() int { return strings.LastIndexByte(l.Before(), '\n') + 1 }

func (l Line) rowEnd() int {
	if i := strings.IndexByte(l.After(), '\n'); i >= 0 {
		return l.Cursor + i
	}
	return len(l.Text)
}

// up moves the cursor to the line above, and down to the one below, in the same column if it
// is long enough. ok is false when there is no such line.
func (l Line) up() (moved Line, ok bool) {
	start := l.rowStart()
	if start == 0 {
		return l, false
	}
	above := l.moveTo(start - 1)
	return above.column(above.rowStart(), utf8.RuneCountInString(l.Text[start:l.Cursor])), true
}

func (l Line) down() (moved Line, ok bool) {
	end := l.rowEnd()
	if end == len(l.Text) {
		return l, false
	}
	return l.column(end+1, utf8.RuneCountInString(l.Text[l.rowStart():l.Cursor])), true
}

// column returns the line with the cursor at a column of the line that begins at start.
func (l Line) column(start, col int) Line {
	i := start
	for ; col > 0 && i < len(l.Text) && l.Text[i] != '\n'; col-- {
		i = l.moveTo(i).right(nil)
	}
	return l.moveTo(i)
}

// indent is the white space that the next line begins with: that of this one, and a step more
// after an opening bracket.
func (l Line) indent() string {
	row := l.Text[l.rowStart():l.Cursor]
	blank := row[:len(row)-len(strings.TrimLeft(row, " \t"))]
	if t := strings.TrimRight(row, " \t"); strings.HasSuffix(t, "{") || strings.HasSuffix(t, "[") {
		return blank + "  "
	}
	return blank
}

// deleteRight deletes the character after the cursor.
func (l Line) deleteRight(atoms []string) Line { return l.Replace(l.Cursor, l.right(atoms), "") }

// typed inserts a text that was typed. A closing bracket removes a step of indentation.
func (l Line) typed(s string) Line {
	if strings.HasPrefix(s, "}") || strings.HasPrefix(s, "]") {
		l = l.outdent()
	}
	return l.Insert(s)
}

// outdent removes a step of indentation, for a closing bracket on a line that has nothing else
// yet.
func (l Line) outdent() Line {
	row := l.Text[l.rowStart():l.Cursor]
	if l.rowStart() > 0 && strings.TrimSpace(row) == "" && strings.HasSuffix(row, "  ") {
		return l.Replace(l.Cursor-2, l.Cursor, "")
	}
	return l
}
