package discovery

import (
	"context"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A builtinSource is the Source of linked descriptors.
type builtinSource struct{}

// Builtin returns the source of what is part of this program: the well-known
// types, the error details of google.rpc, and the health service. It lists no
// services, since it knows of no server. Put it last in a Layer.
func Builtin() Source { return builtinSource{} }

func (builtinSource) Services(context.Context) ([]protoreflect.FullName, error) { return nil, nil }

func (builtinSource) Find(_ context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d := builtin.WellKnownSymbol(name); d != nil {
		return d, nil
	}
	if d := builtin.OtherSymbol(name); d != nil {
		return d, nil
	}
	return nil, &symbol.UnknownError{Kind: symbol.KindSymbol, Name: string(name)}
}

func (builtinSource) Extensions(context.Context, protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error) {
	return nil, nil
}
