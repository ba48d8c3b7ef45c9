package discovery

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// This file reads and writes the messages of the reflection service
// (https://github.com/grpc/grpc/blob/master/src/proto/grpc/reflection/v1/reflection.proto)
// by hand. They are few and plain, and what it takes before the first of their
// generated types can be used costs more than all else that a question does.

// The kinds of questions are the numbers of their fields in ServerReflectionRequest.
const (
	askFile      protowire.Number = 3
	askSymbol    protowire.Number = 4
	askExtension protowire.Number = 5
	askNumbers   protowire.Number = 6
	askList      protowire.Number = 7
)

// A request is a ServerReflectionRequest. The zero value asks for nothing.
type request struct {
	kind   protowire.Number
	name   string // a symbol or a path, or what the kind has in its place
	number int32  // askExtension: of the extension, of the message with that name
}

// marshal returns the request's wire format.
func (r request) marshal() []byte {
	b := protowire.AppendTag(nil, r.kind, protowire.BytesType)
	if r.kind != askExtension {
		return protowire.AppendString(b, r.name)
	}
	x := protowire.AppendTag(nil, 1, protowire.BytesType)
	x = protowire.AppendString(x, r.name)
	x = protowire.AppendTag(x, 2, protowire.VarintType)
	return protowire.AppendBytes(b, protowire.AppendVarint(x, uint64(r.number)))
}

// The kinds of answers are the numbers of their fields in ServerReflectionResponse.
const (
	gotFiles   protowire.Number = 4
	gotNumbers protowire.Number = 5
	gotList    protowire.Number = 6
	gotError   protowire.Number = 7
)

// An answer is a ServerReflectionResponse.
type answer struct {
	of   request          // the question that it says it answers
	kind protowire.Number // 0: it has none

	files    [][]byte // gotFiles: descriptors, in wire format
	numbers  []int32  // gotNumbers: of extensions
	services []string // gotList
	code     int32    // gotError
	message  string   // gotError
}

var errNoText = errors.New("a text is not UTF-8")

// parseAnswer reads a response. The answer owns what it holds.
func parseAnswer(wire []byte) (*answer, error) {
	a := &answer{}
	err := eachField(bytes.Clone(wire), func(n protowire.Number, t protowire.Type, v []byte, _ uint64) error {
		if t != protowire.BytesType {
			return nil
		}
		switch n {
		case 2:
			return a.of.parse(v)
		case gotFiles, gotNumbers, gotList, gotError:
			if a.kind != n { // of a oneof the last counts
				*a = answer{of: a.of, kind: n}
			}
			return a.parse(v)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// parse reads the message in the field of the answer's kind.
func (a *answer) parse(wire []byte) error {
	return eachField(wire, func(n protowire.Number, t protowire.Type, v []byte, x uint64) error {
		switch {
		case a.kind == gotFiles && n == 1 && t == protowire.BytesType:
			a.files = append(a.files, v)
		case a.kind == gotNumbers && n == 2 && t == protowire.VarintType:
			a.numbers = append(a.numbers, int32(x))
		case a.kind == gotNumbers && n == 2 && t == protowire.BytesType: // packed
			for len(v) > 0 {
				x, size := protowire.ConsumeVarint(v)
				if size < 0 {
					return protowire.ParseError(size)
				}
				a.numbers, v = append(a.numbers, int32(x)), v[size:]
			}
		case a.kind == gotList && n == 1 && t == protowire.BytesType:
			name := ""
			err := eachField(v, func(n protowire.Number, t protowire.Type, v []byte, _ uint64) error {
				return text(&name, n == 1 && t == protowire.BytesType, v)
			})
			a.services = append(a.services, name)
			return err
		case a.kind == gotError && n == 1 && t == protowire.VarintType:
			a.code = int32(x)
		case a.kind == gotError && n == 2:
			return text(&a.message, t == protowire.BytesType, v)
		}
		return nil
	})
}

// parse reads a ServerReflectionRequest.
func (r *request) parse(wire []byte) error {
	return eachField(wire, func(n protowire.Number, t protowire.Type, v []byte, _ uint64) error {
		if t != protowire.BytesType || n < askFile || n > askList {
			return nil
		}
		if n != askExtension {
			r.kind = n
			return text(&r.name, true, v)
		}
		if r.kind != n {
			*r = request{kind: n}
		}
		return eachField(v, func(n protowire.Number, t protowire.Type, v []byte, x uint64) error {
			if n == 2 && t == protowire.VarintType {
				r.number = int32(x)
			}
			return text(&r.name, n == 1 && t == protowire.BytesType, v)
		})
	})
}

// text sets a field of type string, if that is what was read.
func text(to *string, is bool, v []byte) error {
	if !is {
		return nil
	}
	if !utf8.Valid(v) {
		return errNoText
	}
	*to = string(v)
	return nil
}

// eachField calls f with each field of a message: v is the value of one with a
// length, x that of a varint. Fields of other types are passed over.
func eachField(wire []byte, f func(n protowire.Number, t protowire.Type, v []byte, x uint64) error) error {
	for len(wire) > 0 {
		n, t, size := protowire.ConsumeTag(wire)
		if size < 0 {
			return protowire.ParseError(size)
		}
		wire = wire[size:]
		var v []byte
		var x uint64
		switch t {
		case protowire.BytesType:
			v, size = protowire.ConsumeBytes(wire)
		case protowire.VarintType:
			x, size = protowire.ConsumeVarint(wire)
		default:
			size = protowire.ConsumeFieldValue(n, t, wire)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		wire = wire[size:]
		if err := f(n, t, v, x); err != nil {
			return err
		}
	}
	return nil
}
