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
func (q request) marshal() []byte {
	b := protowire.AppendTag(nil, q.kind, protowire.BytesType)
	if q.kind != askExtension {
		return protowire.AppendString(b, q.name)
	}
	x := protowire.AppendTag(nil, 1, protowire.BytesType)
	x = protowire.AppendString(x, q.name)
	x = protowire.AppendTag(x, 2, protowire.VarintType)
	return protowire.AppendBytes(b, protowire.AppendVarint(x, uint64(q.number)))
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

// parseAnswer reads a response. The answer owns what it holds: the wire is the transport's.
func parseAnswer(wire []byte) (*answer, error) {
	a := &answer{}
	err := eachField(wire, func(r record) error {
		if r.typ != protowire.BytesType {
			return nil
		}
		switch r.num {
		case 2:
			return a.of.parse(r.bytes)
		case gotFiles, gotNumbers, gotList, gotError:
			if a.kind != r.num { // of a oneof the last counts
				*a = answer{of: a.of, kind: r.num}
			}
			return a.parse(r.bytes)
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
	names := "" // all of a list at once: there may be thousands
	if a.kind == gotList {
		names = string(wire)
	}
	return eachField(wire, func(r record) error {
		switch {
		case a.kind == gotFiles && r.num == 1 && r.typ == protowire.BytesType:
			a.files = append(a.files, bytes.Clone(r.bytes))
		case a.kind == gotNumbers && r.num == 2 && r.typ == protowire.VarintType:
			a.numbers = append(a.numbers, int32(r.varint))
		case a.kind == gotNumbers && r.num == 2 && r.typ == protowire.BytesType: // packed
			for packed := r.bytes; len(packed) > 0; {
				x, size := protowire.ConsumeVarint(packed)
				if size < 0 {
					return protowire.ParseError(size)
				}
				a.numbers, packed = append(a.numbers, int32(x)), packed[size:]
			}
		case a.kind == gotList && r.num == 1 && r.typ == protowire.BytesType:
			name := ""
			err := eachField(r.bytes, func(r record) error {
				if r.num != 1 || r.typ != protowire.BytesType {
					return nil
				}
				if !utf8.Valid(r.bytes) {
					return errNoText
				}
				at := cap(wire) - cap(r.bytes) // both end where the wire does
				name = names[at : at+len(r.bytes)]
				return nil
			})
			a.services = append(a.services, name)
			return err
		case a.kind == gotError && r.num == 1 && r.typ == protowire.VarintType:
			a.code = int32(r.varint)
		case a.kind == gotError:
			return textField(r, 2, &a.message)
		}
		return nil
	})
}

// parse reads a ServerReflectionRequest.
func (q *request) parse(wire []byte) error {
	return eachField(wire, func(r record) error {
		if r.typ != protowire.BytesType || r.num < askFile || r.num > askList {
			return nil
		}
		if r.num != askExtension {
			*q = request{kind: r.num} // of a oneof the last counts
			return textField(r, r.num, &q.name)
		}
		if q.kind != askExtension {
			*q = request{kind: askExtension}
		}
		return eachField(r.bytes, func(r record) error {
			if r.num == 2 && r.typ == protowire.VarintType {
				q.number = int32(r.varint)
			}
			return textField(r, 1, &q.name)
		})
	})
}

// text takes the text of a field, if the record is of that.
func textField(r record, num protowire.Number, to *string) error {
	if r.num != num || r.typ != protowire.BytesType {
		return nil
	}
	if !utf8.Valid(r.bytes) {
		return errNoText
	}
	*to = string(r.bytes)
	return nil
}

// eachField calls f with each field of a message, until an error.
func eachField(wire []byte, f func(record) error) error {
	var failed error
	err := records(wire, func(r record) bool {
		failed = f(r)
		return failed == nil
	})
	return errors.Join(failed, err)
}
