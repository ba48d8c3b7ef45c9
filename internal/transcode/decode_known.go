package transcode

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// value reads any JSON value as a google.protobuf.Value.
func (s *decoding) value(p *plan, depth int) outcome {
	t, ok := s.token()
	if !ok {
		return stop
	}
	switch t.kind {
	case objectToken:
		return s.nested(p.byNumber(valueStruct), depth)
	case arrayToken:
		return s.nested(p.byNumber(valueList), depth)
	case stringToken:
		return s.str(t, p.byNumber(valueString).tag, true)
	}
	switch string(t.text) {
	case "null":
		s.out = append(append(s.out, p.byNumber(valueNull).tag...), 0)
		return written
	case "true", "false":
		s.out = append(append(s.out, p.byNumber(valueBool).tag...), 0)
		if t.text[0] == 't' {
			s.out[len(s.out)-1] = 1
		}
		return written
	}
	if !isNumber(t.text) {
		return s.faulty(t.span, s.subject()+" wants a JSON value: "+s.shown(t)+" needs quotes", "")
	}
	v, err := strconv.ParseFloat(string(t.text), 64)
	if err != nil {
		return s.faulty(t.span, s.subject()+" wants a number of 64 bits, "+s.shown(t)+" is too large", "")
	}
	s.out = protowire.AppendFixed64(append(s.out, p.byNumber(valueNumber).tag...), math.Float64bits(v))
	return written
}

// known reads the text for a well-known type: a string or, when lenient, a word.
func (s *decoding) known() (token, outcome) {
	t, ok := s.token()
	if !ok {
		return t, stop
	}
	if t.kind == stringToken || t.kind == wordToken && s.o.Lenient && !isLiteral(t.text) {
		return t, written
	}
	return t, s.mismatch(t)
}

func (s *decoding) timestamp() outcome {
	t, out := s.known()
	if out != written {
		return out
	}
	when, ok := parseTimestamp(t.text)
	if !ok && s.o.Lenient {
		when, ok = s.looseTimestamp(string(t.text))
	}
	if !ok {
		return s.faulty(t.span, s.subject()+` wants a time as "2006-01-02T15:04:05Z", not `+s.shown(t), "")
	}
	secs := when.Unix()
	if secs < minTimestamp || secs > maxTimestamp {
		return s.faulty(t.span, s.subject()+" wants a time in the years 1 to 9999, not "+s.shown(t), "")
	}
	s.moment(secs, when.Nanosecond())
	return written
}

// moment writes seconds and nanoseconds.
func (s *decoding) moment(secs int64, nanos int) {
	if secs != 0 {
		s.out = protowire.AppendVarint(append(s.out, 1<<3), uint64(secs))
	}
	if nanos != 0 {
		s.out = protowire.AppendVarint(append(s.out, 2<<3), uint64(int64(nanos)))
	}
}

// parseTimestamp reads a time in the form of RFC 3339, with nine digits of a fraction at most.
func parseTimestamp(text []byte) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return t, false
	}
	dot := bytes.LastIndexByte(text, '.')
	zone := bytes.LastIndexAny(text, "Z-+")
	return t, dot < 0 || zone < dot || zone-dot <= len(".999999999")
}

// looseTimestamp reads a time as a person types it.
func (s *decoding) looseTimestamp(text string) (time.Time, bool) {
	if text == "now" {
		return s.o.Now(), true
	}
	for _, layout := range []string{
		"2006-01-02", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04",
		"2006-01-02 15:04",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (s *decoding) duration() outcome {
	t, out := s.known()
	if out != written {
		return out
	}
	secs, nanos, ok := parseDuration(t.text)
	if !ok && s.o.Lenient {
		if d, err := time.ParseDuration(string(t.text)); err == nil {
			secs, nanos, ok = int64(d/time.Second), int(d%time.Second), true
		}
	}
	if !ok {
		return s.faulty(t.span, s.subject()+` wants a duration as "1.5s", not `+s.shown(t), "")
	}
	if secs < -maxDuration || secs > maxDuration {
		return s.faulty(t.span, s.subject()+" wants a duration of 10,000 years at most, not "+s.shown(t), "")
	}
	s.moment(secs, nanos)
	return written
}

// parseDuration reads seconds with a fraction of nine digits at most and an s after them.
// As protojson does it takes a sign, and no digits before or after the dot.
func parseDuration(text []byte) (secs int64, nanos int, ok bool) {
	text, ok = bytes.CutSuffix(text, []byte{'s'})
	if !ok || len(text) == 0 {
		return 0, 0, false
	}
	sign := 1
	switch text[0] {
	case '-':
		sign = -1
		text = text[1:]
	case '+':
		text = text[1:]
	}
	n := digits(text)
	if len(text) == 0 || n > 1 && text[0] == '0' {
		return 0, 0, false
	}
	if n > 0 {
		var err error
		if secs, err = strconv.ParseInt(string(text[:n]), 10, 64); err != nil {
			return 0, 0, false
		}
	}
	if text = text[n:]; len(text) > 0 {
		fraction := text[1:]
		if text[0] != '.' || len(fraction) > 9 || digits(fraction) != len(fraction) {
			return 0, 0, false
		}
		for i := range 9 {
			nanos *= 10
			if i < len(fraction) {
				nanos += int(fraction[i] - '0')
			}
		}
	}
	return int64(sign) * secs, sign * nanos, true
}

// fieldMask reads paths with commas between them or, lenient, a list of them.
func (s *decoding) fieldMask(p *plan) outcome {
	f := p.fields[0]
	c, ok := s.peek()
	if !ok {
		return stop
	}
	if c != '[' || !s.o.Lenient {
		t, out := s.known()
		if out != written {
			return out
		}
		return s.paths(f, t)
	}
	s.pos++
	for n := 0; ; n++ {
		out := s.next(']', n)
		if out == stop {
			return stop
		}
		if out == nothing {
			return written
		}
		t, out := s.known()
		if out == written {
			out = s.paths(f, t)
		}
		if out == stop {
			return stop
		}
	}
}

// paths writes the paths in a text, in snake_case. There may be millions.
func (s *decoding) paths(f *field, t token) outcome {
	text := bytes.TrimSpace(t.text)
	if len(text) == 0 {
		return written
	}
	for path := range bytes.SplitSeq(text, []byte{','}) {
		capitals := 0
		for _, c := range path {
			if c >= 'A' && c <= 'Z' {
				capitals++
			}
		}
		ok := isPath(path)
		if ok && bytes.IndexByte(path, '_') >= 0 {
			if ok = s.o.Lenient; ok {
				// A path may be written as in the .proto file, if it can be expressed in JSON.
				_, ok = appendCamel(nil, path)
			}
		}
		if !ok {
			return s.faulty(t.span,
				s.subject()+` wants field names as "name,homeAddress", which `+quote(path)+" is not",
				"")
		}
		size := len(path) + capitals
		if s.late() || s.beyond(size) {
			return stop
		}
		s.out = protowire.AppendVarint(append(s.out, f.tag...), uint64(size))
		s.out = appendSnake(slices.Grow(s.out, size), path)
	}
	return written
}

// appendSnake appends a path in lowerCamelCase as one in snake_case.
func appendSnake(out, path []byte) []byte {
	for _, c := range path {
		if c >= 'A' && c <= 'Z' {
			out = append(out, '_')
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return out
}
