// Package width measures text in columns of a terminal.
package width

import "github.com/rivo/uniseg"

// Of returns how many columns of a terminal a cleaned text takes on one line.
func Of(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return i + uniseg.StringWidth(s[i:])
		}
	}
	return len(s) // without hidden characters, ASCII has a column for each byte
}

// Truncate shortens a cleaned text to at most columns, with an ellipsis for what is missing if
// there is room for it.
func Truncate(s string, columns int, ellipsis string) string {
	if Of(s) <= columns {
		return s
	}
	room := columns - Of(ellipsis)
	if room < 0 {
		room, ellipsis = columns, ""
	}
	end := 0
	for rest, state := s, -1; rest != ""; {
		var character string
		var width int
		character, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if room -= width; room < 0 {
			break
		}
		end += len(character)
	}
	return s[:end] + ellipsis
}
