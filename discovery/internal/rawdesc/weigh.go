package rawdesc

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The bounds of one file. The largest files of public schemas reach a tenth of these.
const (
	maxNesting  = 64        // levels of messages inside messages; protoc stops at 32
	maxWeight   = 1_500_000 // encoded fields, which stand for what they cost in memory
	scopeWeight = 8         // encoded fields that a message, enum or service counts for, in addition to its own
	maxLines    = 750_000   // lines of comments, each of which costs memory when it is printed
	MaxServices = 50_000    // services, of one file and of all files of a source
)

var (
	errTooDeep = fmt.Errorf("messages are nested more than %d deep", maxNesting)
	errTooMany = fmt.Errorf("more than %d declarations, options and comments", maxWeight)
	errTooLong = fmt.Errorf("more than %d lines of comments", maxLines)
)

// ErrServices is the error for a file or a source that has too many services.
var ErrServices = fmt.Errorf("more than %d services", MaxServices)

// A shape says which fields of a message of descriptor.proto hold messages, and the shapes of
// these. Fields of a nil shape are counted and not looked into.
type shape struct {
	fields map[protowire.Number]*shape
	nests  bool // it contains itself, so its depth is bounded
	lines  bool // it is a comment, whose lines are counted
	weight int  // how many fields it counts for, in addition to its own
}

// fileShape returns the shape of a FileDescriptorProto.
func fileShape() *shape {
	leaf := &shape{}
	options := &shape{fields: map[protowire.Number]*shape{uninterpretedName: leaf}}
	field := &shape{fields: map[protowire.Number]*shape{fieldOptions: options}}
	enum := &shape{weight: scopeWeight, fields: map[protowire.Number]*shape{
		enumValue:   {fields: map[protowire.Number]*shape{valueOptions: options}},
		enumOptions: options, enumReserved: leaf,
	}}
	message := &shape{nests: true, weight: scopeWeight}
	message.fields = map[protowire.Number]*shape{
		messageField: field, messageNested: message, messageEnum: enum,
		messageRange:     {fields: map[protowire.Number]*shape{rangeOptions: options}},
		messageExtension: field, messageOptions: options,
		messageOneof:    {fields: map[protowire.Number]*shape{oneofOptions: options}},
		messageReserved: leaf,
	}
	comment := &shape{lines: true}
	location := &shape{fields: map[protowire.Number]*shape{
		locationLeading: comment, locationTrailing: comment,
		locationDetached: comment,
	}}
	method := &shape{fields: map[protowire.Number]*shape{methodOptions: options}}
	return &shape{fields: map[protowire.Number]*shape{
		fileMessage: message, fileEnum: enum, fileExtension: field, fileOptions: options,
		fileService:    {weight: scopeWeight, fields: map[protowire.Number]*shape{serviceMethod: method, serviceOptions: options}},
		fileSourceInfo: {fields: map[protowire.Number]*shape{sourceLocation: location}},
	}}
}

// Weigh returns the weight of a file, which is the number of its encoded fields and lines of
// comments, before anything is allocated for it: a message of two encoded bytes takes a
// hundred in memory. It returns an error for a file that is too heavy or nests too deep.
func Weigh(raw []byte) (int, error) {
	count, lines := 0, 0
	var walk func(raw []byte, s *shape, depth int) error
	walk = func(raw []byte, s *shape, depth int) error {
		if s.nests {
			depth++
		}
		if depth > maxNesting {
			return errTooDeep
		}
		var inner error
		err := Fields(raw, func(r Field) bool {
			sub := s.fields[r.Number]
			if count++; sub != nil {
				count += sub.weight
			}
			if count > maxWeight {
				inner = errTooMany
				return false
			}
			switch {
			case sub == nil:
			case sub.lines:
				if lines += bytes.Count(r.Bytes, []byte{'\n'}); lines > maxLines {
					inner = errTooLong
				}
			default:
				inner = walk(r.Bytes, sub, depth)
			}
			return inner == nil
		})
		return errors.Join(err, inner)
	}
	err := walk(raw, fileShape(), 0)
	return count + lines, err
}
