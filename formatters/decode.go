package formatters

import (
	"io"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// types returns the resolver of the types in a message.
func (o *Options) types(m *invoke.Message) invoke.Types {
	if o.Types != nil {
		return known{o.Types}
	}
	return known{m.Types}
}

// decoded returns a message as a value. The error is a *transcode.WireError, which names the field
// at fault.
func decoded(m *invoke.Message, o *Options) (protoreflect.Message, error) {
	own := *m // the event's message stays as it is
	own.Types = o.types(m)
	value, err := own.Decode()
	if err == nil {
		return value.ProtoReflect(), nil
	}
	place := transcode.NewEncoder(m.Desc, transcode.EncodeOptions{Types: own.Types}).Write(io.Discard, m.Wire)
	if place == nil {
		place = &transcode.WireError{Problem: Clean(err.Error(), false)}
	}
	return nil, place
}
