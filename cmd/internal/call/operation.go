package call

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/rpcctl/rpcctl/invoke"
)

// The names of long-running operations (https://google.aip.dev/151). A server that
// returns them need not tell by reflection that it has the service, so what is needed of
// its schema is made up here.
const (
	operationService protoreflect.FullName = "google.longrunning.Operations"
	operationType    protoreflect.FullName = "google.longrunning.Operation"
)

// An operation is a google.longrunning.Operation.
type operation struct {
	name               string
	metadata, response []byte // google.protobuf.Any, encoded
	done               bool
	err                *invoke.Status // nil: it did not fail
}

// readOperation reads an operation from its encoded bytes.
func readOperation(wire []byte) (op operation, err error) {
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return op, notOperation(n)
		}
		wire = wire[n:]
		var bytes []byte
		var varint uint64
		switch kind {
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(wire)
		case protowire.VarintType:
			varint, n = protowire.ConsumeVarint(wire)
		default:
			n = protowire.ConsumeFieldValue(number, kind, wire)
		}
		if n < 0 {
			return op, notOperation(n)
		}
		wire = wire[n:]
		switch kind {
		case protowire.BytesType:
			err = op.set(number, bytes)
		case protowire.VarintType:
			if number == 3 {
				op.done = varint != 0
			}
		}
		if err != nil {
			return op, err
		}
	}
	if !op.done && op.name == "" {
		return op, errors.New("the operation is not done and has no name to ask for it by")
	}
	return op, nil
}

// set sets a field that has bytes.
func (op *operation) set(number protowire.Number, value []byte) error {
	switch number {
	case 1:
		op.name = string(value)
	case 2:
		op.metadata = value
	case 4:
		var s status.Status
		if err := proto.Unmarshal(value, &s); err != nil {
			return fmt.Errorf("reading the error of an operation: %w", err)
		}
		op.response, op.err = nil, &invoke.Status{
			Code: codes.Code(s.GetCode()), Message: s.GetMessage(),
			Details: s.GetDetails(), Origin: invoke.OriginServer,
		}
	case 5:
		op.response, op.err = value, nil
	}
	return nil
}

func notOperation(n int) error {
	return fmt.Errorf("reading an operation: %w", protowire.ParseError(n))
}

// unpackAny returns the type and the bytes of what is in an encoded Any. ok is false when
// the type is not known.
func unpackAny(wire []byte, types invoke.Types) (desc protoreflect.MessageDescriptor, value []byte, ok bool) {
	url := ""
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return nil, nil, false
		}
		wire = wire[n:]
		if n = protowire.ConsumeFieldValue(number, kind, wire); n < 0 {
			return nil, nil, false
		}
		if kind == protowire.BytesType {
			bytes, _ := protowire.ConsumeBytes(wire)
			switch number {
			case 1:
				url = string(bytes)
			case 2:
				value = bytes
			}
		}
		wire = wire[n:]
	}
	if url == "" || types == nil {
		return nil, nil, false
	}
	mt, err := types.FindMessageByURL(url)
	if err != nil {
		return nil, nil, false
	}
	return mt.Descriptor(), value, true
}

// operationRequest is the request of all methods: the name, and how long to wait, 0 for
// the methods that do not.
func operationRequest(name string, wait time.Duration) []byte {
	b := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), name)
	if wait == 0 {
		return b
	}
	seconds := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(wait/time.Second))
	return protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), seconds)
}

// operationMethods are the methods of the operations service.
type operationMethods struct{ get, wait, cancel protoreflect.MethodDescriptor }

// newOperationMethods makes up the service for the type of operation that a server has. It
// does so by protodesc, since protobuilder refuses a second google.longrunning.Operations
// beside the one in the file of the type.
func newOperationMethods(op protoreflect.MessageDescriptor) (*operationMethods, error) {
	var files protoregistry.Files
	imports := []string{}
	for _, file := range []protoreflect.FileDescriptor{
		op.ParentFile(), durationpb.File_google_protobuf_duration_proto,
		emptypb.File_google_protobuf_empty_proto,
	} {
		if err := files.RegisterFile(file); err != nil {
			return nil, err
		}
		imports = append(imports, file.Path())
	}
	const request = ".google.longrunning.AskedOfOperation"
	method := func(name, output string) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: proto.String(name), InputType: proto.String(request),
			OutputType: proto.String(output),
		}
	}
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type,
		message *string,
	) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{
			Name: proto.String(name), JsonName: proto.String(name), Number: proto.Int32(number), Type: kind.Enum(),
			TypeName: message,
			Label:    descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
	}
	d, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("rpcctl/operations.proto"), Package: proto.String(
			"google.longrunning"), Syntax: proto.String("proto3"), Dependency: imports,
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("AskedOfOperation"),
			Field: []*descriptorpb.FieldDescriptorProto{
				field("name", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING, nil),
				field("timeout", 2, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE,
					proto.String(".google.protobuf.Duration")),
			},
		}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String(string(operationService.Name())),
			Method: []*descriptorpb.MethodDescriptorProto{
				method("GetOperation", "."+string(operationType)),
				method("WaitOperation", "."+string(operationType)),
				method("CancelOperation", ".google.protobuf.Empty"),
			},
		}},
	}, &files)
	if err != nil {
		return nil, fmt.Errorf("making up %s: %w", operationService, err)
	}
	m := d.Services().Get(0).Methods()
	return &operationMethods{get: m.Get(0), wait: m.Get(1), cancel: m.Get(2)}, nil
}
