package transcode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A wire is an encoded message that is being built.
type wire []byte

func (w wire) bytes(num protowire.Number, v string) wire {
	return protowire.AppendString(protowire.AppendTag(w, num, protowire.BytesType), v)
}

func (w wire) varint(num protowire.Number, v uint64) wire {
	return protowire.AppendVarint(protowire.AppendTag(w, num, protowire.VarintType), v)
}

func TestEncode(t *testing.T) {
	s := mustSchema(t)
	var none wire
	for _, tt := range []struct {
		name string
		md   protoreflect.FullName
		o    EncodeOptions
		wire wire
		want string
	}{
		{name: "empty", md: "feat.Three", want: `{}`},
		{name: "empty, indented", md: "feat.Three", o: EncodeOptions{Indent: "  "}, want: `{}`},
		{
			name: "indented", md: "feat.Three", o: EncodeOptions{Indent: "  "},
			wire: none.varint(1, 1).bytes(31, "\x01\x02").bytes(17, "").bytes(51, "\x0a\x01k\x12\x01v"),
			want: "{\n  \"fInt32\": 1,\n  \"fMessage\": {},\n  \"rInt32\": [\n    1,\n    2\n  ],\n  \"mString\": {\n    \"k\": \"v\"\n  }\n}",
		},
		{
			name: "64 bits", md: "feat.Three", wire: none.varint(2, 1<<63).varint(4, 1<<63),
			want: `{"fInt64":"-9223372036854775808","fUint64":"9223372036854775808"}`,
		},
		{
			name: "64 bits as numbers", md: "feat.Three", o: EncodeOptions{Int64Numbers: true, ProtoNames: true},
			wire: none.varint(2, 1<<63).varint(4, 1<<63).bytes(53, "\x08\x01\x10\x02").bytes(92, "\x08\x07"),
			want: `{"f_int64":-9223372036854775808,"f_uint64":9223372036854775808,"m_int64":{"1":2},"w_int64":7}`,
		},
		{
			name: "enums", md: "feat.Three", wire: none.varint(16, 2).varint(18, 1).varint(23, 77),
			want: `{"fKind":"KIND_TOY","alias":"ONE","oKind":77}`,
		},
		{
			name: "enums as numbers", md: "feat.Three", o: EncodeOptions{EnumNumbers: true},
			wire: none.varint(16, 2).varint(87, 0).varint(23, 0), want: `{"fKind":2,"oKind":0}`,
		},
		{name: "a closed enum's stranger", md: "feat.Two", wire: none.varint(3, 9), want: `{"closed":9}`},
		{
			name: "the last key counts, in the first one's place", md: "feat.Three",
			wire: none.bytes(51, "\x0a\x01a\x12\x011").bytes(51, "\x0a\x01b\x12\x012").bytes(51, "\x12\x013\x0a\x01a"),
			want: `{"mString":{"a":"3","b":"2"}}`,
		},
		{
			name: "entries without key or value", md: "feat.Three", wire: none.bytes(51, "").bytes(67, "\x0a\x01k").bytes(66, ""),
			want: `{"mString":{"":""},"mKind":{"":"KIND_UNSPECIFIED"},"mMessage":{"k":{}}}`,
		},
		{
			name: "messages in parts", md: "feat.Three",
			wire: none.bytes(17, "\x08\x01\x10\x01").varint(1, 5).bytes(17, "\x10\x02").bytes(67, "\x12\x02\x08\x01\x0a\x01k\x12\x02\x10\x02"),
			want: `{"fInt32":5,"fMessage":{"fInt32":1,"fInt64":"2"},"mMessage":{"k":{"fInt32":1,"fInt64":"2"}}}`,
		},
		{
			name: "the last member counts", md: "feat.Three",
			wire: none.bytes(77, "\x08\x01").bytes(72, "x").bytes(77, "\x10\x02").bytes(77, "\x18\x03"),
			want: `{"cMessage":{"fInt64":"2","fUint32":3}}`,
		},
		{name: "unknown fields and wire types", md: "feat.Three", wire: none.varint(9999, 1).bytes(1, "x").varint(14, 1).varint(1, 7), want: `{"fInt32":7}`},
		{
			name: "what hides or turns text", md: "feat.Three",
			wire: none.bytes(14, "\x00\x1b[2J\x7f\u0085\u061c\u200e\u2028\u202e\u2066\u2069\ufeff é漢😀\u2027\u2065 </a>\"\\\n"),
			want: `{"fString":"\u0000\u001b[2J\u007f\u0085\u061c\u200e\u2028\u202e\u2066\u2069\ufeff é漢😀` + "\u2027\u2065" + ` </a>\"\\\n"}`,
		},
		{name: "not UTF-8, and need not be", md: "feat.Two", wire: none.bytes(2, "a\xffb\xe2\x82"), want: "{\"text\":\"a\ufffdb\ufffd\ufffd\"}"},
		{name: "not UTF-8, and need not be in its edition", md: "feat.Edition", wire: none.bytes(7, "\xff"), want: "{\"loose\":\"\ufffd\"}"},
		{
			name: "names", md: "feat.Three", wire: none.bytes(110, "a").bytes(111, "b").bytes(112, "c").varint(536870911, 1),
			want: `{"@other \"name\"":"a","FieldName1":"b","fieldName2":"c","far":1}`,
		},
		{
			name: "extensions by name", md: "feat.Two", o: EncodeOptions{ProtoNames: true},
			wire: none.varint(100, 1).bytes(101, "t").bytes(110, "in").bytes(105, "\x0a\x01n").varint(1, 3),
			want: `{"must":3,"[feat.Scope.inner]":"in","[feat.a_list]":[{"note":"n"}],"[feat.ext_number]":1,"[feat.ext_texts]":["t"]}`,
		},
		{
			name: "groups", md: "feat.Two", o: EncodeOptions{ProtoNames: true},
			wire: wire("\x43\x08\x01\x44\x43\x08\x02\x44\x4b\x0a\x01b\x4c\x4b\x4c"),
			want: `{"Grp":{"a":2},"Rep":[{"b":"b"},{}]}`,
		},
		{
			name: "defaults", md: "feat.Edition", o: EncodeOptions{EmitDefaults: true}, wire: none.varint(1, 0),
			want: `{"explicit":0,"implicit":0,"packed":[],"expanded":[],"rDelimited":[],"m":{},"openImplicit":"EO_ZERO","sImplicit":"","dImplicit":0}`,
		},
		{name: "negative zero", md: "feat.Edition", wire: protowire.AppendFixed64(wire("\x79"), 1<<63), want: `{"dImplicit":-0}`},
		{name: "any", md: "google.protobuf.Any", wire: none.bytes(1, "x/feat.Extra").bytes(2, "\x0a\x01n"), want: `{"@type":"x/feat.Extra","note":"n"}`},
		{
			name: "any of a well-known type", md: "google.protobuf.Any", wire: none.bytes(1, "x/google.protobuf.Duration").bytes(2, "\x08\x01"),
			want: `{"@type":"x/google.protobuf.Duration","value":"1s"}`,
		},
		{name: "any of Empty", md: "google.protobuf.Any", wire: none.bytes(1, "x/google.protobuf.Empty"), want: `{"@type":"x/google.protobuf.Empty"}`},
		{
			name: "any that is not known", md: "google.protobuf.Any", wire: none.bytes(1, "type.googleapis.com/pkg.T").bytes(2, "\x08\x01\xff"),
			want: `{"@type":"type.googleapis.com/pkg.T","value":"CAH/","unresolved":true}`,
		},
		{name: "any without a type", md: "google.protobuf.Any", wire: none.bytes(2, "\x08"), want: `{"@type":"","value":"CA==","unresolved":true}`},
		{name: "any without anything", md: "google.protobuf.Any", want: `{}`},
		{name: "top-level wrapper", md: "google.protobuf.StringValue", want: `""`},
		{name: "top-level value", md: "google.protobuf.Value", wire: none.varint(1, 0), want: `null`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Types = s.types
			got, err := NewEncoder(s.message(t, tt.md), tt.o).Append(nil, tt.wire)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodeFaults(t *testing.T) {
	s := mustSchema(t)
	var none wire
	for _, tt := range []struct {
		name string
		md   protoreflect.FullName
		wire wire
		want WireError
	}{
		{
			name: "not UTF-8", md: "feat.Three", wire: none.varint(1, 1).bytes(47, "").bytes(47, string(none.bytes(14, "ab\xff"))),
			want: WireError{Offset: 12, Path: "r_message[1].f_string", Problem: "a string is not valid UTF-8"},
		},
		{
			name: "not UTF-8 under a key", md: "feat.Three", wire: none.bytes(67, string(none.bytes(1, "k").bytes(2, "\x72\x01\xff"))),
			want: WireError{Offset: 10, Path: `m_message["k"].f_string`, Problem: "a string is not valid UTF-8"},
		},
		{name: "tag cut off", md: "feat.Three", wire: wire("\xff"), want: WireError{Problem: "a field's tag is cut off"}},
		{name: "field 0", md: "feat.Three", wire: wire("\x00\x01"), want: WireError{Problem: "a field has a number that cannot be"}},
		{name: "wire type 7", md: "feat.Three", wire: wire("\x0f"), want: WireError{Problem: "a field has a wire type that cannot be"}},
		{name: "end of no group", md: "feat.Two", wire: wire("\x08\x01\x44"), want: WireError{Offset: 2, Problem: "a field has a wire type that cannot be"}},
		{name: "long varint", md: "feat.Three", wire: wire("\x08" + strings.Repeat("\xff", 9) + "\x02"), want: WireError{Problem: "a number is cut off or too long"}},
		{name: "cut in a fixed number", md: "feat.Three", wire: wire("\x3d\x01"), want: WireError{Problem: "a value is longer than what is left of the message"}},
		{name: "length past the end", md: "feat.Three", wire: wire("\x72\x05ab"), want: WireError{Problem: "a value is longer than what is left of the message"}},
		{name: "group without end", md: "feat.Two", wire: wire("\x43\x08\x01"), want: WireError{Problem: "a group does not end"}},
		{name: "wrong end", md: "feat.Two", wire: wire("\x43\x4c"), want: WireError{Offset: 1, Problem: "a group ends that was not begun"}},
		{name: "packed number cut off", md: "feat.Three", wire: none.bytes(31, "\x01\x80"), want: WireError{Offset: 4, Path: "r_int32[1]", Problem: "a number is cut off or too long"}},
		{
			name: "time", md: "feat.Three", wire: none.bytes(81, string(none.varint(1, 1<<40))),
			want: WireError{Offset: 3, Path: "timestamp", Problem: "a google.protobuf.Timestamp is out of range: 1099511627776 seconds, 0 nanoseconds"},
		},
		{
			name: "two signs", md: "google.protobuf.Duration", wire: none.varint(1, 1).varint(2, 1<<64-1),
			want: WireError{Problem: "a google.protobuf.Duration has two signs: 1 seconds, -1 nanoseconds"},
		},
		{name: "value of nothing", md: "feat.Three", wire: none.bytes(85, ""), want: WireError{Offset: 3, Path: "value", Problem: "a google.protobuf.Value has no value"}},
		{
			name: "path", md: "google.protobuf.FieldMask", wire: none.bytes(1, "a.B"),
			want: WireError{Offset: 2, Problem: `a google.protobuf.FieldMask has the path "a.B", which JSON cannot say`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := NewEncoder(s.message(t, tt.md), EncodeOptions{Types: s.types}).Append([]byte("kept"), tt.wire)
			var e *WireError
			if !errors.As(err, &e) {
				t.Fatalf("got %s, %v", got, err)
			}
			if diff := cmp.Diff(tt.want, *e); diff != "" || string(got) != "kept" {
				t.Errorf("left %q (-want +got):\n%s", got, diff)
			}
		})
	}
}

// TestEncodeNesting holds that a message may nest as deep as protobuf-go lets it, that the
// indentation then stops growing, and that one level more is an error.
func TestEncodeNesting(t *testing.T) {
	s := mustSchema(t)
	nest := func(n int) []byte {
		var b []byte
		for range n {
			b = append(protowire.AppendVarint([]byte{0x8a, 0x01}, uint64(len(b))), b...)
		}
		return b
	}
	md := s.message(t, "feat.Three")
	e := NewEncoder(md, EncodeOptions{Types: s.types, Indent: "    "})
	deepest := nest(maxDepth - 1)
	got, err := e.Append(nil, deepest)
	if err != nil {
		t.Fatal(err)
	}
	if most := len(deepest) * 150; len(got) > 2*maxDepth*(4*maxIndent+20) || len(got) < most/10 {
		t.Errorf("%d bytes became %d", len(deepest), len(got))
	}
	var e1 *WireError
	if _, err = e.Append(nil, nest(maxDepth)); !errors.As(err, &e1) || e1.Problem != tooDeep || !strings.HasPrefix(e1.Path, "….f_message.f_message") {
		t.Errorf("one level more: %v", err)
	}
}

// TestEncodeGroupsInTime holds that groups inside groups are not read once more for each
// level above them.
func TestEncodeGroupsInTime(t *testing.T) {
	s := mustSchema(t)
	const levels = 9000
	b := bytes.Repeat([]byte{0x43}, levels) // unknown below the first: Grp has no field 8
	b = append(b, wire(nil).bytes(2, strings.Repeat("\x01", 8<<20))...)
	b = append(b, bytes.Repeat([]byte{0x44}, levels)...)
	e := NewEncoder(s.message(t, "feat.Two"), EncodeOptions{Types: s.types})
	if got, err := e.Append(nil, b); err != nil || string(got) != `{"grp":{}}` {
		t.Errorf("unknown groups: %.40s, %v", got, err)
	}
	// Here each level is known, and the innermost has many fields.
	var deep []byte
	for range levels {
		deep = append(deep, 0x43)
	}
	deep = append(deep, bytes.Repeat([]byte{0x08, 0x01}, 100_000)...)
	for range levels {
		deep = append(deep, 0x44)
	}
	start := time.Now()
	got, err := NewEncoder(s.message(t, "feat.Edition"), EncodeOptions{Types: s.types}).Append(nil, deep)
	if err != nil || !strings.HasPrefix(string(got), `{"delimited":{"delimited":`) {
		t.Fatalf("%.40s, %v", got, err)
	}
	// Level by level that would be 9,000 times 100,000 fields: ten seconds and more.
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestEncodePieces holds that the JSON of a large message is never whole in memory.
func TestEncodePieces(t *testing.T) {
	s := mustSchema(t)
	md := s.message(t, "feat.Three")
	var w wire
	for range 5000 {
		w = w.bytes(44, strings.Repeat("é", 30)).bytes(47, "\x08\x01")
	}
	w = w.bytes(15, strings.Repeat("x", 1<<20)).bytes(14, strings.Repeat("漢", 1<<18))
	for i := range 3000 {
		w = w.bytes(52, string(wire(nil).varint(1, uint64(i)).varint(2, 1)))
	}
	w = w.bytes(31, strings.Repeat("\x01", 300_000))
	e := NewEncoder(md, EncodeOptions{Types: s.types})
	want, err := e.Append(nil, w)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	p := &pieces{w: &got}
	if err := e.Write(p, w); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Error("the pieces are not the whole")
	}
	if p.most > 4*piece || p.n > 2*len(want)/piece {
		t.Errorf("%d bytes came in %d pieces of up to %d", len(want), p.n, p.most)
	}
	if err := e.Write(&pieces{w: io.Discard, fail: 3}, w); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a failed write ended in %v", err)
	}
}

type pieces struct {
	w             io.Writer
	n, most, fail int
}

func (p *pieces) Write(b []byte) (int, error) {
	p.n++
	p.most = max(p.most, len(b))
	if p.n == p.fail {
		return 0, io.ErrClosedPipe
	}
	return p.w.Write(b)
}

// TestEncodeManyKeys holds that keys are distinguished beyond the few that are compared one by
// one.
func TestEncodeManyKeys(t *testing.T) {
	s := mustSchema(t)
	e := NewEncoder(s.message(t, "feat.Three"), EncodeOptions{Types: s.types})
	var w wire
	want := make(map[string]string)
	for i := range 5000 {
		k, v := string(rune('a'+i%26))+strings.Repeat("k", i%97), strings.Repeat("v", i%7)
		want[k] = v
		w = w.bytes(51, string(wire(nil).bytes(1, k).bytes(2, v)))
		w = w.bytes(52, string(wire(nil).varint(1, uint64(i%1234)).varint(2, uint64(i))))
	}
	text, err := e.Append(nil, w)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		MString map[string]string
		MInt32  map[string]int
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.MString); diff != "" {
		t.Error(diff)
	}
	if n := bytes.Count(text, []byte(`":`)); n != 2+len(want)+1234 || len(got.MInt32) != 1234 {
		t.Errorf("%d keys, %d numbers", n, len(got.MInt32))
	}
}

// TestEncodeImpostors holds that a type that only has a well-known one's name is an
// ordinary message.
func TestEncodeImpostors(t *testing.T) {
	str, i32 := descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_INT32
	one := func(name string, f *descriptorpb.FieldDescriptorProto) *descriptorpb.DescriptorProto {
		return &descriptorpb.DescriptorProto{Name: &name, Field: []*descriptorpb.FieldDescriptorProto{f}}
	}
	field := func(kind descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
		name, num, label := "x", int32(3), descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
		return &descriptorpb.FieldDescriptorProto{Name: &name, JsonName: &name, Number: &num, Type: &kind, Label: &label}
	}
	file := &descriptorpb.FileDescriptorProto{}
	path, pkg, syntax := "impostors.proto", "google.protobuf", "proto3"
	file.Name, file.Package, file.Syntax = &path, &pkg, &syntax
	names := []string{"Any", "Timestamp", "Duration", "FieldMask", "Struct", "ListValue", "Value", "Empty", "Int32Value", "StringValue"}
	for i, name := range names {
		file.MessageType = append(file.MessageType, one(name, field([]descriptorpb.FieldDescriptorProto_Type{str, i32}[i%2])))
	}
	fd, err := protodesc.NewFile(file, new(protoregistry.Files))
	if err != nil {
		t.Fatal(err)
	}
	for i := range fd.Messages().Len() {
		md := fd.Messages().Get(i)
		w, want := wire(nil).bytes(3, "y"), `{"x":"y"}`
		if i%2 == 1 {
			w, want = wire(nil).varint(3, 7), `{"x":7}`
		}
		got, err := NewEncoder(md, EncodeOptions{}).Append(nil, w)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", md.Name(), got, err)
		}
		back, err := NewDecoder(md, DecodeOptions{}).Append(nil, []byte(want))
		if err != nil || !bytes.Equal(back, w) {
			t.Errorf("%s: %x, %v", md.Name(), back, err)
		}
	}
}

// TestConcurrent is for the race detector: plans are made by whoever comes first.
func TestConcurrent(t *testing.T) {
	s := mustSchema(t)
	md := s.message(t, "bench.Order")
	w := orderWire(t, md, 3)
	e := NewEncoder(md, EncodeOptions{Types: s.types})
	d := NewDecoder(md, DecodeOptions{Types: s.types})
	two := NewEncoder(s.message(t, "feat.Two"), EncodeOptions{Types: s.types})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			text, err := e.Append(nil, w)
			if err != nil {
				t.Error(err)
			}
			if _, err := d.Append(nil, text); err != nil {
				t.Error(err)
			}
			if _, err := two.Append(nil, wire(nil).varint(100, 1).bytes(101, "x").bytes(102, "")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestAllocations holds that the steady state allocates nothing.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("a pool keeps nothing for sure under the race detector")
	}
	s := mustSchema(t)
	md := s.message(t, "bench.Order")
	w := orderWire(t, md, 3)
	text := []byte(order(3))
	e := NewEncoder(md, EncodeOptions{Types: s.types, Indent: "  "})
	d := NewDecoder(md, DecodeOptions{Types: s.types, Lenient: true})
	out := make([]byte, 0, 1<<16)
	// The collector may empty a pool in between, so a few are let pass.
	if n := testing.AllocsPerRun(1000, func() { out, _ = e.Append(out[:0], w) }); n > 0.5 {
		t.Errorf("wire to JSON: %v allocations", n)
	}
	if n := testing.AllocsPerRun(1000, func() { out, _ = d.Append(out[:0], text) }); n > 0.5 {
		t.Errorf("JSON to wire: %v allocations", n)
	}
}

// countingTypes counts the questions for what it does not know.
type countingTypes struct {
	Types
	urls, numbers int
}

func (c *countingTypes) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	c.urls++
	return c.Types.FindMessageByURL(url)
}

func (c *countingTypes) FindExtensionByNumber(m protoreflect.FullName, n protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	c.numbers++
	return c.Types.FindExtensionByNumber(m, n)
}

// TestEncodeAsksOnce holds that a stream of messages does not ask for the same type again
// and again, be it known or not, and that what is remembered is bounded.
func TestEncodeAsksOnce(t *testing.T) {
	s := mustSchema(t)
	types := &countingTypes{Types: s.types}
	e := NewEncoder(s.message(t, "google.protobuf.Any"), EncodeOptions{Types: types})
	two := NewEncoder(s.message(t, "feat.Two"), EncodeOptions{Types: types})
	for range 10 {
		for _, url := range []string{"x/feat.Extra", "x/no.Such"} {
			if _, err := e.Append(nil, wire(nil).bytes(1, url)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := two.Append(nil, wire(nil).varint(100, 1).varint(199, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if types.urls != 2 || types.numbers != 2 {
		t.Errorf("asked for %d URLs and %d numbers", types.urls, types.numbers)
	}
	for i := range 3 * maxURLs {
		if _, err := e.Append(nil, wire(nil).bytes(1, strings.Repeat("y", i)+"/no.Such")); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(*e.set.urls.Load()); n != maxURLs {
		t.Errorf("%d URLs are remembered", n)
	}
}

// TestMissingTypes holds that a field whose type could not be found does no harm.
func TestMissingTypes(t *testing.T) {
	s := mustSchema(t)
	field := func(name string, num int32, typeName string, kind *descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{
			Name: &name, Number: &num, TypeName: &typeName, Type: kind,
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
	}
	name, path, syntax := "M", "missing.proto", "proto3"
	fd, err := protodesc.FileOptions{AllowUnresolvable: true}.New(&descriptorpb.FileDescriptorProto{
		Name: &path, Syntax: &syntax, Dependency: []string{"gone.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: &name, Field: []*descriptorpb.FieldDescriptorProto{
			field("e", 1, ".gone.E", descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum()),
			field("m", 2, ".gone.M", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()),
			field("u", 3, ".gone.U", nil),
		}}},
	}, s.files)
	if err != nil {
		t.Fatal(err)
	}
	md := fd.Messages().Get(0)
	got, err := NewEncoder(md, EncodeOptions{}).Append(nil, wire(nil).varint(1, 3).bytes(2, "\x08\x01").bytes(3, "\x08\x01"))
	if err != nil || string(got) != `{"e":3,"m":{}}` {
		t.Errorf("%s, %v", got, err)
	}
	if got, err = NewEncoder(md, EncodeOptions{EmitDefaults: true}).Append(nil, nil); err != nil || string(got) != `{"e":0}` {
		t.Errorf("%s, %v", got, err)
	}
	_, err = NewDecoder(md, DecodeOptions{Lenient: true}).Append(nil, []byte(`{e: FOO, m: {}, u: {a: 1}}`))
	want := `line 1, column 5: M.e wants E, FOO is not one of its values; line 1, column 21: no field "a" in gone.U`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %v", err, want)
	}
}
