package transcode

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// load reads the number of the given kind at pos, which scan has found whole, and returns
// it with the place after it. Signed numbers are extended to 64 bits; a float is its 32 bits.
func (s *encoding) load(kind protoreflect.Kind, pos int) (uint64, int) {
	b := s.wire
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.FloatKind:
		return uint64(binary.LittleEndian.Uint32(b[pos:])), pos + 4
	case protoreflect.Sfixed32Kind:
		return uint64(int64(int32(binary.LittleEndian.Uint32(b[pos:])))), pos + 4
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return binary.LittleEndian.Uint64(b[pos:]), pos + 8
	}
	v, to := uint64(b[pos]), pos+1
	if v >= 0x80 {
		v, to = uvarint(b, pos)
	}
	switch kind {
	case protoreflect.BoolKind:
		if v != 0 {
			v = 1
		}
	case protoreflect.Int32Kind, protoreflect.EnumKind:
		v = uint64(int64(int32(v)))
	case protoreflect.Uint32Kind:
		v = uint64(uint32(v))
	case protoreflect.Sint32Kind:
		v = uint64(protowire.DecodeZigZag(uint64(uint32(v))))
	case protoreflect.Sint64Kind:
		v = uint64(protowire.DecodeZigZag(v))
	}
	return v, to
}

// scalar prints the number, truth value or enum value v, as load returns it.
func (s *encoding) scalar(f *field, v uint64) {
	switch f.kind {
	case protoreflect.BoolKind:
		if v != 0 {
			s.out = append(s.out, "true"...)
		} else {
			s.out = append(s.out, "false"...)
		}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		s.out = strconv.AppendInt(s.out, int64(v), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		s.out = strconv.AppendUint(s.out, v, 10)
	case protoreflect.EnumKind:
		s.enum(f, int32(v))
	case protoreflect.FloatKind:
		s.out = appendFloat(s.out, float64(math.Float32frombits(uint32(v))), 32)
	case protoreflect.DoubleKind:
		s.out = appendFloat(s.out, math.Float64frombits(v), 64)
	default:
		s.out = appendLong(s.out, f.kind, v, !s.o.Int64Numbers)
	}
}

// enum prints an enum value: its name, or its number when it has none.
func (s *encoding) enum(f *field, num int32) {
	if f.null {
		s.out = append(s.out, "null"...)
		return
	}
	if !s.o.EnumNumbers {
		if name := f.enumeration().quoted(num); name != nil {
			s.out = append(s.out, name...)
			return
		}
	}
	s.out = strconv.AppendInt(s.out, int64(num), 10)
}

// textPiece is how much of a long string or bytes value is printed between looks at the
// length of the output, in bytes: a multiple of 3, for base64.
const textPiece = 48 << 10

// text prints the string or bytes value wire[start:end].
func (s *encoding) text(f *field, start, end int) error {
	s.out = append(s.out, '"')
	for end-start > textPiece && s.w != nil {
		cut := start + textPiece
		if f.kind == protoreflect.StringKind {
			cut = runeStart(s.wire, cut)
		}
		if err := s.textPart(f, start, cut); err != nil {
			return err
		}
		if len(s.out) >= s.flushAt {
			if err := s.flush(); err != nil {
				return err
			}
		}
		start = cut
	}
	if err := s.textPart(f, start, end); err != nil {
		return err
	}
	s.out = append(s.out, '"')
	return nil
}

func (s *encoding) textPart(f *field, start, end int) error {
	if f.kind == protoreflect.BytesKind {
		s.out = base64.StdEncoding.AppendEncode(s.out, s.wire[start:end])
		return nil
	}
	var bad int
	if s.out, bad = appendText(s.out, s.wire[start:end]); bad >= 0 && f.utf8 {
		return s.fault(start+bad, "a string is not valid UTF-8")
	}
	return nil
}

// runeStart moves a cut through b back, by three bytes at most, to where a rune begins.
func runeStart(b []byte, cut int) int {
	for i := range utf8.UTFMax {
		if utf8.RuneStart(b[cut-i]) {
			return cut - i
		}
	}
	return cut
}

// appendFloat prints a floating-point number as encoding/json does, and what is not a
// finite number as the protobuf JSON mapping says.
func appendFloat(out []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(out, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(out, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(out, `"-Infinity"`...)
	}
	abs := math.Abs(v)
	small, large := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs == 0 || !small && !large {
		return strconv.AppendFloat(out, v, 'f', -1, bits)
	}
	out = strconv.AppendFloat(out, v, 'e', -1, bits)
	// An exponent of one digit is printed as one digit: e-09 as e-9.
	if n := len(out); out[n-4] == 'e' && out[n-3] == '-' && out[n-2] == '0' {
		out[n-2] = out[n-1]
		out = out[:n-1]
	}
	return out
}

// appendLong appends a 64-bit integer, which is a string in JSON unless the options say
// otherwise.
func appendLong(out []byte, kind protoreflect.Kind, v uint64, quoted bool) []byte {
	if quoted {
		out = append(out, '"')
	}
	if kind == protoreflect.Uint64Kind || kind == protoreflect.Fixed64Kind {
		out = strconv.AppendUint(out, v, 10)
	} else {
		out = strconv.AppendInt(out, int64(v), 10)
	}
	if quoted {
		out = append(out, '"')
	}
	return out
}
