package formatters

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/invoke"
)

// Bounds of what a message may take as values in memory, in bytes as bulk estimates
// them: where it is decoded as a whole, and where all of its JSON is.
const (
	maxDecoded = 160 << 20
	maxJSON    = 64 << 20
	// maxHeld is how large a message on the wire may be, in bytes, whose JSON is held
	// beside other things, or worked on by a program.
	maxHeld = 24 << 20
)

// A BulkError is a message that is not printed in a way that needs all of it in memory.
// JSON alone is printed without that.
type BulkError struct{ As string } // the format, or what else it is printed as

func (e *BulkError) Error() string { return "it is too large to be printed as " + e.As }

var errProgramInput = &BulkError{"what a jq program makes of it"}

// checkBulk returns a *BulkError for a message whose values take more than limit.
func checkBulk(m *invoke.Message, f Format, limit int) error {
	if len(m.Wire) < pieceSize {
		return nil
	}
	if left := bulk(m.Desc, m.Wire, limit, 0); left < 0 {
		return &BulkError{string(f)}
	}
	return nil
}

const (
	valueCost   = 24  // of an element of a list
	messageCost = 200 // of a message, or of the entry of a map
)

// bulk returns what is left of a limit when the values of a message are taken off it;
// less than 0: it is used up. What is no message costs what it has up to there.
func bulk(md protoreflect.MessageDescriptor, wire []byte, left, depth int) int {
	for len(wire) > 0 && left >= 0 && depth < 100 {
		num, typ, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return left
		}
		size := protowire.ConsumeFieldValue(num, typ, wire[n:])
		if size < 0 {
			return left
		}
		value := wire[n : n+size]
		wire = wire[n+size:]
		fd := md.Fields().ByNumber(num)
		if fd == nil {
			continue // it stays as it is
		}
		left -= valueCost
		switch {
		case typ == protowire.BytesType && fd.Message() != nil:
			body, _ := protowire.ConsumeBytes(value)
			left = bulk(fd.Message(), body, left-messageCost, depth+1)
		case typ == protowire.StartGroupType && fd.Message() != nil:
			body, _ := protowire.ConsumeGroup(num, value)
			left = bulk(fd.Message(), body, left-messageCost, depth+1)
		case typ == protowire.BytesType && fd.IsList() && fd.Kind() != protoreflect.StringKind && fd.Kind() != protoreflect.BytesKind:
			body, _ := protowire.ConsumeBytes(value)
			left -= valueCost * elements(fd.Kind(), body)
		case typ == protowire.BytesType:
			left -= len(value)
		}
	}
	return left
}

// elements is how many numbers a packed list has.
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
