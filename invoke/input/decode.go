package input

import (
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
	d := &documents{
		feed: f, format: format, max: o.maxSize(), part: p, index: index, name: name, wire: []byte{},
		fresh: true, message: string(o.Message.FullName()), o: o,
	}
	switch format {
	case FormatYAML:
		c := &yamlCutter{}
		d.cutter, d.decode = c, (&yamlDecoder{
			cutter: c, json: o.decoder(),
			limit: int(min(o.maxSize(), maxYAML)),
		}).decode
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

// decodeRaw takes a message as it is. Raw bytes may be wrong on purpose.
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
	err := prototext.UnmarshalOptions{
		AllowPartial: true, DiscardUnknown: o.AllowUnknown,
		Resolver: o.types(),
	}.Unmarshal(doc, m)
	if err != nil {
		return nil, []Fault{textFault(doc, err)}
	}
	wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.MarshalAppend(dst, m)
	if err != nil {
		return nil, []Fault{{Problem: err.Error()}}
	}
	return wire, nil
}

// plain returns the text of a protobuf error without its prefix.
func plain(err error) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: "))
}

// textFault separates the place from an error of the prototext parser, such as "proto: (line
// 2:7): unknown field: x".
func textFault(doc []byte, err error) Fault {
	text := plain(err)
	at, rest, ok := strings.Cut(strings.TrimPrefix(text, "syntax error "), "): ")
	line, column, ok2 := strings.Cut(strings.TrimPrefix(at, "(line "), ":")
	l, err1 := strconv.Atoi(line)
	c, err2 := strconv.Atoi(column)
	if !ok || !ok2 || err1 != nil || err2 != nil {
		return Fault{
			Problem: text, Place: Place{Offset: int64(len(doc))},
			Incomplete: strings.Contains(text, "unexpected EOF"),
		}
	}
	off := offsetOf(doc, l, c)
	return Fault{Problem: rest, Place: Place{Offset: int64(off), Length: tokenLength(doc[off:])}}
}
