package discovery

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The bounds of one file. The largest files of public schemas reach a tenth of these.
const (
	maxNesting  = 64        // levels of messages inside messages; protoc stops at 32
	maxRecords  = 1_500_000 // encoded fields, which stand for what they cost in memory
	scopeWeight = 8         // encoded fields that a message, enum or service counts for besides its own
	maxLines    = 750_000   // lines of comments, each of which costs memory when it is printed
	maxServices = 50_000    // services, of one file and of all files of a source
)

var (
	errTooDeep = fmt.Errorf("messages are nested more than %d deep", maxNesting)
	errTooMany = fmt.Errorf("more than %d declarations, options and comments", maxRecords)
	errTooLong = fmt.Errorf("more than %d lines of comments", maxLines)
)

// errServices is the error for a file, or a source, that has more services than it may have.
var errServices = fmt.Errorf("more than %d services", maxServices)

// wireShape says which fields of a message of descriptor.proto are messages, and
// of which shape. A nil shape has none that matter.
type wireShape struct {
	fields map[protowire.Number]*wireShape
	nests  bool // the shape contains itself
	lines  bool // it is a comment, of which each line counts
	weight int  // the fields that it counts for besides its own
}

// fileShape returns the shape of a FileDescriptorProto.
func fileShape() *wireShape {
	leaf := &wireShape{}
	options := &wireShape{fields: map[protowire.Number]*wireShape{uninterpretedName: leaf}}
	field := &wireShape{fields: map[protowire.Number]*wireShape{fieldOptions: options}}
	enum := &wireShape{weight: scopeWeight, fields: map[protowire.Number]*wireShape{
		enumValue:   {fields: map[protowire.Number]*wireShape{valueOptions: options}},
		enumOptions: options, enumReserved: leaf,
	}}
	message := &wireShape{nests: true, weight: scopeWeight}
	message.fields = map[protowire.Number]*wireShape{
		messageField: field, messageNested: message, messageEnum: enum,
		messageRange:     {fields: map[protowire.Number]*wireShape{rangeOptions: options}},
		messageExtension: field, messageOptions: options,
		messageOneof:    {fields: map[protowire.Number]*wireShape{oneofOptions: options}},
		messageReserved: leaf,
	}
	comment := &wireShape{lines: true}
	location := &wireShape{fields: map[protowire.Number]*wireShape{locationLeading: comment, locationTrailing: comment, locationDetached: comment}}
	method := &wireShape{fields: map[protowire.Number]*wireShape{methodOptions: options}}
	return &wireShape{fields: map[protowire.Number]*wireShape{
		fileMessage: message, fileEnum: enum, fileExtension: field, fileOptions: options,
		fileService:    {weight: scopeWeight, fields: map[protowire.Number]*wireShape{serviceMethod: method, serviceOptions: options}},
		fileSourceInfo: {fields: map[protowire.Number]*wireShape{sourceLocation: location}},
	}}
}

// weigh counts what a file holds before anything is allocated for it, since a
// message of two bytes on the wire takes a hundred in memory. It returns the sum of fields and
// lines of comments.
func weigh(raw []byte) (int, error) {
	count, lines := 0, 0
	var walk func(raw []byte, s *wireShape, depth int) error
	walk = func(raw []byte, s *wireShape, depth int) error {
		if s.nests {
			depth++
		}
		if depth > maxNesting {
			return errTooDeep
		}
		var inner error
		err := records(raw, func(r record) bool {
			sub := s.fields[r.num]
			if count++; sub != nil {
				count += sub.weight
			}
			if count > maxRecords {
				inner = errTooMany
				return false
			}
			switch {
			case sub == nil:
			case sub.lines:
				if lines += bytes.Count(r.bytes, []byte{'\n'}); lines > maxLines {
					inner = errTooLong
				}
			default:
				inner = walk(r.bytes, sub, depth)
			}
			return inner == nil
		})
		return errors.Join(err, inner)
	}
	err := walk(raw, fileShape(), 0)
	return count + lines, err
}
