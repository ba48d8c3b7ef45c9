package formatters

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

func TestJSON(t *testing.T) {
	md := dish(t)
	messages := []*invoke.Message{
		message(t, md, full),
		message(t, md, ""),
		message(t, md, `name: "soup" heat: HEAT_MILD price_cents: 5 side {}`),
	}
	types := dynamicpb.NewTypes(kitchen(t))
	tests := []struct {
		name   string
		format Format
		o      Options
	}{
		{"json", JSON, Options{}},
		{"json-color", JSON, Options{Color: true}},
		{"json-options", JSON, Options{ProtoNames: true, Int64Numbers: true, EnumNumbers: true}},
		{"json-defaults", JSON, Options{EmitDefaults: true}},
		{"ndjson", NDJSON, Options{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.o.Types = types
			golden(t, test.name, print(t, test.format, test.o, messages...))
		})
	}
}

func TestJSONLargeMessage(t *testing.T) {
	md := dish(t)
	small := message(t, md, full)
	b := small.Wire
	for range 40 { // parts, each 64 KiB
		part := protowire.AppendTag(nil, 2, protowire.BytesType)
		part = protowire.AppendBytes(part, bytes.Repeat([]byte{0xfb}, 64<<10))
		b = protowire.AppendTag(b, 20, protowire.BytesType)
		b = protowire.AppendBytes(b, part)
	}
	large := &invoke.Message{Desc: md, Wire: b}
	o := Options{Types: dynamicpb.NewTypes(kitchen(t))}
	for _, f := range []Format{JSON, NDJSON} {
		want, err := newJSONFormatter(io.Discard, o, map[Format]string{JSON: "  "}[f]).encoders.of(large).Append(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		got := print(t, f, o, small, large, small)
		first := print(t, f, o, small)
		if got != first+string(want)+"\n"+first {
			t.Errorf("%s: a message in pieces is not what it is as a whole", f)
		}
		colored := o
		colored.Color = true
		if plain := uncolored(print(t, f, colored, small, large, small)); plain != got {
			t.Errorf("%s: colours change the text", f)
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9]*m")

func uncolored(s string) string { return sgr.ReplaceAllString(s, "") }

func TestJSONFaultyMessage(t *testing.T) {
	good := message(t, dish(t), `name: "x"`)
	bad := &invoke.Message{Desc: good.Desc, Wire: []byte{0x0a, 0x7f}}
	for _, f := range []Format{JSON, NDJSON, Events} {
		var b strings.Builder
		p, err := New(f, &b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Event(response(good, 0)); err != nil {
			t.Fatal(err)
		}
		before := b.String()
		err = p.Event(response(bad, 1))
		var we *transcode.WireError
		if !errors.As(err, &we) || !strings.HasPrefix(err.Error(), "printing response 1, a kitchen.v1.Dish: ") {
			t.Errorf("%s: got %v, want a WireError that names the message", f, err)
		}
		if err := p.Flush(); err != nil {
			t.Error(err)
		}
		if b.String() != before {
			t.Errorf("%s: something of a faulty message was printed: %q", f, b.String())
		}
	}
}

func TestStreamCostsNoAllocation(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget")
	}
	m := message(t, dish(t), `name: "soup" price_cents: 5 tags: ["a", "b"] side { pieces: 1 } heat: HEAT_HOT`)
	p, err := New(NDJSON, io.Discard, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := response(m, 0)
	event := func() {
		if err := p.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		event()
	}
	if n := testing.AllocsPerRun(2000, event); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkFormats(b *testing.B) {
	m := message(b, dish(b), `name: "soup" price_cents: 5 tags: ["a", "b"] side { pieces: 1 } heat: HEAT_HOT`)
	for _, f := range Formats() {
		b.Run(string(f), func(b *testing.B) { benchmarkFormat(b, f, m, Options{}) })
		b.Run(string(f)+"/color", func(b *testing.B) { benchmarkFormat(b, f, m, Options{Color: true}) })
	}
}

func benchmarkFormat(b *testing.B, f Format, m *invoke.Message, o Options) {
	p, err := New(f, io.Discard, o)
	if err != nil {
		b.Fatal(err)
	}
	e := response(m, 0)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Event(e); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		b.Fatal(err)
	}
}

// A schema with long names makes a long text of a small message: it is printed in pieces, and
// refused where it would have to be whole.
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
