package call

import (
	"errors"
	"fmt"

	"github.com/jhump/protoreflect/v2/protobuilder"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
)

// checkSchemaless refuses what needs a schema when --kind says that there is none.
func (o *Options) checkSchemaless(format formatters.Format) error {
	if o.Kind.Value == "" {
		return nil
	}
	if len(o.data)+len(o.Messages) > 0 && o.In.Value != "raw" {
		return problem.Usage(errors.New("with no schema a message can only be given as bytes"), "--in raw -d @FILE")
	}
	switch format {
	case formatters.Text, formatters.Raw:
		return nil
	}
	return problem.Usage(fmt.Errorf("with no schema answers cannot be printed as %s", format),
		"-o text shows them by field number, -o raw their bytes")
}

// Schemaless makes up a method whose messages have no fields that are known.
func Schemaless(name, kind string) (protoreflect.MethodDescriptor, error) {
	service, method, err := discovery.ParseMethod(name)
	if err != nil {
		return nil, problem.Usage(err, "")
	}
	if service == "" {
		return nil, problem.Usage(fmt.Errorf("%s: with no schema the method's name must be given in full", name),
			"pkg.Service/Method")
	}
	empty := (&emptypb.Empty{}).ProtoReflect().Descriptor()
	return MakeMethod(service, method, empty, kind == "client-stream" || kind == "bidi", kind == "server-stream" ||
		kind == "bidi")
}

// MakeMethod makes up a method that takes and gives the same message.
func MakeMethod(
	service protoreflect.FullName, method protoreflect.Name, message protoreflect.MessageDescriptor, clientStreams,
	serverStreams bool,
) (protoreflect.MethodDescriptor, error) {
	m := protobuilder.NewMethod(method,
		protobuilder.RPCTypeImportedMessage(message, clientStreams), protobuilder.RPCTypeImportedMessage(message,
			serverStreams))
	file := protobuilder.NewFile("rpcctl/made-up.proto").SetPackageName(service.Parent()).
		AddService(protobuilder.NewService(service.Name()).AddMethod(m))
	d, err := file.Build()
	if err != nil {
		return nil, fmt.Errorf("making up the method %s/%s: %w", service, method, err)
	}
	return d.Services().Get(0).Methods().Get(0), nil
}
