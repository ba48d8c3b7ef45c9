package input

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// newDocuments returns the documents of a part.
func newDocuments(p Part, index int, name string, f *feed, format Format, o *Options) *documents {
	d := &documents{feed: f, format: format, max: o.maxSize(), part: p, index: index, name: name, wire: []byte{}, fresh: true, message: string(o.Message.FullName()), o: o}
	switch format {
	case FormatYAML:
		c := &yamlCutter{}
		d.cutter, d.decode = c, (&yamlDecoder{cutter: c, json: o.decoder(), limit: int(min(o.maxSize(), maxYAML))}).decode
	case FormatText:
		d.cutter, d.decode = &textCutter{}, o.decodeText
	case FormatRaw:
		if o.Streams {
			d.cutter, d.decode = &rawCutter{}, decodeDelimited
		} else {
			d.cutter, d.decode = wholeCutter{}, decodeRaw
		}
	default:
		d.format, d.strict = FormatJSON, o.Strict
		dec := o.decoder()
		d.cutter = &jsonCutter{transcode.Splitter{Lenient: !o.Strict}}
		d.decode = func(dst, doc []byte) ([]byte, []Fault) {
			wire, err := dec.Append(dst, doc)
			if err == nil {
				return wire, nil
			}
			if r, _ := utf8.DecodeRune(doc); r < ' ' || r == 0x7f || r == utf8.RuneError {
				return nil, []Fault{{Place: Place{Length: 1}, Problem: "this is binary data, not JSON"}}
			}
			return nil, jsonFaults(err)
		}
	}
	return d
}

// jsonFaults are the faults of a decoder's error.
func jsonFaults(err error) []Fault {
	var te *transcode.Error
	if !errors.As(err, &te) {
		return []Fault{{Problem: err.Error()}}
	}
	faults := make([]Fault, 0, len(te.Faults))
	for i := range te.Faults {
		t := &te.Faults[i]
		faults = append(faults, Fault{
			Place: Place{Offset: int64(t.Offset), Length: t.Length},
			Path:  t.Path, Problem: t.Problem, Suggestion: t.Suggestion, Incomplete: t.Incomplete,
		})
	}
	return faults
}

// decodeRaw takes a message as it is. What is sent as raw bytes may be wrong on purpose.
func decodeRaw(dst, doc []byte) ([]byte, []Fault) { return append(dst, doc...), nil }

// decodeDelimited takes a message with its length before it.
func decodeDelimited(dst, doc []byte) ([]byte, []Fault) {
	length, n := protowire.ConsumeVarint(doc)
	if n < 0 {
		problem := fmt.Sprintf("no length of a message, which is a varint: %q", doc[:min(len(doc), maxVarint)])
		return nil, []Fault{{Place: Place{Length: len(doc)}, Problem: problem, Incomplete: len(doc) < maxVarint}}
	}
	if have := uint64(len(doc) - n); have < length {
		problem := fmt.Sprintf("the input ends after %d of the %d bytes of a message", have, length)
		return nil, []Fault{{Place: Place{Length: len(doc)}, Problem: problem, Incomplete: true}}
	}
	return append(dst, doc[n:]...), nil
}

// decodeText takes a prototext message.
func (o *Options) decodeText(dst, doc []byte) ([]byte, []Fault) {
	if n := len(doc); n > 0 && doc[n-1] == separator {
		doc = doc[:n-1]
	}
	if f := boundText(doc); f != nil {
		return nil, []Fault{*f}
	}
	m := dynamicpb.NewMessage(o.Message)
	err := prototext.UnmarshalOptions{AllowPartial: true, DiscardUnknown: o.AllowUnknown, Resolver: o.types()}.Unmarshal(doc, m)
	if err != nil {
		return nil, []Fault{textFault(doc, err)}
	}
	wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.MarshalAppend(dst, m)
	if err != nil {
		return nil, []Fault{{Problem: err.Error()}}
	}
	return wire, nil
}

// plain is what a protobuf error says, without its prefix.
func plain(err error) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: "))
}

// textFault takes the place out of what the prototext parser says, which is
// "proto: (line 2:7): unknown field: x".
func textFault(doc []byte, err error) Fault {
	text := plain(err)
	at, rest, ok := strings.Cut(strings.TrimPrefix(text, "syntax error "), "): ")
	line, column, ok2 := strings.Cut(strings.TrimPrefix(at, "(line "), ":")
	l, err1 := strconv.Atoi(line)
	c, err2 := strconv.Atoi(column)
	if !ok || !ok2 || err1 != nil || err2 != nil {
		return Fault{Problem: text, Place: Place{Offset: int64(len(doc))}, Incomplete: strings.Contains(text, "unexpected EOF")}
	}
	off := offsetOf(doc, l, c)
	return Fault{Problem: rest, Place: Place{Offset: int64(off), Length: tokenLength(doc[off:])}}
}

// offsetOf returns where a line and a column in runes, both 1-based, are in doc.
func offsetOf(doc []byte, line, column int) int {
	off := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(doc[off:], '\n')
		if i < 0 {
			return len(doc)
		}
		off += i + 1
	}
	for i := range string(doc[off:]) {
		if column--; column == 0 {
			return off + i
		}
	}
	return len(doc)
}

// tokenLength returns how many bytes the word or the quoted text at the start of b has.
func tokenLength(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	if q := b[0]; q == '"' || q == '\'' {
		for i := 1; i < len(b) && b[i] != '\n'; i++ {
			switch b[i] {
			case '\\':
				i++
			case q:
				return i + 1
			}
		}
		return 1
	}
	n := 0
	for n < len(b) && (b[n] == '_' || b[n] == '.' || b[n] == '-' || b[n] == '+' || b[n] >= 0x80 ||
		b[n] >= '0' && b[n] <= '9' || b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
		n++
	}
	return max(n, 1)
}
