package transcode

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// protobufGo returns the JSON that protobuf-go makes of a message: the other side of the
// comparison.
func protobufGo(md protoreflect.MessageDescriptor, types Types, o EncodeOptions, wire []byte) ([]byte, error) {
	m := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: types}).Unmarshal(wire, m); err != nil {
		return nil, err
	}
	return protojson.MarshalOptions{
		AllowPartial: true, Resolver: types, UseProtoNames: o.ProtoNames,
		UseEnumNumbers: o.EnumNumbers, EmitDefaultValues: o.EmitDefaults, Indent: o.Indent,
	}.Marshal(m)
}

// canonical returns JSON in which differences without a meaning are removed: the order of a
// map's entries, escapes, and spaces. The order of a message's fields is compared separately.
func canonical(t testing.TB, text []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// keyOrder returns the keys of the outermost object in their order.
func keyOrder(t testing.TB, text []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return nil
	}
	var keys []string
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, tok.(string))
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func checkEncoding(t testing.TB, s *schema, md protoreflect.MessageDescriptor, o EncodeOptions, wire []byte) {
	t.Helper()
	o.Types = s.types
	want, wantErr := protobufGo(md, s.types, o, wire)
	e := NewEncoder(md, o)
	got, err := e.Append([]byte("before"), wire)
	if err != nil {
		if string(got) != "before" {
			t.Errorf("an error left %q behind", got)
		}
		if wantErr == nil {
			t.Fatalf("%v of %x: %v, but protobuf-go prints %s", md.FullName(), wire, err, want)
		}
		return
	}
	got = got[len("before"):]
	if !json.Valid(got) {
		t.Fatalf("not JSON: %s", got)
	}
	for _, r := range string(got) {
		if r != '\n' && r < ' ' || r == 0x7f || isHidden(r) {
			t.Fatalf("%U came out as it is: %q", r, got)
		}
	}
	var pieces bytes.Buffer
	if err := e.Write(&pieces, wire); err != nil {
		t.Fatalf("Append took what Write did not: %v", err)
	}
	if diff := cmp.Diff(string(got), pieces.String()); diff != "" {
		t.Fatalf("Append and Write differ:\n%s", diff)
	}
	if wantErr != nil {
		checkLost(t, s, md, o, wire, got, wantErr)
		return
	}
	if diff := cmp.Diff(canonical(t, want), canonical(t, got)); diff != "" {
		t.Fatalf("%v of %x differs (-protobuf-go +ours):\n%s", md.FullName(), wire, diff)
	}
	if md.FullName().Parent() == "google.protobuf" {
		return
	}
	if diff := cmp.Diff(keyOrder(t, want), keyOrder(t, got)); diff != "" {
		t.Fatalf("%v of %x: order differs (-protobuf-go +ours):\n%s", md.FullName(), wire, diff)
	}
}

// checkLost checks the cases in which the encoder accepts a message that protobuf-go refuses:
// an unknown Any, a string that need not be UTF-8, and faults in values that a later
// occurrence replaces. Its JSON must then mean a message that protobuf-go accepts, and print
// the same.
func checkLost(t testing.TB, s *schema, md protoreflect.MessageDescriptor, o EncodeOptions, wire, got []byte, wantErr error) {
	t.Helper()
	again, err := NewDecoder(md, DecodeOptions{Types: s.types, Lenient: true}).Append(nil, got)
	if err != nil {
		t.Fatalf("%v of %x printed as %s, which is not taken: %v; protobuf-go says %v", md.FullName(), wire, got, err, wantErr)
	}
	want, err := protobufGo(md, s.types, o, again)
	if err != nil {
		for _, known := range []string{"unable to resolve", "type_url is not set"} {
			if strings.Contains(err.Error(), known) {
				return
			}
		}
		t.Fatalf("%v of %x printed as %s, but protobuf-go says %v, and of %x %v", md.FullName(), wire, got, wantErr, again, err)
	}
	if diff := cmp.Diff(canonical(t, want), canonical(t, got)); diff != "" {
		t.Fatalf("%v of %x differs (-protobuf-go +ours):\n%s", md.FullName(), wire, diff)
	}
}

func TestEncodeRandom(t *testing.T) {
	s := mustSchema(t)
	rounds := 1500
	if testing.Short() || raceEnabled {
		rounds = 150
	}
	for _, name := range []protoreflect.FullName{"feat.Three", "feat.Two", "feat.Edition"} {
		md := s.message(t, name)
		for i := range rounds {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			data := make([]byte, 40+r.IntN(900))
			for j := range data {
				data[j] = byte(r.Uint32())
			}
			c := &choices{data: data, fieldsLeft: 60}
			o := EncodeOptions{}
			if i&1 != 0 {
				o.Indent = "  "
			}
			o.EmitDefaults, o.ProtoNames, o.EnumNumbers = i&2 != 0, i&4 != 0, i&8 != 0
			checkEncoding(t, s, md, o, c.wire(md, s.types, 0))
		}
	}
}
