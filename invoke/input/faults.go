package input

import (
	"bytes"
	"errors"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// jsonFaults are the faults of a decoder's error.
func jsonFaults(err error) []Fault {
	var te *transcode.Error
	if !errors.As(err, &te) {
		return []Fault{{Problem: err.Error()}}
	}
	faults := make([]Fault, 0, len(te.Faults))
	for i := range te.Faults {
		t := &te.Faults[i]
		faults = append(faults, Fault{
			Place: Place{Offset: int64(t.Offset), Length: t.Length},
			Path:  t.Path, Problem: t.Problem, Suggestion: t.Suggestion, Incomplete: t.Incomplete,
		})
	}
	return faults
}

// offsetOf returns where a line and a column in runes, both 1-based, are in doc.
func offsetOf(doc []byte, line, column int) int {
	off := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(doc[off:], '\n')
		if i < 0 {
			return len(doc)
		}
		off += i + 1
	}
	for i := range string(doc[off:]) {
		if column--; column == 0 {
			return off + i
		}
	}
	return len(doc)
}

// tokenLength returns how many bytes the word or the quoted text at the start of b has.
func tokenLength(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	if q := b[0]; q == '"' || q == '\'' {
		return quotedLength(b)
	}
	n := 0
	for n < len(b) && tokenByte(b[n]) {
		n++
	}
	return max(n, 1)
}

// quotedLength returns how many bytes the text has that the quote at the start of b begins: 1 when it
// does not end in its line.
func quotedLength(b []byte) int {
	for i := 1; i < len(b) && b[i] != '\n'; i++ {
		switch b[i] {
		case '\\':
			i++
		case b[0]:
			return i + 1
		}
	}
	return 1
}

// tokenByte reports whether a byte is part of a word: of a number, a name, or text beyond ASCII.
func tokenByte(c byte) bool {
	switch c {
	case '_', '.', '-', '+':
		return true
	}
	return c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// typedPlace is where length bytes at an offset are in what was typed.
func typedPlace(part int, text string, at, length int) Place {
	p := feedOf([]byte(text)).place(at, length, len(text))
	p.Part = part
	return p
}
