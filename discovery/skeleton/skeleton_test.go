package skeleton_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
	"github.com/rpcctl/rpcctl/internal/transcode"
)

func TestSkeleton(t *testing.T) {
	s, err := discovery.ParseProtoset("test", protoset(t, fileProto(t, `
		name: "t.proto"  package: "t"  syntax: "proto2"
		dependency: "google/protobuf/timestamp.proto" dependency: "google/protobuf/any.proto" dependency: "google/protobuf/struct.proto"
		enum_type { name: "E" value { name: "ONE" number: 1 } value { name: "TWO" number: 2 } }
		message_type { name: "M"
			field { name: "text_field" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING default_value: "he\"y" }
			field { name: "big" number: 2 label: LABEL_OPTIONAL type: TYPE_UINT64 default_value: "7" }
			field { name: "inf" number: 3 label: LABEL_OPTIONAL type: TYPE_DOUBLE default_value: "-inf" }
			field { name: "e" number: 4 label: LABEL_REPEATED type: TYPE_ENUM type_name: ".t.E" }
			field { name: "e2" number: 5 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".t.E" default_value: "TWO" }
			field { name: "self" number: 6 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".t.M" }
			field { name: "selves" number: 7 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".t.M" }
			field { name: "by_id" number: 8 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".t.M.ByIdEntry" }
			field { name: "a" number: 9 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
			field { name: "b" number: 10 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
			field { name: "at" number: 11 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" }
			field { name: "any" number: 12 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Any" }
			field { name: "none" number: 13 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".google.protobuf.NullValue" }
			field { name: "must" number: 14 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".t.Must" }
			oneof_decl { name: "choice" }
			nested_type { name: "ByIdEntry" options { map_entry: true }
				field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 }
				field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_BOOL } }
		}
		message_type { name: "Must" field { name: "n" number: 1 label: LABEL_REQUIRED type: TYPE_INT32 } }`)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := skeleton.Of(message(t, s, "t.M"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "textField": "he\"y",
  "big": "7",
  "inf": "-Infinity",
  "e": [
    "ONE"
  ],
  "e2": "TWO",
  "self": {},
  "selves": [],
  "byId": {
    "0": false
  },
  "a": "",
  "at": "2006-01-02T15:04:05Z",
  "any": {
    "@type": "type.googleapis.com/google.protobuf.Empty",
    "value": {}
  },
  "none": null,
  "must": {
    "n": 0
  }
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// Every skeleton of the demo is accepted as it is, and so are those of
// descriptor.proto, which has recursion of every kind.
func TestSkeletonIsAccepted(t *testing.T) {
	s := demoSet(t)
	var all []protoreflect.MessageDescriptor
	services, err := s.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range services {
		d, err := s.Find(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		methods := d.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			all = append(all, methods.Get(i).Input(), methods.Get(i).Output())
		}
	}
	messages := descriptorpb.File_google_protobuf_descriptor_proto.Messages()
	for i := range messages.Len() {
		all = append(all, messages.Get(i))
	}
	for _, md := range all {
		got, err := skeleton.Of(md)
		if err != nil {
			t.Errorf("%s: %v", md.FullName(), err)
			continue
		}
		types := discovery.Types(t.Context(), s)
		if err := (protojson.UnmarshalOptions{Resolver: types}).Unmarshal(got, dynamicpb.NewMessage(md)); err != nil {
			t.Errorf("%s: %v\n%s", md.FullName(), err, got)
		}
		if _, err := transcode.NewDecoder(md, transcode.DecodeOptions{Types: types}).Append(nil, got); err != nil {
			t.Errorf("%s: %v\n%s", md.FullName(), err, got)
		}
	}
}

// A schema that branches at each level would grow without bound.
func TestSkeletonIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString(`name: "b.proto" package: "b" syntax: "proto3" `)
	for i := range 12 {
		text.WriteString(`message_type { name: "M` + string(rune('A'+i)) + `" `)
		for f := range 8 {
			if i < 11 {
				text.WriteString(`field { name: "f` + string(rune('a'+f)) + `" number: ` + string(rune('1'+f)) +
					` label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".b.M` + string(rune('A'+i+1)) + `" } `)
			}
		}
		text.WriteString("} ")
	}
	s, err := discovery.ParseProtoset("b", protoset(t, fileProto(t, text.String())))
	if err != nil {
		t.Fatal(err)
	}
	got, err := skeleton.Of(message(t, s, "b.MA"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) > 8<<20 || !json.Valid(got) {
		t.Errorf("%d bytes", len(got))
	}
}
