package repl

import (
	"fmt"
	"strings"
)

// pasteLimit is the length of a paste, in bytes, beyond which a placeholder stands for it:
// go-prompt reads the whole text many times for each key.
const pasteLimit = 8 << 10

// pastes are the long pastes of the text that is being edited.
type pastes []paste

// A paste is a text that is kept aside, and the placeholder that stands for it.
type paste struct{ mark, text string }

// fold returns the text to insert for a paste: itself, or the placeholder of a long one. It does
// not end in a line feed, so that nothing runs before a person presses Enter.
func (p *pastes) fold(text string) string {
	text = strings.TrimRight(text, "\n")
	if len(text) <= pasteLimit {
		return text
	}
	mark := fmt.Sprintf(pasteMark+"%d: %s, %d lines]", len(*p)+1, sizeOf(len(text)), strings.Count(text, "\n")+1)
	*p = append(*p, paste{mark, text})
	return mark
}

// expanded returns a text with pastes in place of their placeholders.
func (p pastes) expanded(text string) string {
	for _, one := range p {
		text = strings.Replace(text, one.mark, one.text, 1)
	}
	return text
}

// folded returns a text with placeholders in place of pastes.
func (p pastes) folded(text string) string {
	for _, one := range p {
		text = strings.Replace(text, one.text, one.mark, 1)
	}
	return text
}

// atoms returns what the cursor moves over as one character in a text: placeholders and holes.
func (p pastes) atoms(text string) []string {
	var atoms []string
	for _, one := range p {
		atoms = append(atoms, one.mark)
	}
	for _, h := range Holes(text) {
		atoms = append(atoms, text[h.Start:h.End])
	}
	return atoms
}

func sizeOf(n int) string {
	if n < 10<<20 {
		return fmt.Sprintf("%d KB", (n+1023)>>10)
	}
	return fmt.Sprintf("%d MB", n>>20)
}
