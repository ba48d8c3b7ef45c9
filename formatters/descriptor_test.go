package formatters

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

func describe(t *testing.T, d protoreflect.Descriptor, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := WriteDescriptor(&b, d, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteDescriptor(t *testing.T) {
	files := compile(t, "kitchen.proto", "old.proto")
	var b strings.Builder
	for _, name := range []protoreflect.FullName{
		"kitchen.v1.Kitchen", "kitchen.v1.Kitchen.Cook", "kitchen.v1.Dish", "kitchen.v1.Dish.heat", "kitchen.v1.Dish.payment",
		"kitchen.v1.Dish.labels", "kitchen.v1.Heat", "kitchen.v1.HEAT_MILD", "old.v1.Registry", "old.v1.Thing", "old.v1.Thing.id",
		"old.v1.Thing.Inner", "old.v1.nick",
	} {
		d, err := files.FindDescriptorByName(name)
		if err != nil {
			t.Fatal(err)
		}
		got := describe(t, d, Options{})
		if colored := uncolored(describe(t, d, Options{Color: true})); colored != got {
			t.Errorf("%s: colours change the text: %s", name, colored)
		}
		b.WriteString(got + "\n")
	}
	golden(t, "descriptor", b.String())
	file, err := files.FindFileByPath("old.proto")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "descriptor-file", describe(t, file, Options{}))
	golden(t, "descriptor-color", describe(t, descriptor[protoreflect.Descriptor](t, files, "old.v1.Registry"), Options{Color: true})+
		describe(t, descriptor[protoreflect.Descriptor](t, files, "kitchen.v1.Heat"), Options{Color: true}))
}

// hostile is a file whose comments and options try to reach the terminal.
func hostile(comment string) *descriptorpb.FileDescriptorProto {
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("a\x1b[2J.proto"), Package: proto.String("p"), Syntax: proto.String("proto2"),
		Options: &descriptorpb.FileOptions{GoPackage: proto.String("x\x1b]0;t\a" + comment)},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("M"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("f"), Number: proto.Int32(1), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
				Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), DefaultValue: proto.String(comment), JsonName: proto.String(comment),
			}},
		}},
		SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{
			{Path: []int32{4, 0}, Span: []int32{0, 0, 1}, LeadingComments: proto.String(comment), TrailingComments: proto.String(comment)},
			{Path: []int32{4, 0, 2, 0}, Span: []int32{1, 0, 1}, LeadingComments: proto.String(comment)},
		}},
	}
}

func FuzzWriteDescriptor(f *testing.F) {
	f.Add("comment\x1b[31m\n*/ \u202e\u009b \u2028 }\r\n")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, comment string) {
		file, err := protodesc.NewFile(hostile(comment), new(protoregistry.Files))
		if err != nil {
			t.Skip(err)
		}
		for _, d := range []protoreflect.Descriptor{file, file.Messages().Get(0), file.Messages().Get(0).Fields().Get(0)} {
			for _, color := range []bool{false, true} {
				got := describe(t, d, Options{Color: color})
				if color {
					got = uncolored(got)
				}
				harmless(t, string(d.FullName()), got)
			}
		}
	})
}

// A file that imports what nobody has is printed nonetheless, or is an error.
func TestWriteDescriptorWithPlaceholders(t *testing.T) {
	p := hostile("c")
	p.Dependency = []string{"gone.proto"}
	p.MessageType[0].Field = append(p.MessageType[0].Field, &descriptorpb.FieldDescriptorProto{
		Name: proto.String("g"), Number: proto.Int32(2), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), TypeName: proto.String(".gone.Message"),
	})
	file, err := protodesc.FileOptions{AllowUnresolvable: true}.New(p, new(protoregistry.Files))
	if err != nil {
		t.Fatal(err)
	}
	got := describe(t, file.Messages().Get(0), Options{})
	if want := "gone.Message g = 2;"; !strings.Contains(got, want) {
		t.Errorf("no %q in:\n%s", want, got)
	}
}
