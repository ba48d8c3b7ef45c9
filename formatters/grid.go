package formatters

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

const (
	columnGap = "  "
	// minColumn is how narrow a column gets to make a table fit a terminal.
	minColumn = 4
)

// columnsOf returns how many columns of a terminal a cleaned text takes.
func columnsOf(s string) (n int) {
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens a text to at most n columns, with an ellipsis for what is missing.
func cut(s string, n int) string {
	if columnsOf(s) <= n {
		return s
	}
	used := 1 // of the ellipsis
	for i, r := range s {
		if used += runeColumns(r); used > n {
			return s[:i] + "…"
		}
	}
	return s
}

// fit narrows the widest columns until a table with such columns fits the
// terminal, or no column can be narrower.
func fit(widths []int, terminal int) {
	total := len(columnGap) * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for total > terminal {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= minColumn {
			return
		}
		widths[widest]--
		total--
	}
}

// appendRow appends a line of cells, each padded to its width, the last only when
// it is aligned to the right.
func appendRow(b []byte, cells []string, widths []int, right []bool, terminal bool) []byte {
	start := len(b)
	for i, cell := range cells {
		if i > 0 {
			b = append(b, columnGap...)
		}
		if terminal {
			cell = cut(cell, widths[i])
		}
		padding := strings.Repeat(" ", max(0, widths[i]-columnsOf(cell)))
		if right[i] {
			b = append(append(b, padding...), cell...)
		} else {
			b = append(append(b, cell...), padding...)
		}
	}
	for len(b) > start && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return append(b, '\n')
}
