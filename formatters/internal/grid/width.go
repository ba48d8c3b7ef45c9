package grid

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width returns how many columns of a terminal a cleaned text takes.
func Width(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return i + uniseg.StringWidth(s[i:])
		}
	}
	return len(s) // without hidden characters, ASCII has a column for each byte
}

// cut shortens a cleaned text to at most n columns, with an ellipsis for what is missing.
func cut(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	room := n - 1 // for the ellipsis
	var b strings.Builder
	for rest, state := s, -1; rest != ""; {
		var character string
		var width int
		character, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if room -= width; room < 0 {
			break
		}
		b.WriteString(character)
	}
	return b.String() + "…"
}
