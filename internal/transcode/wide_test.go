package transcode

import (
	"bytes"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// wideMessage is a message with a field next of its own type, a list all of them, and n
// oneofs, the first of which has two members: other and f0.
func wideMessage(t *testing.T, n int) protoreflect.MessageDescriptor {
	t.Helper()
	m := &descriptorpb.DescriptorProto{Name: proto.String("Wide"), Field: []*descriptorpb.FieldDescriptorProto{{
		Name: proto.String("next"), Number: proto.Int32(1), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), TypeName: proto.String(".Wide"),
	}, {
		Name: proto.String("all"), Number: proto.Int32(2), Label: descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum(),
		Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), TypeName: proto.String(".Wide"),
	}, {
		Name: proto.String("other"), Number: proto.Int32(3), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(), OneofIndex: proto.Int32(0),
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
	const oneofs, most = 10_000, 160 << 20 // bytes, including what was outgrown
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

// Elements of a few bytes cost what they hold, however many oneofs their type has.
func TestWideMessagesInAList(t *testing.T) {
	const elements, times = 5000, 30 // how many times longer it may take than with one oneof
	member := protowire.AppendVarint(protowire.AppendTag(nil, 20_000, protowire.VarintType), 7)
	wire := bytes.Repeat(protowire.AppendBytes([]byte{2<<3 | 2}, member), elements)
	json := []byte(`{"all":[{"f0":7}` + strings.Repeat(`,{"f0":7}`, elements-1) + `]}`)
	for what, took := range map[string]func(oneofs int) time.Duration{
		"encoding": func(oneofs int) time.Duration {
			encoder := NewEncoder(wideMessage(t, oneofs), EncodeOptions{})
			return least(t, func() ([]byte, error) { return encoder.Append(nil, wire) }, json)
		},
		"decoding": func(oneofs int) time.Duration {
			decoder := NewDecoder(wideMessage(t, oneofs), DecodeOptions{})
			return least(t, func() ([]byte, error) { return decoder.Append(nil, json) }, wire)
		},
	} {
		if narrow, wide := took(1), took(30_000); wide > times*narrow {
			t.Errorf("%s %d elements took %v with one oneof, %v with 30,000", what, elements, narrow, wide)
		}
	}
}

// least returns the least time that do took, which each time returns want.
func least(t *testing.T, do func() ([]byte, error), want []byte) time.Duration {
	t.Helper()
	best := time.Hour
	for range 5 {
		begun := time.Now()
		out, err := do()
		best = min(best, time.Since(begun))
		if err != nil || !bytes.Equal(out, want) {
			t.Fatalf("%.60q, %v, want %.60q", out, err, want)
		}
	}
	return best
}

// What a faulty message left open does not affect the next one.
func TestOneofsAfterAFault(t *testing.T) {
	md := wideMessage(t, 3)
	other := []byte{3 << 3, 7}
	faulty := append(append(bytes.Repeat([]byte{0xf8, 1, 0}, 99), other...), 1<<3|2, 1, 7) // next has a field of no wire type
	encoder, decoder := NewEncoder(md, EncodeOptions{}), NewDecoder(md, DecodeOptions{})
	for range 3 {
		if out, err := encoder.Append(nil, faulty); err == nil {
			t.Fatalf("no fault in %s", out)
		}
		if out, err := encoder.Append(nil, other); string(out) != `{"other":7}` {
			t.Fatalf("%s, %v", out, err)
		}
		if _, err := decoder.Append(nil, []byte(`{"f0":7,"next":{`)); err == nil {
			t.Fatal("no fault in half a document")
		}
		if out, err := decoder.Append(nil, []byte(`{"other":7}`)); !bytes.Equal(out, other) {
			t.Fatalf("%q, %v", out, err)
		}
	}
}
