package skeleton_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
)

func TestTemplate(t *testing.T) {
	s, err := discovery.ParseProtoset("test", protoset(t, fileProto(t, `
		name: "t.proto"  package: "t"  syntax: "proto3"
		dependency: "google/protobuf/timestamp.proto"
		enum_type { name: "E" value { name: "ONE" number: 0 } value { name: "TWO" number: 1 } }
		message_type { name: "M"
			field { name: "text" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 1 proto3_optional: true }
			field { name: "e" number: 2 label: LABEL_REPEATED type: TYPE_ENUM type_name: ".t.E" }
			field { name: "self" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".t.M" options { deprecated: true } }
			field { name: "parts" number: 4 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".t.Part" }
			field { name: "by_id" number: 5 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".t.M.ByIdEntry" }
			field { name: "a" number: 6 label: LABEL_OPTIONAL type: TYPE_INT64 oneof_index: 0 }
			field { name: "b" number: 7 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".t.Part" oneof_index: 0 }
			field { name: "at" number: 8 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" }
			field { name: "yes" number: 9 label: LABEL_OPTIONAL type: TYPE_BOOL }
			oneof_decl { name: "choice" } oneof_decl { name: "_text" }
			nested_type { name: "ByIdEntry" options { map_entry: true }
				field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 }
				field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".t.Part" } }
		}
		message_type { name: "Part"
			field { name: "x" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 oneof_index: 0 }
			field { name: "why" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
			field { name: "num" number: 3 label: LABEL_OPTIONAL type: TYPE_DOUBLE }
			oneof_decl { name: "which" } }`)))
	if err != nil {
		t.Fatal(err)
	}
	md := message(t, s, "t.M")
	for form, want := range map[skeleton.Form]string{
		skeleton.JSON: `// t.M
{
  "text": "", // optional string
  "e": [ // repeated E: ONE, TWO
    "ONE",
  ],
  "self": {}, // M, deprecated
  "parts": [ // repeated Part
    {
      "x": 0, // int32, oneof which
      // "why": "", // string, oneof which
      "num": 0, // double
    },
  ],
  "byId": { // map<int32, Part>
    "0": {
      "x": 0, // int32, oneof which
      // "why": "", // string, oneof which
      "num": 0, // double
    },
  },
  "a": "0", // int64, oneof choice
  // "b": { // Part, oneof choice
  //   "x": 0, // int32, oneof which
  //   // "why": "", // string, oneof which
  //   "num": 0, // double
  // },
  "at": "2006-01-02T15:04:05Z", // google.protobuf.Timestamp
  "yes": false, // bool
}
`,
		skeleton.YAML: `# t.M
text: "" # optional string
e: # repeated E: ONE, TWO
  - "ONE"
self: {} # M, deprecated
parts: # repeated Part
  - x: 0 # int32, oneof which
    # why: "" # string, oneof which
    num: 0 # double
byId: # map<int32, Part>
  "0":
    x: 0 # int32, oneof which
    # why: "" # string, oneof which
    num: 0 # double
a: "0" # int64, oneof choice
# b: # Part, oneof choice
#   x: 0 # int32, oneof which
#   # why: "" # string, oneof which
#   num: 0 # double
at: "2006-01-02T15:04:05Z" # google.protobuf.Timestamp
"yes": false # bool
`,
	} {
		got, err := skeleton.Commented(md, form)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: %s", form, diff)
		}
	}
}
