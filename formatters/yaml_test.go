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

func TestYAMLStrings(t *testing.T) {
	tests := map[string]string{ // JSON to YAML
		`"soup"`:                 `soup`,
		`"HEAT_HOT"`:             `HEAT_HOT`,
		`"a b-c/d.e"`:            `a b-c/d.e`,
		`"2026-11-22T00:00:00Z"`: `"2026-11-22T00:00:00Z"`,
		`"Null"`:                 `"Null"`,
		`"off"`:                  `"off"`,
		`""`:                     `""`,
		`"a "`:                   `"a "`,
		`"a: b"`:                 `"a: b"`,
		`"a\nb\""`:               `"a\nb\""`,
		`"\\"`:                   `"\\"`,
		`{"a":{"yes":[],"b":{}}}`: `a:
  "yes": []
  b: {}`,
		`[18446744073709551615,-9223372036854775808,18446744073709551616,-9223372036854775809]`: `- 18446744073709551615
- -9223372036854775808
- 18446744073709551616.0
- -9223372036854775809.0`,
		`[[],[[1,{"a":[null]}]],-0,1e+30,1.5e3]`: `- []
- - - 1
    - a:
        - null
- -0.0
- 1.0e+30
- 1.5e3`,
	}
	for in, want := range tests {
		for _, size := range []int{1, 2, len(in)} {
			y := yamlPrinter{}
			y.start(nil)
			for rest := []byte(in); len(rest) > 0; {
				n := min(size, len(rest))
				if _, err := y.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if got := string(y.finish()); got != want+"\n" {
				t.Errorf("%s in pieces of %d: got %s, want %s", in, size, got, want)
			}
		}
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

func FuzzYAML(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c: d"}],"e":"\u2028"}`)
	f.Add(`{"":[[],{}],"-":"\"","1":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil || len(text) > 1000 {
			t.Skip()
		}
		compact, err := json.Marshal(v) // keys in order, and no two alike
		if err != nil {
			t.Skip()
		}
		y := yamlPrinter{}
		y.start(nil)
		if _, err := y.Write(compact); err != nil {
			t.Fatal(err)
		}
		doc := y.finish()
		again, err := yamlToJSON(doc)
		if err != nil {
			t.Fatalf("%v: %s from %s", err, doc, compact)
		}
		if !bytes.Equal(again, compact) {
			t.Errorf("%s reads back as %s, from:\n%s", compact, again, doc)
		}
	})
}
