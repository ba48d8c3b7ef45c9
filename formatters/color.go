package formatters

import "io"

// What is painted, and how: codes of the 16-colour palette that every terminal
// has and lets its owner choose (ISO 6429, SGR).
const (
	paintKey     = "\x1b[36m"
	paintString  = "\x1b[32m"
	paintNumber  = "\x1b[33m"
	paintWord    = "\x1b[35m" // true, false, null; keywords
	paintType    = "\x1b[36m"
	paintComment = "\x1b[90m"
	paintBad     = "\x1b[31m"
	paintStrong  = "\x1b[1m"
	paintOff     = "\x1b[0m"
)

// painted returns s in a colour when on is set.
func painted(s, paint string, on bool) string {
	if !on || s == "" {
		return s
	}
	return paint + s + paintOff
}

// A jsonPainter is a writer that colours the JSON that passes through it, in
// pieces of any size. The JSON must be well formed.
type jsonPainter struct {
	w   io.Writer
	out []byte

	inString bool
	escaped  bool   // the next byte belongs to an escape
	inScalar bool   // in a number or a word
	key      bool   // the next string is the key of a member
	objects  []bool // the open brackets, true for an object
}

// Write colours and hands on a piece.
func (j *jsonPainter) Write(p []byte) (int, error) {
	j.out = j.append(j.out[:0], p)
	if _, err := j.w.Write(j.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// append appends a piece in colours to dst.
func (j *jsonPainter) append(dst, p []byte) []byte {
	for _, c := range p {
		switch {
		case j.inString:
			dst = j.stringByte(dst, c)
		case c == '"':
			paint := paintString
			if j.key {
				paint = paintKey
			}
			dst = append(append(dst, paint...), c)
			j.inString, j.key = true, false
		case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || j.inScalar && (c == '.' || c == '+' || c == 'E'):
			if !j.inScalar {
				paint := paintNumber
				if c >= 'a' {
					paint = paintWord
				}
				dst = append(dst, paint...)
				j.inScalar = true
			}
			dst = append(dst, c)
		default:
			dst = j.end(dst)
			j.structure(c)
			dst = append(dst, c)
		}
	}
	return dst
}

func (j *jsonPainter) stringByte(dst []byte, c byte) []byte {
	dst = append(dst, c)
	switch {
	case j.escaped:
		j.escaped = false
	case c == '\\':
		j.escaped = true
	case c == '"':
		j.inString = false
		dst = append(dst, paintOff...)
	}
	return dst
}

// structure follows the brackets, so that a key is known from a string.
func (j *jsonPainter) structure(c byte) {
	switch c {
	case '{', '[':
		j.objects = append(j.objects, c == '{')
		j.key = c == '{'
	case '}', ']':
		if len(j.objects) > 0 {
			j.objects = j.objects[:len(j.objects)-1]
		}
		j.key = false
	case ',':
		j.key = len(j.objects) > 0 && j.objects[len(j.objects)-1]
	}
}

// end ends a scalar at the end of the text: nothing else tells that it is over.
func (j *jsonPainter) end(dst []byte) []byte {
	if j.inScalar {
		j.inScalar = false
		dst = append(dst, paintOff...)
	}
	return dst
}
