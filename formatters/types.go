package formatters

import (
	"strings"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // the types of error details, which need no schema
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/rpcctl/rpcctl/invoke"
)

// known resolves the types of google.rpc and the well-known types by those linked into this program,
// without asking a server, and all others by types.
type known struct{ types invoke.Types }

func (k known) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if t := linked(name); t != nil {
		return t, nil
	}
	if k.types == nil {
		return nil, protoregistry.NotFound
	}
	return k.types.FindMessageByName(name)
}

func (k known) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if t := linked(typeName(url)); t != nil {
		return t, nil
	}
	if k.types == nil {
		return nil, protoregistry.NotFound
	}
	return k.types.FindMessageByURL(url)
}

// linked returns a type that is linked into this program, or nil.
func linked(name protoreflect.FullName) protoreflect.MessageType {
	if !strings.HasPrefix(string(name), "google.rpc.") && !strings.HasPrefix(string(name), "google.protobuf.") {
		return nil
	}
	t, err := protoregistry.GlobalTypes.FindMessageByName(name)
	if err != nil {
		return nil
	}
	return t
}

func (k known) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if k.types == nil {
		return nil, protoregistry.NotFound
	}
	return k.types.FindExtensionByName(name)
}

func (k known) FindExtensionByNumber(
	message protoreflect.FullName, n protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	if k.types == nil {
		return nil, protoregistry.NotFound
	}
	return k.types.FindExtensionByNumber(message, n)
}

// typeName returns the message name at the end of the type URL of an Any.
func typeName(url string) protoreflect.FullName {
	return protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
}
