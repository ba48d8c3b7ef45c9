package formatters

import (
	"io"

	"github.com/rpcctl/rpcctl/internal/palette"
)

// newJSONPainter returns a painter that writes to w, or nil unless colors are enabled.
func newJSONPainter(w io.Writer, enabled bool) *jsonPainter {
	if !enabled {
		return nil
	}
	return &jsonPainter{w: w, colors: palette.New(true)}
}

// A jsonPainter is a writer that colours the JSON that passes through it, in
// pieces of any size. The JSON must be well formed.
type jsonPainter struct {
	w      io.Writer
	colors *palette.Palette
	out    []byte

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
			role := palette.String
			if j.key {
				role = palette.Key
			}
			dst = append(append(dst, j.colors.Begin(role)...), c)
			j.inString, j.key = true, false
		case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || j.inScalar && (c == '.' || c == '+' || c == 'E'):
			if !j.inScalar {
				role := palette.Number
				if c >= 'a' {
					role = palette.Word
				}
				dst = append(dst, j.colors.Begin(role)...)
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
		dst = append(dst, j.colors.End()...)
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
		dst = append(dst, j.colors.End()...)
	}
	return dst
}
