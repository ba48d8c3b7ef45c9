// Package builtin has the descriptors that are part of this program: the files of package
// google.protobuf, error details, health and reflection. It also has the text of the files
// that every compiler of .proto files brings.
package builtin

import (
	"slices"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
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

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A linkedSet holds the descriptors that are linked into this program. It does not ask the
// registry of the process, which also has the descriptors of the demo server.
type linkedSet struct {
	byPath map[string]protoreflect.FileDescriptor
	// wellKnown are the files of package google.protobuf. Their meanings and JSON forms are
	// fixed, so they replace whatever else has their names.
	wellKnown []protoreflect.FileDescriptor
	others    []protoreflect.FileDescriptor
}

// linked returns the set. It is made at the first use, since most commands need none of it.
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
		others: []protoreflect.FileDescriptor{
			errdetails.File_google_rpc_error_details_proto,
			status.File_google_rpc_status_proto,
			code.File_google_rpc_code_proto,
			healthpb.File_grpc_health_v1_health_proto,
			reflectpb.File_grpc_reflection_v1_reflection_proto,
		},
	}
	for _, f := range slices.Concat(l.wellKnown, l.others) {
		l.byPath[f.Path()] = f
	}
	return l
})

// File returns the linked file with a path, or nil.
func File(path string) protoreflect.FileDescriptor { return linked().byPath[path] }

// Has reports whether a descriptor is that of a linked file.
func Has(f protoreflect.FileDescriptor) bool { return linked().byPath[f.Path()] == f }

// WellKnownFile returns the linked file of package google.protobuf with a path, or nil.
func WellKnownFile(path string) protoreflect.FileDescriptor {
	if f := linked().byPath[path]; f != nil && f.Package() == WellKnownPackage {
		return f
	}
	return nil
}

// WellKnownPackage is the package of the well-known types.
const WellKnownPackage = "google.protobuf"

// WellKnownSymbol returns the linked symbol of package google.protobuf with a full name, or
// nil.
func WellKnownSymbol(name protoreflect.FullName) protoreflect.Descriptor {
	if !symbol.Within(WellKnownPackage, name) {
		return nil
	}
	return symbol.InFiles(linked().wellKnown, name)
}

// OtherSymbol returns the linked symbol outside package google.protobuf with a full name, or
// nil.
func OtherSymbol(name protoreflect.FullName) protoreflect.Descriptor {
	return symbol.InFiles(linked().others, name)
}
