package transcode

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fault notes that the text from start to end is faulty. One place is noted once.
func (s *lexer) fault(start, end int, problem, suggestion string) {
	s.note(Fault{Offset: start, Length: end - start, Problem: problem, Suggestion: suggestion})
}

// maxNoted is how many faults are kept, of which the first maxFaults are reported: some are
// noted late, on the way to a place where reading can stop.
const maxNoted = 4 * maxFaults

func (s *lexer) note(f Fault) {
	if len(s.faults) >= maxNoted && !f.Incomplete {
		return
	}
	for i := range s.faults {
		if s.faults[i].Offset == f.Offset {
			return
		}
	}
	f.Path = s.pathText()
	s.faults = append(s.faults, f)
}

// faulty notes a fault and goes on, unless there are enough faults to report.
func (s *lexer) faulty(at span, problem, suggestion string) outcome {
	s.fault(at.start, at.end, problem, suggestion)
	if len(s.faults) >= maxFaults {
		return stop
	}
	return nothing
}

// incomplete notes that the document ends too early.
func (s *lexer) incomplete(problem string) {
	s.note(Fault{Offset: len(s.in), Problem: problem, Incomplete: true})
}

// err returns the faults that were noted, or nil.
func (s *lexer) err() error {
	if len(s.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(s.faults, func(a, b Fault) int { return a.Offset - b.Offset })
	for i := range s.faults {
		f := &s.faults[i]
		before := s.in[:f.Offset]
		f.Line = 1 + bytes.Count(before, []byte{'\n'})
		f.Column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	}
	return &Error{Faults: s.faults[:min(len(s.faults), maxFaults)]}
}

// pathText returns the path to where the decoder is.
func (s *lexer) pathText() string {
	var b strings.Builder
	steps := s.path
	if len(steps) > maxPath {
		b.WriteString("…")
		steps = steps[len(steps)-maxPath:]
	}
	for _, p := range steps {
		switch {
		case p.f != nil:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(p.f.name)
		case p.key.end > p.key.start:
			text := s.in[p.key.start:p.key.end]
			b.WriteByte('[')
			if text[0] == '"' || text[0] == '\'' {
				b.WriteString(excerpt(text))
			} else {
				b.WriteString(`"` + excerpt(text) + `"`)
			}
			b.WriteByte(']')
		default:
			b.WriteString("[" + strconv.Itoa(p.index) + "]")
		}
	}
	return b.String()
}

// excerpt returns text from the document as a problem quotes it: not too long, and without
// characters that do not show or that turn others around.
func excerpt(text []byte) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if i >= maxQuoted {
			b.WriteString("…")
			break
		}
		r, n := utf8.DecodeRune(text[i:])
		i += n
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i-1])
		case Hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quote is excerpt in double quotes.
func quote(text []byte) string { return `"` + excerpt(text) + `"` }
