package transcode

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar reads a value of f's kind that is no message, and writes it behind the tag. A zero is
// written only when zero is set.
func (s *decoding) scalar(f *field, tag []byte, zero bool) outcome {
	t, ok := s.token()
	if !ok {
		return stop
	}
	if t.kind == objectToken || t.kind == arrayToken {
		return s.mismatch(t)
	}
	switch f.kind {
	case protoreflect.StringKind:
		return s.str(t, tag, zero)
	case protoreflect.BytesKind:
		return s.raw(t, tag, zero)
	case protoreflect.BoolKind:
		if t.kind == wordToken {
			switch string(t.text) {
			case "true":
				s.out = append(append(s.out, tag...), 1)
				return written
			case "false":
				if zero {
					s.out = append(append(s.out, tag...), 0)
				}
				return written
			}
		}
		return s.faulty(t.span, s.subject()+" wants true or false, not "+s.shown(t), "")
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return s.float(f, t, tag, zero)
	case protoreflect.EnumKind:
		return s.enum(f, t, tag, zero)
	}
	return s.integer(f, t, tag, zero)
}

// shown returns a token as a problem quotes it.
func (s *decoding) shown(t token) string { return excerpt(s.in[t.span.start:t.span.end]) }

// mismatch notes that a value has another form than the field takes, and skips it.
func (s *decoding) mismatch(t token) outcome {
	is := "an object"
	switch t.kind {
	case arrayToken:
		is = "a list"
	case wordToken, stringToken:
		is = s.shown(t)
	}
	at := t.span
	if s.faulty(at, s.subject()+" wants "+s.wanted()+", not "+is, "") == stop {
		return stop
	}
	if t.kind == objectToken || t.kind == arrayToken {
		if !s.skip() {
			return stop
		}
	}
	return nothing
}

// wanted says what the field at which the decoder is takes.
func (s *decoding) wanted() string {
	if len(s.path) == 0 {
		return s.root.wanted()
	}
	last := s.path[len(s.path)-1]
	if last.f != nil {
		switch f := last.f; f.shape {
		case listShape:
			return "a list of " + f.element()
		case mapShape:
			return "an object with keys of " + f.mapKey.kind.String() + " and values of " + f.mapValue.element()
		default:
			return f.element()
		}
	}
	for i := len(s.path) - 1; i >= 0; i-- {
		f := s.path[i].f
		if f == nil {
			continue
		}
		if f.shape == mapShape {
			return f.mapValue.element()
		}
		return f.element()
	}
	return s.root.wanted()
}

// wanted says what represents a message in JSON.
func (p *plan) wanted() string {
	switch p.known {
	case knownTimestamp:
		return `a time as "2006-01-02T15:04:05Z"`
	case knownDuration:
		return `a duration as "1.5s"`
	case knownFieldMask:
		return `field names as "name,homeAddress"`
	case knownListValue:
		return "a list"
	case knownValue:
		return "a value"
	case knownWrapper:
		return p.fields[0].element()
	}
	return "an object (" + string(p.md.FullName()) + ")"
}

// element says what represents one value of the field in JSON.
func (f *field) element() string {
	switch f.kind {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return f.message().wanted()
	case protoreflect.EnumKind:
		return string(f.fd.Enum().Name())
	case protoreflect.StringKind:
		return "a string"
	case protoreflect.BytesKind:
		return "bytes in base64"
	case protoreflect.BoolKind:
		return "true or false"
	}
	return f.kind.String()
}

func (s *decoding) str(t token, tag []byte, zero bool) outcome {
	if t.kind != stringToken {
		if string(t.text) == "null" {
			return s.mismatch(t)
		}
		return s.faulty(t.span, s.subject()+" wants a string: "+s.shown(t)+" needs quotes", "")
	}
	if len(t.text) > 0 || zero {
		s.out = protowire.AppendBytes(append(s.out, tag...), t.text)
	}
	return written
}

func (s *decoding) raw(t token, tag []byte, zero bool) outcome {
	if t.kind != stringToken {
		return s.faulty(t.span, s.subject()+" wants bytes in base64 and in quotes, not "+s.shown(t), "")
	}
	at := len(s.out)
	s.out = append(s.out, tag...)
	from := len(s.out)
	var err error
	if s.out, err = appendBase64(s.out, t.text); err != nil {
		s.out = s.out[:at]
		return s.faulty(t.span, s.subject()+" wants bytes in base64, which "+s.shown(t)+" is not", "")
	}
	if n := len(s.out) - from; n > 0 || zero {
		s.out = slipLength(s.out, from)
	} else {
		s.out = s.out[:at]
	}
	return written
}

// slipLength puts the length of out[from:] before it.
func slipLength(out []byte, from int) []byte {
	var b [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(b[:], uint64(len(out)-from))
	out = append(out, b[:n]...)
	copy(out[from+n:], out[from:len(out)-n])
	copy(out[from:], b[:n])
	return out
}

// appendBase64 appends what text says in base64, standard or for URLs, padded or not.
func appendBase64(out, text []byte) ([]byte, error) {
	enc := base64.StdEncoding
	padded := len(text)%4 == 0
	switch url := bytes.ContainsAny(text, "-_"); {
	case url && padded:
		enc = base64.URLEncoding
	case url:
		enc = base64.RawURLEncoding
	case !padded:
		enc = base64.RawStdEncoding
	}
	return enc.AppendDecode(out, text)
}

func (s *decoding) float(f *field, t token, tag []byte, zero bool) outcome {
	bits := 64
	if f.kind == protoreflect.FloatKind {
		bits = 32
	}
	v, fault := s.parseFloat(t, bits)
	switch fault {
	case numberFine:
	case tooLarge:
		return s.faulty(t.span, s.subject()+" wants "+f.kind.String()+", "+s.shown(t)+" is too large", "")
	default:
		return s.faulty(t.span, s.subject()+" wants "+f.kind.String()+", "+s.shown(t)+" is not a number", "")
	}
	if bits == 32 {
		if w := math.Float32bits(float32(v)); w != 0 || zero {
			s.out = protowire.AppendFixed32(append(s.out, tag...), w)
		}
		return written
	}
	if w := math.Float64bits(v); w != 0 || zero {
		s.out = protowire.AppendFixed64(append(s.out, tag...), w)
	}
	return written
}

// parseFloat reads a token as a floating-point number, in quotes or not.
func (s *decoding) parseFloat(t token, bits int) (float64, numberFault) {
	if t.kind == stringToken || s.o.Lenient {
		switch string(t.text) {
		case "NaN":
			return math.NaN(), numberFine
		case "Infinity":
			return math.Inf(1), numberFine
		case "-Infinity":
			return math.Inf(-1), numberFine
		}
	}
	if !isNumber(t.text) {
		return 0, notANumber
	}
	v, err := strconv.ParseFloat(string(t.text), bits)
	if err != nil {
		return 0, tooLarge
	}
	return v, numberFine
}

func (s *decoding) integer(f *field, t token, tag []byte, zero bool) outcome {
	v, fault := s.parseInteger(f.kind, t.text)
	if fault != numberFine {
		why := " is not a number"
		switch fault {
		case notWhole:
			why = " is not a whole number"
		case tooLarge:
			why = " is out of its range"
		case isNegative:
			why = " is negative"
		}
		return s.faulty(t.span, s.subject()+" wants "+f.kind.String()+", "+s.shown(t)+why, "")
	}
	if v != 0 || zero {
		s.out = appendInteger(append(s.out, tag...), f.kind, v)
	}
	return written
}

// parseInteger reads text as an integer of the given kind.
func (s *decoding) parseInteger(kind protoreflect.Kind, text []byte) (uint64, numberFault) {
	negative, magnitude, fault := integer(text)
	if fault == notANumber && s.o.Lenient {
		var ok bool
		if negative, magnitude, ok = hexadecimal(text); ok {
			fault = numberFine
		}
	}
	if fault != numberFine {
		return 0, fault
	}
	bits, signed := sizeOf(kind)
	return inRange(negative, magnitude, bits, signed)
}

func sizeOf(kind protoreflect.Kind) (bits int, signed bool) {
	switch kind {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return 32, false
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return 64, false
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return 64, true
	}
	return 32, true
}

// appendInteger appends the wire form of an integer whose bits are sign-extended.
func appendInteger(out []byte, kind protoreflect.Kind, v uint64) []byte {
	switch kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.AppendVarint(out, protowire.EncodeZigZag(int64(v)))
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return protowire.AppendFixed32(out, uint32(v))
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return protowire.AppendFixed64(out, v)
	}
	return protowire.AppendVarint(out, v)
}

func (s *decoding) enum(f *field, t token, tag []byte, zero bool) outcome {
	e := f.enumeration()
	num, ok := int32(0), false
	switch {
	case t.kind == stringToken:
		num, ok = e.byName[string(t.text)]
	case string(t.text) == "null" && f.null:
		ok = true
	case len(t.text) > 0 && (t.text[0] == '-' || t.text[0] >= '0' && t.text[0] <= '9'):
		v, fault := s.parseInteger(protoreflect.Int32Kind, t.text)
		if fault != numberFine {
			return s.faulty(t.span,
				s.subject()+" wants "+string(f.fd.Enum().Name())+", "+s.shown(t)+" is no number of an enum value", "")
		}
		num, ok = int32(v), true
	}
	if !ok && s.o.Lenient {
		num, ok = e.lenient(string(t.text))
	}
	if !ok {
		if s.o.AllowUnknown && t.kind == stringToken {
			return nothing
		}
		return s.faulty(t.span, s.subject()+" wants "+e.problem(s.shown(t), s.o.Lenient),
			e.nearest(string(t.text), s.o.Lenient))
	}
	if num != 0 || zero {
		s.out = protowire.AppendVarint(append(s.out, tag...), uint64(int64(num)))
	}
	return written
}

// mapKey writes the key of a map's entry. It reports false when the key is faulty.
func (s *decoding) mapKey(f *field, k token) bool {
	switch f.kind {
	case protoreflect.StringKind:
		s.out = protowire.AppendBytes(s.out, k.text)
		return true
	case protoreflect.BoolKind:
		switch string(k.text) {
		case "true":
			s.out = append(s.out, 1)
			return true
		case "false":
			s.out = append(s.out, 0)
			return true
		}
	default:
		// A key may have a plus and zeros before it, but no fraction or exponent.
		bits, signed := sizeOf(f.kind)
		var v uint64
		var err error
		if signed {
			var i int64
			i, err = strconv.ParseInt(string(k.text), 10, bits)
			v = uint64(i)
		} else {
			v, err = strconv.ParseUint(string(k.text), 10, bits)
		}
		if err == nil {
			s.out = appendInteger(s.out, f.kind, v)
			return true
		}
	}
	s.fault(k.span.start, k.span.end, s.subject()+" wants keys of "+f.kind.String()+", which "+s.shown(k)+" is not", "")
	return false
}
