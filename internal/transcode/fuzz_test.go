package transcode

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

var fuzzed = [...]protoreflect.FullName{
	"feat.Three", "feat.Two", "feat.Edition", "bench.Order", "google.protobuf.Any",
	"google.protobuf.Value", "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask",
	"google.protobuf.Struct", "google.protobuf.FloatValue", "google.protobuf.BytesValue",
}

// FuzzEncodeMessage makes a message of the input's choices and holds its JSON to protojson's.
func FuzzEncodeMessage(f *testing.F) {
	s, err := testSchema()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("\x05\x00\x01\x07\x00\x02seeds are choices"), byte(0), byte(0))
	f.Add([]byte("\x07\x01\x34\x02\x01\x55\x07\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e"), byte(1), byte(7))
	f.Fuzz(func(t *testing.T, data []byte, which, options byte) {
		if len(data) > 2000 {
			return
		}
		md := s.message(t, fuzzed[int(which)%3])
		c := &choices{data: data, fieldsLeft: 60}
		checkEncoding(t, s, md, encodeOptions(options), c.wire(md, s.types, 0))
	})
}

// FuzzEncodeWire holds the JSON of any bytes to protojson's.
func FuzzEncodeWire(f *testing.F) {
	s, err := testSchema()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("\x08\x01\x0a\x02\x08\x01"), byte(0), byte(0))
	f.Add([]byte("\x43\x08\x01\x12\x02\x08\x01\x1b\x0a\x01x\x1c\x44\x4b\x0a\x01y\x13\x09\x01\x02\x03\x04\x05\x06\x07\x08\x14\x4c"), byte(1), byte(1))
	f.Add([]byte("\x0a\x2ftype.googleapis.com/google.protobuf.FloatValue\x12\x05\x0d\x00\x00\x80\x3f"), byte(4), byte(2))
	f.Fuzz(func(t *testing.T, wire []byte, which, options byte) {
		if len(wire) > 4000 {
			return
		}
		md := s.message(t, fuzzed[int(which)%len(fuzzed)])
		checkEncoding(t, s, md, encodeOptions(options), wire)
	})
}

func encodeOptions(b byte) EncodeOptions {
	o := EncodeOptions{EmitDefaults: b&1 != 0, ProtoNames: b&2 != 0, EnumNumbers: b&4 != 0}
	if b&8 != 0 {
		o.Indent = "  "
	}
	return o
}

// FuzzDecode holds what the strict decoder makes of any text to protojson, and the
// lenient one to the strict.
func FuzzDecode(f *testing.F) {
	s, err := testSchema()
	if err != nil {
		f.Fatal(err)
	}
	for i, seed := range decodeSeeds {
		f.Add([]byte(seed), byte(i), i%2 == 0)
		f.Add([]byte(seed), byte(0), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, text []byte, which byte, allowUnknown bool) {
		if len(text) > 4000 {
			return
		}
		checkDecoding(t, s, s.message(t, fuzzed[int(which)%len(fuzzed)]), allowUnknown, text)
	})
}

var decodeSeeds = []string{
	`{"fInt32":1,"f_int64":"-2","fDouble":1e5,"rKind":["KIND_TOY",1],"mBool":{"true":false},"cString":"\ud83d\ude00"}`,
	`{"must":1,"grp":{"a":2},"[feat.ext_extra]":{"note":"x"},"rep":[{"b":"\u0041"}],"raw":"-_8="}`,
	`{"implicit":0,"rDelimited":[{},{"explicit":3}],"[feat.edition_ext]":5,"m":{"k":{"strict":""}}}`,
	`{"orderId":"x","labels":{"a":"b"},"deltas":[1,-1],"createdAt":"2025-10-09T08:53:20.125Z"}`,
	`{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.5s"}`,
	`{"a":[null,true,1.5,"s",{}]}`,
	`"2006-01-02T15:04:05.999999999+01:00"`,
	`"-0.000000001s"`,
	`"a,bC.d"`,
	`{"k":null}`,
	`"-Infinity"`,
	`"AAE"`,
	`{"any":{"value":{"@type":"/google.protobuf.Any"},"@type":"/google.protobuf.Any"},"rNull":[null,0,"NULL_VALUE"]}`,
}

// FuzzLenient holds that no text breaks the lenient decoder, and that what it takes can be
// printed and read again, strictly, to print the same.
func FuzzLenient(f *testing.F) {
	s, err := testSchema()
	if err != nil {
		f.Fatal(err)
	}
	for i, seed := range append([]string{
		`{f_kind: book, /* x */ 'timestamp': now, duration: 1h30m, mask: ["a_b", 'c'], f_int32: -0x10,} // end`,
		`{any: {"@type": "x.y/unknown.T", value: "AAEC", unresolved: true}, f_double: NaN}`,
	}, decodeSeeds...) {
		f.Add([]byte(seed), byte(i))
		f.Add([]byte(seed), byte(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, which byte) {
		if len(text) > 4000 {
			return
		}
		md := s.message(t, fuzzed[int(which)%len(fuzzed)])
		wire, err := NewDecoder(md, DecodeOptions{Types: s.types, Lenient: true}).Append(nil, text)
		checkFaults(t, text, err)
		if err != nil {
			return
		}
		e := NewEncoder(md, EncodeOptions{Types: s.types})
		printed, err := e.Append(nil, wire)
		if err != nil {
			t.Fatalf("%q became %x, which does not print: %v", text, wire, err)
		}
		again, err := NewDecoder(md, DecodeOptions{Types: s.types, Lenient: true}).Append(nil, printed)
		if err != nil {
			t.Fatalf("%q prints as %s, which is not taken: %v", text, printed, err)
		}
		twice, err := e.Append(nil, again)
		if err != nil || string(printed) != string(twice) {
			t.Fatalf("%q prints as %s and then as %s (%v)", text, printed, twice, err)
		}
	})
}
