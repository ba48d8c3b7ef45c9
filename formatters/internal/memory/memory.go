// Package memory estimates what a message takes as values in memory, which may be many times its
// encoded size.
package memory

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/invoke"
)

// Bounds of what a message may take as values in memory, in bytes as estimated here.
const (
	MaxDecoded = 160 << 20 // where it is decoded as a whole
	MaxJSON    = 64 << 20  // where all of its JSON is
)

// Encoded sizes of messages, in bytes.
const (
	// PieceSize is the size from which a message is printed in pieces, so that its JSON is
	// never whole in memory.
	PieceSize = 1 << 20
	// MaxHeld is the greatest message whose JSON is held beside other things, or worked on by a
	// program.
	MaxHeld = 24 << 20
)

// An Error is the error for a message too large for a format that needs all of it in memory, as
// every format but JSON does.
type Error struct{ As string } // the format, or what else it is printed as

func (e *Error) Error() string { return "it is too large to be printed as " + e.As }

// Check returns an *Error for a message whose values take more than limit, which is printed as
// some format.
func Check(m *invoke.Message, as string, limit int) error {
	if len(m.Wire) >= PieceSize && remaining(limit, m.Desc, m.Wire, 0) < 0 {
		return &Error{as}
	}
	return nil
}

const (
	elementCost = 24  // of an element of a list
	messageCost = 200 // of a message, or of the entry of a map
	maxDepth    = 100
)

// remaining returns a limit less what the values of a message take, which is below 0 when the limit
// is passed. A broken message takes what its intact part does.
func remaining(limit int, md protoreflect.MessageDescriptor, encoded []byte, depth int) int {
	for len(encoded) > 0 && limit >= 0 && depth < maxDepth {
		num, typ, n := protowire.ConsumeTag(encoded)
		if n < 0 {
			return limit
		}
		size := protowire.ConsumeFieldValue(num, typ, encoded[n:])
		if size < 0 {
			return limit
		}
		value := encoded[n : n+size]
		encoded = encoded[n+size:]
		fd := md.Fields().ByNumber(num)
		if fd == nil {
			continue // unknown fields stay encoded
		}
		limit = remainingAfter(limit-elementCost, fd, typ, value, depth)
	}
	return limit
}

// remainingAfter returns a limit less what one encoded value of a field takes.
func remainingAfter(limit int, fd protoreflect.FieldDescriptor, typ protowire.Type, value []byte, depth int) int {
	if typ == protowire.StartGroupType && fd.Message() != nil {
		body, _ := protowire.ConsumeGroup(fd.Number(), value)
		return remaining(limit-messageCost, fd.Message(), body, depth+1)
	}
	if typ != protowire.BytesType {
		return limit
	}
	body, _ := protowire.ConsumeBytes(value)
	switch {
	case fd.Message() != nil:
		return remaining(limit-messageCost, fd.Message(), body, depth+1)
	case fd.IsList() && fd.Kind() != protoreflect.StringKind && fd.Kind() != protoreflect.BytesKind:
		return limit - elementCost*elements(fd.Kind(), body)
	}
	return limit - len(value)
}

// elements returns how many numbers a packed list has.
func elements(k protoreflect.Kind, packed []byte) int {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return len(packed) / 4
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return len(packed) / 8
	}
	n := 0
	for _, b := range packed {
		if b < 0x80 { // the last byte of a varint
			n++
		}
	}
	return n
}
