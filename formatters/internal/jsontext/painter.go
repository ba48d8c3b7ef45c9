package jsontext

import (
	"io"

	"github.com/rpcctl/rpcctl/internal/palette"
)

// A Painter colours JSON, whole or in pieces of any size. The JSON must be well formed. A nil
// *Painter leaves whole JSON as it is, and takes no pieces.
type Painter struct {
	w      io.Writer
	colors *palette.Palette
	out    []byte

	inString bool
	escaped  bool   // the next byte belongs to an escape
	inScalar bool   // in a number or a word
	key      bool   // the next string is the key of a member
	objects  []bool // the open brackets, true for an object
}

// NewPainter returns a painter that writes pieces to w, or nil unless colors are enabled.
func NewPainter(w io.Writer, enabled bool) *Painter {
	if !enabled {
		return nil
	}
	return &Painter{w: w, colors: palette.New(true)}
}

// Write colours a piece of JSON and writes it.
func (j *Painter) Write(p []byte) (int, error) {
	j.out = j.appendPiece(j.out[:0], p)
	if _, err := j.w.Write(j.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Append appends whole JSON in colours to dst.
func (j *Painter) Append(dst, whole []byte) []byte {
	if j == nil {
		return append(dst, whole...)
	}
	return j.End(j.appendPiece(dst, whole))
}

// End appends to dst what ends JSON that was written in pieces: nothing else shows where a
// number ends.
func (j *Painter) End(dst []byte) []byte {
	if j.inScalar {
		j.inScalar = false
		dst = append(dst, j.colors.End()...)
	}
	return dst
}

// appendPiece appends a piece in colours to dst.
func (j *Painter) appendPiece(dst, p []byte) []byte {
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
		case beginsScalar(c) || j.inScalar && (c == '.' || c == '+' || c == 'E'):
			dst = j.scalarByte(dst, c)
		default:
			dst = j.End(dst)
			j.structure(c)
			dst = append(dst, c)
		}
	}
	return dst
}

// beginsScalar reports whether a number or a word can begin with c.
func beginsScalar(c byte) bool {
	return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z'
}

// scalarByte appends a byte of a number or a word.
func (j *Painter) scalarByte(dst []byte, c byte) []byte {
	if !j.inScalar {
		role := palette.Number
		if c >= 'a' {
			role = palette.Word
		}
		dst = append(dst, j.colors.Begin(role)...)
		j.inScalar = true
	}
	return append(dst, c)
}

// stringByte appends a byte of a string.
func (j *Painter) stringByte(dst []byte, c byte) []byte {
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

// structure follows brackets and commas, from which it is known whether a string is a key.
func (j *Painter) structure(c byte) {
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
