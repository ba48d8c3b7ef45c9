package formatters

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// A schema with long names makes much of a small message: it is printed in pieces, and where
// it would have to be whole it is refused.
func TestSmallMessageOfLongNames(t *testing.T) {
	const values = 100_000
	name := strings.Repeat("A", 1000)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("long.proto"), Package: proto.String("long"), Syntax: proto.String("proto3"),
		EnumType: []*descriptorpb.EnumDescriptorProto{{
			Name: proto.String("E"), Value: []*descriptorpb.EnumValueDescriptorProto{{Name: &name, Number: proto.Int32(0)}},
		}},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("e"), JsonName: proto.String("e"), Number: proto.Int32(1), TypeName: proto.String(".long.E"),
			Type: descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum(),
		}}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wire := append(protowire.AppendVarint([]byte{1<<3 | 2}, values), make([]byte, values)...)
	m := &invoke.Message{Desc: file.Messages().Get(0), Wire: wire}

	w := &writes{}
	p, err := New(NDJSON, w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Event(response(m, 0)), p.Flush()); err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, piece := range w.each {
		if size += len(piece); len(piece) > 1<<20 {
			t.Fatalf("%d bytes were held", len(piece))
		}
	}
	if want := values*(len(name)+3) + len(`{"e":[]}`); size != want {
		t.Errorf("%d bytes were printed, want %d", size, want)
	}
	var out bytes.Buffer
	if p, err = New(Events, &out, Options{}); err != nil {
		t.Fatal(err)
	}
	var fault *transcode.WireError
	if err := p.Event(response(m, 0)); !errors.As(err, &fault) || fault.Problem != transcode.TooLong || out.Len() > 0 {
		t.Errorf("it printed %d bytes and ended in %v", out.Len(), err)
	}
}
