package formatters

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/invoke"
)

func TestText(t *testing.T) {
	files := compile(t, "kitchen.proto", "old.proto")
	types := dynamicpb.NewTypes(files)
	md := descriptor[protoreflect.MessageDescriptor](t, files, "kitchen.v1.Dish")
	thing := descriptor[protoreflect.MessageDescriptor](t, files, "old.v1.Thing")
	old := message(t, thing, `id: "a" Inner { a: "" } [old.v1.nick]: "n" [old.v1.rule] { cost: 1 }`)
	unknown := message(t, md, `name: "x" side { vegan: true }`)
	for num, typ := range []protowire.Type{protowire.VarintType, protowire.Fixed64Type, protowire.BytesType, protowire.StartGroupType} {
		b := protowire.AppendTag(unknown.Wire, protowire.Number(100+num), typ)
		switch typ {
		case protowire.VarintType:
			b = protowire.AppendVarint(b, 150)
		case protowire.Fixed64Type:
			b = protowire.AppendFixed64(b, 255)
		case protowire.BytesType:
			b = protowire.AppendString(b, "a\xffb\u202e")
		default:
			b = protowire.AppendTag(b, protowire.Number(100+num), protowire.EndGroupType)
		}
		unknown.Wire = b
	}
	tests := []struct {
		name     string
		o        Options
		messages []*invoke.Message
	}{
		{"text", Options{}, []*invoke.Message{message(t, md, full), message(t, md, ""), message(t, md, `name: "soup"`), old, unknown}},
		{"text-options", Options{EnumNumbers: true, EmitDefaults: true}, []*invoke.Message{message(t, md, `heat: HEAT_HOT side {}`)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.o.Types = types
			got := print(t, Text, test.o, test.messages...)
			golden(t, test.name, got)
			test.o.Color = true
			if colored := uncolored(print(t, Text, test.o, test.messages...)); colored != got {
				t.Errorf("colours change the text: %s", colored)
			}
		})
	}
}

// What is printed reads back as the message that it was.
func TestTextRoundTrip(t *testing.T) {
	files := kitchen(t)
	md := descriptor[protoreflect.MessageDescriptor](t, files, "kitchen.v1.Dish")
	types := dynamicpb.NewTypes(files)
	for seed := range uint64(300) {
		m := newRandom(seed, md).message(md)
		text := print(t, Text, Options{Types: types}, m)
		harmless(t, "text", text)
		back := dynamicpb.NewMessage(md)
		if err := (prototext.UnmarshalOptions{Resolver: types}).Unmarshal([]byte(text), back); err != nil {
			t.Fatalf("seed %d: %v in:\n%s", seed, err, text)
		}
		equalWire(t, seed, Options{Types: types}, m, back, text)
	}
}

// equalWire compares messages by their JSON: the order of entries on the wire, in
// an Any for instance, does not matter.
func equalWire(t *testing.T, seed uint64, o Options, m *invoke.Message, back proto.Message, text string) {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	value := func(m *invoke.Message) (v any) {
		d := json.NewDecoder(strings.NewReader(print(t, NDJSON, o, m)))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if d := cmp.Diff(value(m), value(&invoke.Message{Desc: m.Desc, Wire: b})); d != "" {
		t.Fatalf("seed %d (-want +got):\n%s\nfrom:\n%s", seed, d, text)
	}
}

func TestTextLargeMessage(t *testing.T) {
	md := dish(t)
	part := message(t, md, `name: "part" side {}`)
	var b []byte
	for range 20_000 {
		b = protowire.AppendTag(b, 20, protowire.BytesType)
		b = protowire.AppendBytes(b, part.Wire)
	}
	w := &writes{}
	p, err := New(Text, w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Event(response(&invoke.Message{Desc: md, Wire: b}, 0)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("parts: {\n  name: \"part\"\n  side: {}\n}\n", 20_000); strings.Join(w.each, "") != want {
		t.Error("a large message is not printed as small ones are")
	}
	for _, p := range w.each {
		if len(p) > batch.FlushSize+1000 {
			t.Errorf("%d bytes were held back", len(p))
		}
	}
}

// nest returns a dish of n dishes inside one another, or an Any of n of them.
func nest(t *testing.T, md protoreflect.MessageDescriptor, n int, inAny bool) *invoke.Message {
	t.Helper()
	wire := []byte{}
	for range n {
		if inAny {
			wire, _ = proto.Marshal(&anypb.Any{TypeUrl: "type.googleapis.com/kitchen.v1.Dish", Value: wire})
			wire = protowire.AppendBytes(protowire.AppendTag(nil, 32, protowire.BytesType), wire)
		} else {
			wire = protowire.AppendBytes(protowire.AppendTag(nil, 17, protowire.BytesType), wire)
		}
	}
	return &invoke.Message{Desc: md, Wire: wire}
}

func TestTextOfDeepMessagesIsSmall(t *testing.T) {
	md := dish(t)
	types := dynamicpb.NewTypes(kitchen(t))
	const maxAny = 32 // inside one another
	deep := nest(t, md, 9000, false)
	if got := print(t, Text, Options{}, deep); len(got) > 60*len(deep.Wire) {
		t.Errorf("%d bytes for a message of %d", len(got), len(deep.Wire))
	}
	anys := nest(t, md, 500, true)
	got := print(t, Text, Options{Types: types}, anys)
	if n := strings.Count(got, "[type.googleapis.com/kitchen.v1.Dish]"); n != maxAny {
		t.Errorf("%d Any were opened, want %d", n, maxAny)
	}
}

func TestTextOfAnyThatCannotBeOpened(t *testing.T) {
	md := dish(t)
	types := dynamicpb.NewTypes(kitchen(t))
	for _, url := range []string{"type.googleapis.com/kitchen.v1.Unheard", "x]/kitchen.v1.Dish", "kitchen.v1.Dish", "\u202e/kitchen.v1.Dish", ""} {
		quoted := `"` + strings.ReplaceAll(url, "\u202e", `\u202e`) + `"`
		wire, err := proto.Marshal(&anypb.Any{TypeUrl: url, Value: []byte{10, 1, 'x'}})
		if err != nil {
			t.Fatal(err)
		}
		m := &invoke.Message{Desc: md, Wire: protowire.AppendBytes(protowire.AppendTag(nil, 32, protowire.BytesType), wire)}
		want := "extra: {\n  type_url: " + quoted + "\n  value: \"\\n\\x01x\"\n}\n"
		if url == "" {
			want = "extra: {\n  value: \"\\n\\x01x\"\n}\n"
		}
		got := print(t, Text, Options{Types: types}, m)
		if got != want {
			t.Errorf("%q: got %s, want %s", url, got, want)
		}
		harmless(t, url, got)
	}
}

func TestWriteErrorText(t *testing.T) {
	all := everyDetail(t)
	var b strings.Builder
	s := &invoke.Status{Code: 5, Message: "no\norder\x1b", Details: []*anypb.Any{all[2], all[11], all[13]}}
	if err := WriteErrorText(&b, s, Options{}); err != nil {
		t.Fatal(err)
	}
	want := `code: 5
message: "no\norder\x1b"
details: {
  [type.googleapis.com/google.rpc.RetryInfo]: {
    retry_delay: {
      seconds: 1
      nanos: 500000000
    }
  }
}
details: {
  type_url: "type.googleapis.com/kitchen.v1.Unheard"
  value: "abc"
}
details: {
  type_url: "type.googleapis.com/google.rpc.BadRequest"
  value: "\n\x7f"
}
`
	if b.String() != want {
		t.Errorf("got %s, want %s", b.String(), want)
	}
}
