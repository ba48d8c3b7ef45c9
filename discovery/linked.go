package discovery

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/apipb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/sourcecontextpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/typepb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// linkedSet holds the descriptors that are part of this program, by path. The
// registry of the process is not asked, since it also has what the demo brings.
type linkedSet struct {
	byPath map[string]protoreflect.FileDescriptor
	// wellKnown are the files of package google.protobuf. Their JSON forms and
	// meanings are fixed, so that they stand in for whatever else has their names.
	wellKnown []protoreflect.FileDescriptor
	rest      []protoreflect.FileDescriptor
}

// linked returns the set, made at its first use.
var linked = sync.OnceValue(func() *linkedSet {
	l := &linkedSet{
		byPath: map[string]protoreflect.FileDescriptor{},
		wellKnown: []protoreflect.FileDescriptor{
			timestamppb.File_google_protobuf_timestamp_proto,
			durationpb.File_google_protobuf_duration_proto,
			anypb.File_google_protobuf_any_proto,
			emptypb.File_google_protobuf_empty_proto,
			wrapperspb.File_google_protobuf_wrappers_proto,
			structpb.File_google_protobuf_struct_proto,
			fieldmaskpb.File_google_protobuf_field_mask_proto,
			descriptorpb.File_google_protobuf_descriptor_proto,
			apipb.File_google_protobuf_api_proto,
			typepb.File_google_protobuf_type_proto,
			sourcecontextpb.File_google_protobuf_source_context_proto,
		},
		rest: []protoreflect.FileDescriptor{
			errdetails.File_google_rpc_error_details_proto,
			status.File_google_rpc_status_proto,
			code.File_google_rpc_code_proto,
			healthpb.File_grpc_health_v1_health_proto,
			reflectpb.File_grpc_reflection_v1_reflection_proto,
		},
	}
	for _, f := range slices.Concat(l.wellKnown, l.rest) {
		l.byPath[f.Path()] = f
	}
	return l
})

// wellKnownFile returns the linked file of package google.protobuf with a path.
func wellKnownFile(path string) protoreflect.FileDescriptor {
	if f := linked().byPath[path]; f != nil && f.Package() == wellKnownPackage {
		return f
	}
	return nil
}

const wellKnownPackage = "google.protobuf"

// wellKnownSymbol returns the linked symbol of package google.protobuf with a
// name.
func wellKnownSymbol(name protoreflect.FullName) protoreflect.Descriptor {
	if !symbol.Within(wellKnownPackage, name) {
		return nil
	}
	return symbol.InFiles(linked().wellKnown, name)
}

// linkedSymbol returns a linked symbol outside google.protobuf.
func linkedSymbol(name protoreflect.FullName) protoreflect.Descriptor {
	return symbol.InFiles(linked().rest, name)
}

// A builtin is the Source of linked descriptors.
type builtin struct{}

// Builtin returns the source of what is part of this program: the well-known
// types, the error details of google.rpc, and the health service. It lists no
// services, since it knows of no server. Put it last in a Layer.
func Builtin() Source { return builtin{} }

func (builtin) Services(context.Context) ([]protoreflect.FullName, error) { return nil, nil }

func (builtin) Find(_ context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d := wellKnownSymbol(name); d != nil {
		return d, nil
	}
	if d := linkedSymbol(name); d != nil {
		return d, nil
	}
	return nil, &symbol.UnknownError{Kind: symbol.KindSymbol, Name: string(name)}
}

func (builtin) Extensions(context.Context, protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error) {
	return nil, nil
}
