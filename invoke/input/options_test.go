package input

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// TestSpecialMessages has methods that take a well-known type.
func TestSpecialMessages(t *testing.T) {
	s := loadSchema(t)
	tests := []struct {
		name  string
		m     proto.Message
		parts []string
		want  string
	}{
		{"empty", &emptypb.Empty{}, nil, `{}`},
		{"struct", &structpb.Struct{}, []string{`{"a":1}`, "b.c=x"}, `{"a":1,"b":{"c":"x"}}`},
		{"value", &structpb.Value{}, []string{"5"}, `5`},
		{"value, path", &structpb.Value{}, []string{"a[0]=x"}, `{"a":["x"]}`},
		{"list", &structpb.ListValue{}, []string{"[1, 2]"}, `[1,2]`},
		{"timestamp", &timestamppb.Timestamp{}, []string{`"2026-01-02T03:04:05Z"`}, `"2026-01-02T03:04:05Z"`},
		{"timestamp, word", &timestamppb.Timestamp{}, []string{"value=now"}, `"2026-01-02T03:04:05Z"`},
		{"duration, word", &durationpb.Duration{}, []string{`value:="1.500s"`}, `"1.500s"`},
		{"int", &wrapperspb.Int32Value{}, []string{"5"}, `5`},
		{"int, word", &wrapperspb.Int32Value{}, []string{"value=5"}, `5`},
		{"bytes, word", &wrapperspb.BytesValue{}, []string{"value=text:hi"}, `"aGk="`},
		{"any", &anypb.Any{}, []string{"@type=shop.Card", "cvc=1"}, `{"@type":"type.googleapis.com/shop.Card","cvc":1}`},
		{
			"any in an any", &anypb.Any{},
			[]string{"@type=google.protobuf.Any", "value.@type=shop.Card", "value.cvc=1"},
			`{"@type":"type.googleapis.com/google.protobuf.Any","value":{"@type":"type.googleapis.com/shop.Card","cvc":1}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.options()
			o.Message = tt.m.ProtoReflect().Descriptor()
			msgs, bad := drain(New(parts(tt.parts...), o))
			if bad != "" {
				t.Fatal(bad)
			}
			if err := proto.Unmarshal(msgs[0], tt.m); err != nil {
				t.Fatal(err)
			}
			b, err := protojson.MarshalOptions{Resolver: s.types}.Marshal(tt.m)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, compact(t, b)); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	s := loadSchema(t)
	tests := []struct {
		name  string
		parts []string
		set   func(*Options)
		want  string // the message, or the error
	}{
		{"lenient", []string{`{id:'x',kind:"toy",/* */}`}, func(o *Options) {}, `{"id":"x","kind":"KIND_TOY"}`},
		{"strict", []string{`{id:"x"}`}, func(o *Options) { o.Strict = true }, `argument 1: the key id wants double quotes`},
		{"strict in a word", []string{`labels:={a:"b"}`}, func(o *Options) { o.Strict = true }, `argument 1: the key a wants double quotes`},
		{"strict, and text in words", []string{"kind=toy", "at=now"}, func(o *Options) { o.Strict = true }, `{"kind":"KIND_TOY","at":"2026-01-02T03:04:05Z"}`},
		{"unknown fields", []string{`{"id":"x","idd":1}`}, func(o *Options) { o.AllowUnknown = true }, `{"id":"x"}`},
		{"unknown fields of words", []string{"idd=1"}, func(o *Options) { o.AllowUnknown = true }, `argument 1: no field "idd" in shop.Order`},
		{"a size", []string{`{"id":"0123456789"}`}, func(o *Options) { o.MaxSize = 16 }, `argument 1: a message of more than 16 bytes is too long`},
		{"a size that is enough", []string{` {"id":"012345"} `}, func(o *Options) { o.MaxSize = 16 }, `{"id":"012345"}`},
		{"a file", []string{"@x.yaml"}, func(o *Options) {
			o.Open = func(name string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("id: " + name)), nil }
		}, `{"id":"x.yaml"}`},
		{"a file that is not there", []string{"@x"}, func(o *Options) {
			o.Open = func(string) (io.ReadCloser, error) { return nil, fs.ErrNotExist }
		}, `x: file does not exist`},
		{"a word's file that is too long", []string{"blob=@x"}, func(o *Options) {
			o.MaxSize = 1 << 10
			o.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(&repeating{text: "x"}), nil }
		}, `argument 1: a file of more than 1 KiB is too long`},
		{"no types", []string{"detail.@type=shop.Card"}, func(o *Options) { o.Types = nil }, `argument 1: the schema has no message "shop.Card"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.options()
			tt.set(&o)
			got, err := s.run(t, parts(tt.parts...), o)
			if err != nil {
				got = []string{err.Error()}
			}
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWordsOfStreams finds words wrong before the stream begins where that is sure, and
// at their message where it is not.
func TestWordsOfStreams(t *testing.T) {
	s := loadSchema(t)
	stdin := `{"items":[{"sku":"a"},{"sku":"b"}],"details":[{"@type":"t/shop.Item"},{"@type":"t/shop.Card"}],"free":[1]}{}`
	tests := []struct {
		name  string
		words []string
		early bool
		want  string
	}{
		{"elements that may be there", []string{"items[1].sku=x", "items[0].sku=y"}, false, `argument 2: message 2: Order.items is empty; [+] is a new element`},
		{"Anys of unknown types", []string{"details[1].cvc=1", "details[0].qty=2"}, false, `argument 2: message 2: Order.details is empty; [+] is a new element`},
		{"an element set twice", []string{"items[1].sku=x", "items[1].sku=y"}, true, `argument 3: items[1].sku is set twice`},
		{"new elements", []string{"items[+].sku=x", "items[+].sku=y", "tags[]=a", "tags[]=a"}, false, ``},
		{"a oneof", []string{"iban=x", "card.cvc=1"}, true, `argument 3: Order.payment has one member, and iban has been set before card`},
		{"a value of another kind", []string{"free[1].x=1"}, false, `argument 2: message 2: free is empty; [+] is a new element`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.options()
			o.Streams, o.Stdin = true, strings.NewReader(stdin)
			ps := append([]Part{{Text: "-", Origin: "argument 1"}}, parts(append([]string{""}, tt.words...)...)[1:]...)
			src, err := New(ps, o)
			if early := err != nil; early != tt.early {
				t.Fatalf("New: %v", err)
			}
			if err == nil {
				_, err = s.all(t, src)
			}
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// TestErrorFields has what the shell needs to put its cursor on a fault.
func TestErrorFields(t *testing.T) {
	s := loadSchema(t)
	_, err := New([]Part{{Text: "{\"id\":\"x\",\n \"bigg\":1}", Data: true, Origin: "-d"}}, s.options())
	want := &Error{Origin: "-d", Format: FormatJSON, Faults: []Fault{{
		Place:      Place{Offset: 12, Length: 6, Line: 2, Column: 2, Text: ` "bigg":1}`, Start: 1, End: 7},
		Problem:    `no field "bigg" in shop.Order`,
		Suggestion: "big",
	}}}
	var got *Error
	if !errors.As(err, &got) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error of a document (-want +got):\n%s", diff)
	}

	_, err = New(parts("id=x", `iban=a`, "card.cvc=zz", "card.number=1"), s.options())
	want = &Error{Part: 2, Origin: "argument 3", Faults: []Fault{{
		Place:   Place{Part: 2, Offset: 9, Length: 2, Line: 1, Column: 10, Text: "card.cvc=zz", Start: 9, End: 11},
		Path:    "card.cvc",
		Problem: `Card.cvc wants int32, "zz" is not a number`,
	}, {
		Origin:  "argument 4",
		Place:   Place{Part: 3, Length: 13, Line: 1, Column: 1, Text: "card.number=1", End: 13},
		Problem: "Order.payment has one member, and iban has been set before card",
		Also:    &Place{Part: 1, Length: 6, Line: 1, Column: 1, Text: "iban=a", End: 6}, AlsoOrigin: "argument 2",
	}}}
	if !errors.As(err, &got) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error of a word (-want +got):\n%s", diff)
	}

	_, err = New(parts("@none"), s.options())
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: got %v", err)
	}
}

func TestDecodeDocument(t *testing.T) {
	s := loadSchema(t)
	tests := []struct {
		name   string
		format Format
		doc    string
		want   string
	}{
		{"json", FormatJSON, `{"id":"x"}`, `{"id":"x"}`},
		{"auto", FormatAuto, `{"id":"x"}`, `{"id":"x"}`},
		{"two", FormatJSON, `{"id":"x"}{}`, "convert: a second shop.Order, where only one is taken"},
		{"none", FormatJSON, ` `, "convert: there is no JSON document"},
		{"no yaml", FormatYAML, "# x\n", "convert: there is no YAML document"},
		{"yaml", FormatYAML, "id: x", `{"id":"x"}`},
		{"no text", FormatText, "", `{}`},
		{"raw", FormatRaw, "\x0a\x01x", `{"id":"x"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.options()
			o.Format = tt.format
			wire, err := decodeDocument([]byte(tt.doc), "convert", o)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = s.show(t, wire)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFormatOf(t *testing.T) {
	if got := FormatOf("a/B.YML"); got != FormatYAML {
		t.Errorf("B.YML: got %q", got)
	}
}
