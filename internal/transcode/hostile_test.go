package transcode

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// A type with the name of a well-known one, but with extensions or oneofs, is an ordinary
// message.
func TestWellKnownNamesOfOthers(t *testing.T) {
	type proto2 = descriptorpb.FieldDescriptorProto
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type) *proto2 {
		return &proto2{Name: &name, Number: &number, Type: &kind, Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	}
	const str, raw, i64, i32 = descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_BYTES,
		descriptorpb.FieldDescriptorProto_TYPE_INT64, descriptorpb.FieldDescriptorProto_TYPE_INT32
	types := map[string][]*proto2{
		"Any":         {field("type_url", 1, str), field("value", 2, raw)},
		"Timestamp":   {field("seconds", 1, i64), field("nanos", 2, i32)},
		"Duration":    {field("seconds", 1, i64), field("nanos", 2, i32)},
		"FieldMask":   {field("paths", 1, str)},
		"StringValue": {field("value", 1, str)},
		"Int64Value":  {field("value", 1, i64)},
	}
	types["FieldMask"][0].Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	for name, fields := range types {
		file := &descriptorpb.FileDescriptorProto{
			Name: proto.String("other.proto"), Package: proto.String("google.protobuf"), Syntax: proto.String("proto2"),
			MessageType: []*descriptorpb.DescriptorProto{{
				Name: &name, Field: fields,
				ExtensionRange: []*descriptorpb.DescriptorProto_ExtensionRange{{Start: proto.Int32(100), End: proto.Int32(200)}},
			}},
		}
		x := field("more", 100, str)
		x.Extendee = proto.String(".google.protobuf." + name)
		file.Extension = []*proto2{x}
		fd, err := protodesc.NewFile(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		files := new(protoregistry.Files)
		if err := files.RegisterFile(fd); err != nil {
			t.Fatal(err)
		}
		md, set := fd.Messages().Get(0), dynamicpb.NewTypes(files)
		wire := []byte("\xa2\x06\x05hello")
		out, err := NewEncoder(md, EncodeOptions{Types: set}).Append(nil, wire)
		if err != nil || string(out) != `{"[google.protobuf.more]":"hello"}` {
			t.Errorf("%s: %s, %v", name, out, err)
			continue
		}
		back, err := NewDecoder(md, DecodeOptions{Types: set}).Append(nil, out)
		if err != nil || string(back) != string(wire) {
			t.Errorf("%s: %q, %v", name, back, err)
		}
	}
}
