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
	for len(p) > 0 {
		if j.inString {
			n := j.inStringLength(p)
			if dst = append(dst, p[:n]...); !j.inString {
				dst = append(dst, j.colors.End()...)
			}
			p = p[n:]
			continue
		}
		c := p[0]
		switch {
		case c == '"':
			role := palette.String
			if j.key {
				role = palette.Key
			}
			dst = append(dst, j.colors.Begin(role)...)
			j.inString, j.key = true, false
		case beginsScalar(c) || j.inScalar && (c == '.' || c == '+' || c == 'E'):
			if !j.inScalar {
				dst = j.beginScalar(dst, c)
			}
		default:
			dst = j.End(dst)
			j.structure(c)
		}
		dst = append(dst, c)
		p = p[1:]
	}
	return dst
}

// beginsScalar reports whether a number or a word can begin with c.
func beginsScalar(c byte) bool {
	return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z'
}

// beginScalar appends what begins a number or a word with c as its first byte.
func (j *Painter) beginScalar(dst []byte, c byte) []byte {
	role := palette.Number
	if c >= 'a' {
		role = palette.Word
	}
	j.inScalar = true
	return append(dst, j.colors.Begin(role)...)
}

// inStringLength returns how much of p belongs to the string that it begins in, up to the next
// quote or backslash.
func (j *Painter) inStringLength(p []byte) int {
	if j.escaped {
		j.escaped = false
		return 1
	}
	for i, c := range p {
		switch c {
		case '"':
			j.inString = false
			return i + 1
		case '\\':
			j.escaped = true
			return i + 1
		}
	}
	return len(p)
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
