package transcode

// A Splitter finds where one JSON value ends in a stream of bytes that comes in chunks of any
// size, reading each byte once and keeping none. It counts brackets and knows strings and
// comments; whether the value is valid is left to the [Decoder].
//
// An object or array ends at its closing bracket, a string at its closing quote, and any other
// scalar at the delimiter after it, which it does not take. A line break inside a string,
// which is never allowed, and a byte that can begin no value end the value at once, so that a
// mistake is reported without waiting for more input.
//
// The zero value is ready and strict. A Splitter must not be used concurrently.
type Splitter struct {
	// Lenient also knows the spellings of a lenient decoder: comments, single quotes,
	// unquoted words, and a byte order mark before the first value. It must not change
	// inside a value.
	Lenient bool

	state splitState
	after splitState // where a comment returns to
	quote byte
	depth int
	mark  int // bytes of a byte order mark at the stream's start; 3: past that
}

// byteOrderMark is what some systems put before all text.
const byteOrderMark = "\ufeff"

type splitState uint8

const (
	splitBefore       splitState = iota // no byte of a value yet
	splitInside                         // in an object or array, between tokens
	splitWord                           // in a top-level scalar that is not quoted
	splitString                         // in a string
	splitEscape                         // after the backslash in a string
	splitSlash                          // after a slash that may begin a comment
	splitLineComment                    // up to the line's end
	splitBlockComment                   // up to the star and slash
	splitBlockStar                      // after a star in a block comment
)

// Feed reads the next bytes of the stream. It returns how many of them it took, and whether
// the last of those ended a value. When done is false it took all of them; when done is true,
// p[n:] belongs to what follows, and the splitter is ready for the next value. White space and
// comments before a value are taken with it.
func (s *Splitter) Feed(p []byte) (n int, done bool) {
	for i := 0; i < len(p); i++ {
		if i += s.run(p[i:]); i == len(p) {
			break
		}
		took, end := s.step(p[i])
		if !took {
			i--
		}
		if end {
			s.state, s.depth = splitBefore, 0
			return i + 1, true
		}
	}
	return len(p), false
}

// What a byte may change: the state inside a string, or the state between the tokens of an
// object or array.
const (
	mattersInString = 1 << iota
	mattersBetween
)

// matters has for each byte whether it may change the state. All others, which are most of a
// document, are skipped in a run.
var matters = [256]uint8{
	'"': mattersInString | mattersBetween, '\'': mattersInString | mattersBetween,
	'\\': mattersInString, '\n': mattersInString, '\r': mattersInString,
	'{': mattersBetween, '}': mattersBetween, '[': mattersBetween, ']': mattersBetween, '/': mattersBetween,
}

// run returns how many of the next bytes change nothing.
func (s *Splitter) run(p []byte) int {
	var mask uint8
	switch s.state {
	case splitString:
		mask = mattersInString
	case splitInside:
		mask = mattersBetween
	default:
		return 0
	}
	for i, c := range p {
		if matters[c]&mask != 0 {
			return i
		}
	}
	return len(p)
}

// Pending reports whether a value or a comment has begun and not ended. When it is false
// the bytes taken since the last value are white space and whole comments, and can be
// dropped. When it is true at the end of the stream, the bytes taken since the last value
// are one value to decode: a scalar that nothing followed, or one that was cut off.
func (s *Splitter) Pending() bool {
	if s.mark > 0 && s.mark < len(byteOrderMark) {
		return true
	}
	return s.state != splitBefore && !(s.state == splitLineComment && s.after == splitBefore)
}

// step takes one byte; took is false when the byte belongs to what follows.
func (s *Splitter) step(c byte) (took, end bool) {
	if s.mark < len(byteOrderMark) && s.marks(c) {
		return true, false
	}
	switch s.state {
	case splitString:
		switch c {
		case s.quote:
			return true, s.closed()
		case '\\':
			s.state = splitEscape
		case '\n', '\r':
			return true, true
		}
		return true, false
	case splitEscape:
		s.state = splitString
		return true, c == '\n' || c == '\r'
	case splitSlash:
		return s.slash(c)
	case splitLineComment:
		if c == '\n' {
			s.state = s.after
		}
		return true, false
	case splitBlockComment:
		if c == '*' {
			s.state = splitBlockStar
		}
		return true, false
	case splitBlockStar:
		switch c {
		case '/':
			s.state = s.after
		case '*':
		default:
			s.state = splitBlockComment
		}
		return true, false
	case splitWord:
		if s.endsWord(c) {
			return false, true
		}
		return true, false
	}
	return true, s.between(c)
}

// marks takes a byte of a byte order mark at the stream's start, and reports whether it is one.
func (s *Splitter) marks(c byte) bool {
	if s.Lenient && c == byteOrderMark[s.mark] {
		s.mark++
		return true
	}
	if s.mark > 0 {
		s.state = splitWord
	}
	s.mark = len(byteOrderMark)
	return false
}

// slash takes the byte after a slash.
func (s *Splitter) slash(c byte) (took, end bool) {
	switch c {
	case '/':
		s.state = splitLineComment
		return true, false
	case '*':
		s.state = splitBlockComment
		return true, false
	}
	// It is not a comment: the slash is a stray byte, which the decoder will report.
	s.state = s.after
	return false, s.state == splitBefore
}

// between takes a byte that stands between tokens.
func (s *Splitter) between(c byte) (end bool) {
	switch c {
	case ' ', '\t', '\n', '\r':
		return false
	case '{', '[':
		s.depth++
		s.state = splitInside
		return false
	case '}', ']':
		s.depth--
		return s.depth <= 0
	case '"':
		s.quote, s.state = c, splitString
		return false
	case '\'':
		if s.Lenient {
			s.quote, s.state = c, splitString
			return false
		}
	case '/':
		if s.Lenient {
			s.after, s.state = s.state, splitSlash
			return false
		}
	}
	if s.state == splitBefore {
		if c == ',' || c == ':' {
			return true
		}
		s.state = splitWord
	}
	return false
}

// closed leaves a string and reports whether it was the whole value.
func (s *Splitter) closed() bool {
	s.state = splitInside
	return s.depth == 0
}

// endsWord reports whether c cannot be part of a scalar that is not quoted.
func (s *Splitter) endsWord(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ',', '{', '}', '[', ']', '"':
		return true
	case '\'', '/':
		return s.Lenient
	case ':':
		return !s.Lenient // as in a time of day
	}
	return false
}
