package protosource

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/formatters/internal/safetext"
)

// Hidden characters in a server's comments are escapes in the files that are written of its
// schema, and everything else is unchanged.
func TestSourceHasNoHiddenCharacters(t *testing.T) {
	fd := &descriptorpb.FileDescriptorProto{
		Name: proto.String("f.proto"), Package: proto.String("p"), Syntax: proto.String("proto2"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("s"), Number: proto.Int32(1), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), DefaultValue: proto.String("a // \x1b[2J \" b"),
		}}}},
		SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{{
			Path: []int32{4, 0}, Span: []int32{3, 0, 5, 1},
			LeadingComments: proto.String(" bell\a and \x1b[31mred\r\n bidi \u202e C1 \u009b, it's \"quoted\n"), TrailingComments: proto.String(" 1\x00 */ 2\x7f\n"),
			LeadingDetachedComments: []string{" gone\b\b\b\b\n"},
		}}},
	}
	f, err := protodesc.NewFile(fd, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := WriteFile(&b, f); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != safetext.Clean(got, true) {
		t.Errorf("%q", got)
	}
	for _, want := range []string{`// bell`, `red`, `it's "quoted`, `default = "a // \x1b[2J \" b"`, "optional string s = 1"} {
		if !strings.Contains(strings.ReplaceAll(b.String(), `\033`, `\x1b`), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}
