package discovery

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
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
	number int32  // askExtension: the number of an extension of the message of that name
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
	err := eachField(wire, func(r rawdesc.Field) error {
		if r.Type != protowire.BytesType {
			return nil
		}
		switch r.Number {
		case 2:
			return a.of.parse(r.Bytes)
		case gotFiles, gotNumbers, gotList, gotError:
			if a.kind != r.Number { // of a oneof the last field counts
				*a = answer{of: a.of, kind: r.Number}
			}
			return a.parse(r.Bytes)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// parse reads the message in the field of the answer's kind.
func (a *answer) parse(encoded []byte) error {
	names := "" // made once for the whole list: there may be thousands
	if a.kind == gotList {
		names = string(encoded)
	}
	return eachField(encoded, func(r rawdesc.Field) error {
		switch a.kind {
		case gotFiles:
			if r.Number == 1 && r.Type == protowire.BytesType {
				a.files = append(a.files, bytes.Clone(r.Bytes))
			}
		case gotNumbers:
			return a.parseNumbers(r)
		case gotList:
			if r.Number == 1 && r.Type == protowire.BytesType {
				return a.parseService(r.Bytes, encoded, names)
			}
		case gotError:
			if r.Number == 1 && r.Type == protowire.VarintType {
				a.code = int32(r.Varint)
				return nil
			}
			return textField(r, 2, &a.message)
		}
		return nil
	})
}

// parseNumbers reads a field of an ExtensionNumberResponse, whose numbers may be packed.
func (a *answer) parseNumbers(r rawdesc.Field) error {
	switch {
	case r.Number != 2:
	case r.Type == protowire.VarintType:
		a.numbers = append(a.numbers, int32(r.Varint))
	case r.Type == protowire.BytesType:
		for packed := r.Bytes; len(packed) > 0; {
			x, size := protowire.ConsumeVarint(packed)
			if size < 0 {
				return protowire.ParseError(size)
			}
			a.numbers, packed = append(a.numbers, int32(x)), packed[size:]
		}
	}
	return nil
}

// parseService reads a ServiceResponse, which is a part of encoded. names is encoded as a
// string, of which the name of the service is a part.
func (a *answer) parseService(service, encoded []byte, names string) error {
	name := ""
	err := eachField(service, func(r rawdesc.Field) error {
		if r.Number != 1 || r.Type != protowire.BytesType {
			return nil
		}
		if !utf8.Valid(r.Bytes) {
			return errNoText
		}
		at := cap(encoded) - cap(r.Bytes) // both end where encoded does
		name = names[at : at+len(r.Bytes)]
		return nil
	})
	a.services = append(a.services, name)
	return err
}

// parse reads a ServerReflectionRequest.
func (q *request) parse(wire []byte) error {
	return eachField(wire, func(r rawdesc.Field) error {
		if r.Type != protowire.BytesType || r.Number < askFile || r.Number > askList {
			return nil
		}
		if r.Number != askExtension {
			*q = request{kind: r.Number} // of a oneof the last field counts
			return textField(r, r.Number, &q.name)
		}
		if q.kind != askExtension {
			*q = request{kind: askExtension}
		}
		return eachField(r.Bytes, func(r rawdesc.Field) error {
			if r.Number == 2 && r.Type == protowire.VarintType {
				q.number = int32(r.Varint)
			}
			return textField(r, 1, &q.name)
		})
	})
}

// text takes the text of a field, if the record is of that.
func textField(r rawdesc.Field, num protowire.Number, to *string) error {
	if r.Number != num || r.Type != protowire.BytesType {
		return nil
	}
	if !utf8.Valid(r.Bytes) {
		return errNoText
	}
	*to = string(r.Bytes)
	return nil
}

// eachField calls f with each field of a message, until an error.
func eachField(wire []byte, f func(rawdesc.Field) error) error {
	var failed error
	err := rawdesc.Fields(wire, func(r rawdesc.Field) bool {
		failed = f(r)
		return failed == nil
	})
	return errors.Join(failed, err)
}
