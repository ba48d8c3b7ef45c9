package transcode

import (
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// wideMessage is a message of its own kind, next, and of n oneofs.
func wideMessage(t *testing.T, n int) protoreflect.MessageDescriptor {
	t.Helper()
	m := &descriptorpb.DescriptorProto{Name: proto.String("Wide"), Field: []*descriptorpb.FieldDescriptorProto{{
		Name: proto.String("next"), Number: proto.Int32(1), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), TypeName: proto.String(".Wide"),
	}}}
	for i := range n {
		m.OneofDecl = append(m.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String("o" + strconv.Itoa(i))})
		m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String("f" + strconv.Itoa(i)), Number: proto.Int32(int32(20_000 + i)), OneofIndex: proto.Int32(int32(i)),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(),
		})
	}
	fd, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("wide.proto"), Syntax: proto.String("proto3"), MessageType: []*descriptorpb.DescriptorProto{m},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fd.Messages().Get(0)
}

// A message that nests deep takes no memory for all oneofs of each level.
func TestWideMessagesNest(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	const oneofs, most = 10_000, 160 << 20 // bytes, of all that is grown out of, too
	md := wideMessage(t, oneofs)
	encoder, decoder := NewEncoder(md, EncodeOptions{}), NewDecoder(md, DecodeOptions{})
	for depth, want := range map[int]string{100: "", maxOpen / oneofs * 4: tooWide} {
		json := strings.Repeat(`{"next":`, depth) + "{}" + strings.Repeat("}", depth)
		var wire []byte
		for range depth {
			wire = protowire.AppendBytes([]byte{1<<3 | 2}, wire)
		}
		var before, after runtime.MemStats
		for what, do := range map[string]func() error{
			"encoding": func() error { return encoder.Write(io.Discard, wire) },
			"decoding": func() error { _, err := decoder.Append(nil, []byte(json)); return err },
		} {
			runtime.ReadMemStats(&before)
			err := do()
			runtime.ReadMemStats(&after)
			if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s %d levels: %v, want %q", what, depth, err, want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > most {
				t.Errorf("%s %d levels took %d bytes", what, depth, n)
			}
		}
	}
}
