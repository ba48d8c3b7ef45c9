package formatters

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

func TestYAML(t *testing.T) {
	md := dish(t)
	o := Options{Types: dynamicpb.NewTypes(kitchen(t))}
	value := descriptor[protoreflect.MessageDescriptor](t, filesOf(md), "google.protobuf.Value")
	messages := []*invoke.Message{
		message(t, md, full), message(t, md, ""), message(t, md, `name: "soup" parts { tags: ["a", "b"] } parts { side { side {} } }`),
		message(t, value, `string_value: "10"`),
		message(t, value, `list_value { values { list_value { values { number_value: 1 } values { list_value {} } } } values { struct_value { fields { key: "a" value { number_value: 2 } } } } }`),
	}
	got := print(t, YAML, o, messages...)
	golden(t, "yaml", got)
	o.Color = true
	if colored := uncolored(print(t, YAML, o, messages...)); colored != got {
		t.Errorf("colours change the text: %s", colored)
	}
}

// yamlToJSON reads a document with a reader that is not ours.
func yamlToJSON(doc []byte) ([]byte, error) {
	var v any
	if err := yaml.Unmarshal(doc, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// fromYAML reads a document back as a message.
func fromYAML(t *testing.T, doc string, md protoreflect.MessageDescriptor, types invoke.Types) (proto.Message, error) {
	t.Helper()
	j, err := yamlToJSON([]byte(doc))
	if err != nil {
		return nil, err
	}
	wire, err := transcode.NewDecoder(md, transcode.DecodeOptions{Types: types}).Append(nil, j)
	if err != nil {
		return nil, err
	}
	return (&invoke.Message{Desc: md, Wire: wire, Types: types}).Decode()
}

// What is printed reads back as the message that it was.
func TestYAMLRoundTrip(t *testing.T) {
	files := kitchen(t)
	md := descriptor[protoreflect.MessageDescriptor](t, files, "kitchen.v1.Dish")
	types := dynamicpb.NewTypes(files)
	for seed := range uint64(300) {
		m := newRandom(seed, md).message(md)
		text := print(t, YAML, Options{Types: types}, m)
		harmless(t, "yaml", text)
		back, err := fromYAML(t, text, md, types)
		if err != nil {
			t.Fatalf("seed %d: %v in:\n%s", seed, err, text)
		}
		equalWire(t, seed, Options{Types: types}, m, back, text)
	}
}

func TestYAMLLongStrings(t *testing.T) {
	md := dish(t)
	long := strings.Repeat("é\"", 5000)
	var b []byte
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), long)
	entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), long)
	b = protowire.AppendBytes(protowire.AppendTag(b, 21, protowire.BytesType), entry)
	b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), bytes.Repeat([]byte{7}, 2<<20))
	large := &invoke.Message{Desc: md, Wire: b}
	w := &writes{}
	p, err := New(YAML, w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Event(response(large, 0)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.each {
		if len(s) > 3*batch.FlushSize {
			t.Errorf("%d bytes were held back", len(s))
		}
	}
	text := strings.Join(w.each, "")
	if !strings.Contains(text, "\n  ? \"é\\\"é") || !strings.Contains(text, "\n  : \"é\\\"é") {
		t.Errorf("no long key in %.300s", text[len(text)-300:])
	}
	back, err := fromYAML(t, text, md, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := large.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(back, want) {
		t.Error("a large message does not read back")
	}
}

func TestYAMLOfDeepMessagesIsSmall(t *testing.T) {
	md := dish(t)
	deep := nest(t, md, 5000, false)
	got := print(t, YAML, Options{}, deep)
	if len(got) > 10*len(deep.Wire) {
		t.Errorf("%d bytes for a message of %d", len(got), len(deep.Wire))
	}
	deep = nest(t, md, 200, false)
	back, err := fromYAML(t, print(t, YAML, Options{}, deep), md, nil)
	if err != nil {
		t.Fatal(err)
	}
	equalWire(t, 0, Options{}, deep, back, "")
}
