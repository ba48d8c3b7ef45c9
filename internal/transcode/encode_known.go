package transcode

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Ranges of google.protobuf.Timestamp and Duration, in seconds.
const (
	minTimestamp = -62135596800 // 0001-01-01T00:00:00Z
	maxTimestamp = 253402300799 // 9999-12-31T23:59:59Z
	maxDuration  = 315576000000
	maxNanos     = 999999999
)

// knownMessage prints a well-known type whose content is in the runs from lo to hi.
func (s *encoding) knownMessage(p *plan, lo, hi, depth int) error {
	if p.known == knownAny {
		return s.any(p, lo, hi, depth)
	}
	start := int(s.runs[lo].start)
	base, members := len(s.runs), len(s.members)
	if err := s.gather(p, lo, hi); err != nil {
		return err
	}
	var err error
	switch p.known {
	case knownTimestamp:
		err = s.timestamp(p, base, start)
	case knownDuration:
		err = s.duration(p, base, start)
	case knownFieldMask:
		err = s.fieldMask(base)
	case knownWrapper:
		err = s.wrapper(p, base)
	case knownStruct:
		err = s.mapping(p.fields[0], base, len(s.runs), depth)
	case knownListValue:
		err = s.list(p.fields[0], base, len(s.runs), depth)
	case knownValue:
		m := s.members[members]
		s.members[members] = member{}
		err = s.value(p, base, m, start, depth)
	}
	if err != nil {
		return err
	}
	s.runs, s.members = s.runs[:base], s.members[:members]
	return nil
}

// number returns the scalar field num of the message whose runs begin at base: its zero
// when it is not there.
func (s *encoding) number(p *plan, base int, num protowire.Number) uint64 {
	f := p.byNumber(num)
	for i := len(s.runs) - 1; i >= base; i-- {
		if s.runs[i].field == f.index {
			v, _ := s.load(f.kind, int(s.runs[i].start))
			return v
		}
	}
	return 0
}

func (s *encoding) timestamp(p *plan, base, at int) error {
	secs, nanos := int64(s.number(p, base, 1)), int64(s.number(p, base, 2))
	if secs < minTimestamp || secs > maxTimestamp || nanos < 0 || nanos > maxNanos {
		return s.fault(at,
			fmt.Sprintf("a google.protobuf.Timestamp is out of range: %d seconds, %d nanoseconds", secs, nanos))
	}
	t := time.Unix(secs, 0).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	s.out = append(s.out, '"')
	s.out = appendDigits(s.out, year, 4)
	s.out = appendDigits(append(s.out, '-'), int(month), 2)
	s.out = appendDigits(append(s.out, '-'), day, 2)
	s.out = appendDigits(append(s.out, 'T'), hour, 2)
	s.out = appendDigits(append(s.out, ':'), minute, 2)
	s.out = appendDigits(append(s.out, ':'), second, 2)
	s.out = appendFraction(s.out, int(nanos))
	s.out = append(s.out, 'Z', '"')
	return nil
}

func (s *encoding) duration(p *plan, base, at int) error {
	secs, nanos := int64(s.number(p, base, 1)), int64(s.number(p, base, 2))
	if secs < -maxDuration || secs > maxDuration || nanos < -maxNanos || nanos > maxNanos {
		return s.fault(at,
			fmt.Sprintf("a google.protobuf.Duration is out of range: %d seconds, %d nanoseconds", secs, nanos))
	}
	if secs > 0 && nanos < 0 || secs < 0 && nanos > 0 {
		return s.fault(at,
			fmt.Sprintf("a google.protobuf.Duration has two signs: %d seconds, %d nanoseconds", secs, nanos))
	}
	s.out = append(s.out, '"')
	if secs < 0 || nanos < 0 {
		s.out = append(s.out, '-')
		secs, nanos = -secs, -nanos
	}
	s.out = strconv.AppendInt(s.out, secs, 10)
	s.out = appendFraction(s.out, int(nanos))
	s.out = append(s.out, 's', '"')
	return nil
}

// appendDigits appends v with at least the given number of digits.
func appendDigits(out []byte, v, digits int) []byte {
	var b [9]byte
	for i := digits - 1; i >= 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return append(out, b[:digits]...)
}

// appendFraction appends a fraction of a second with 0, 3, 6 or 9 digits.
func appendFraction(out []byte, nanos int) []byte {
	switch {
	case nanos == 0:
		return out
	case nanos%1e6 == 0:
		return appendDigits(append(out, '.'), nanos/1e6, 3)
	case nanos%1e3 == 0:
		return appendDigits(append(out, '.'), nanos/1e3, 6)
	}
	return appendDigits(append(out, '.'), nanos, 9)
}

// wrapper prints the one field of a wrapper message as if it stood alone.
func (s *encoding) wrapper(p *plan, base int) error {
	f := p.fields[0]
	if f.wire == protowire.BytesType {
		if len(s.runs) == base {
			return s.text(f, 0, 0)
		}
		r := s.runs[len(s.runs)-1]
		return within(s.text(f, int(r.start), int(r.end)), f)
	}
	s.scalar(f, s.number(p, base, f.num))
	return nil
}

// value prints a google.protobuf.Value, of which m is the member that is set.
func (s *encoding) value(p *plan, base int, m member, at, depth int) error {
	if m.field == 0 {
		return s.fault(at, "a google.protobuf.Value has no value")
	}
	f := p.fields[m.field-1]
	lo, hi := base, len(s.runs)
	for s.runs[hi-1].field != f.index {
		hi--
	}
	for s.runs[lo].field != f.index || s.runs[lo].start < m.since {
		lo++
	}
	r := s.runs[hi-1]
	switch f.kind {
	case protoreflect.MessageKind:
		return s.message(f.message(), lo, hi, depth+1)
	case protoreflect.StringKind:
		return s.text(f, int(r.start), int(r.end))
	}
	v, _ := s.load(f.kind, int(r.start))
	if d := math.Float64frombits(v); f.num == valueNumber && (math.IsNaN(d) || math.IsInf(d, 0)) {
		return s.fault(int(r.start), fmt.Sprintf("a google.protobuf.Value cannot be the number %v", d))
	}
	s.scalar(f, v)
	return nil
}

// fieldMask prints the paths in lowerCamelCase with commas between them.
func (s *encoding) fieldMask(base int) error {
	s.out = append(s.out, '"')
	n := 0
	for _, r := range s.runs[base:] {
		for pos, end := int(r.start), int(r.end); pos < end; n++ {
			_, pos = uvarint(s.wire[:end], pos)
			size, from := uvarint(s.wire[:end], pos)
			pos = from + int(size)
			if n > 0 {
				s.out = append(s.out, ',')
			}
			var ok bool
			if s.out, ok = appendCamel(s.out, s.wire[from:pos]); !ok {
				text, _ := appendText(nil, s.wire[from:min(pos, from+maxQuoted)])
				return s.fault(from,
					fmt.Sprintf(`a google.protobuf.FieldMask has the path "%s", which JSON cannot say`, text))
			}
			if len(s.out) >= s.flushAt {
				if err := s.flush(); err != nil {
					return err
				}
			}
		}
	}
	s.out = append(s.out, '"')
	return nil
}

// appendCamel appends a path of a FieldMask in lowerCamelCase. It reports false when the path
// is not names with dots between them, or would not survive the way back.
func appendCamel(out, path []byte) ([]byte, bool) {
	if !isPath(path) {
		return out, false
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c >= 'A' && c <= 'Z':
			return out, false
		case c == '_':
			if i++; i == len(path) || path[i] < 'a' || path[i] > 'z' {
				return out, false
			}
			out = append(out, path[i]-'a'+'A')
		default:
			out = append(out, c)
		}
	}
	return out, true
}

// isPath reports whether path is identifiers with dots between them.
func isPath(path []byte) bool {
	first := true
	for _, c := range path {
		switch {
		case c == '.':
			if first {
				return false
			}
			first = true
			continue
		case c >= '0' && c <= '9':
			if first {
				return false
			}
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		default:
			return false
		}
		first = false
	}
	return !first
}
