package transcode

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// manyKeys is an object whose keys are the numbers up to n.
func manyKeys(n int, value string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":%s`, i, value)
	}
	return "{" + b.String()[1:] + "}"
}

// Documents of very many elements end with the context, whatever they are made of.
func TestDecodeEndsWithContext(t *testing.T) {
	s := mustSchema(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	const many = 3 * turnsPerLook
	elements := "[" + strings.Repeat("{},", many) + "{}]"
	for name, test := range map[string]struct {
		md   protoreflect.FullName
		json string
	}{
		"list":          {"google.protobuf.ListValue", elements},
		"map":           {"google.protobuf.Struct", manyKeys(many, "1")},
		"paths":         {"google.protobuf.FieldMask", `"` + strings.Repeat("a,", many) + `a"`},
		"unknown field": {"feat.Three", `{"unknown":` + elements + `}`},
		"unknown":       {"feat.Three", manyKeys(many, "1")},
		"any":           {"google.protobuf.Any", `{"list":` + elements + `,"@type":"x/feat.Three"}`},
	} {
		d := NewDecoder(s.message(t, test.md), DecodeOptions{Types: s.types, AllowUnknown: true})
		before := []byte("before")
		if out, err := d.AppendContext(ended, before, []byte(test.json)); err != context.Canceled || string(out) != "before" {
			t.Errorf("%s: %d bytes, %v", name, len(out), err)
		}
		if _, err := d.AppendContext(t.Context(), nil, []byte(test.json)); err != nil {
			t.Errorf("%s, later: %v", name, err)
		}
	}
}

// What the decoder allocates is bounded by the limit of the message, whatever stands in its
// JSON.
func TestDecodeLargeIsSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	s := mustSchema(t)
	const most = 8 << 20
	for name, test := range map[string]struct {
		md   protoreflect.FullName
		json string
		want error
	}{
		"paths":       {"google.protobuf.FieldMask", `"` + strings.Repeat("a,", most/2) + `a"`, ErrTooLarge},
		"fewer paths": {"google.protobuf.FieldMask", `"` + strings.Repeat("a,", most/4) + `a"`, nil},
		"a long path": {"google.protobuf.FieldMask", `"` + strings.Repeat("A", most*2/3) + `"`, ErrTooLarge},
		"keys":        {"google.protobuf.Struct", manyKeys(most/16, "1"), ErrTooLarge},
		"fewer keys":  {"google.protobuf.Struct", manyKeys(most/60, "1"), nil},
	} {
		d := NewDecoder(s.message(t, test.md), DecodeOptions{MaxSize: most})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := d.Append(nil, []byte(test.json))
		runtime.ReadMemStats(&after)
		n := after.TotalAlloc - before.TotalAlloc // includes what was outgrown
		t.Logf("%s: %d MiB", name, n>>20)
		if !errors.Is(err, test.want) || n > 8*most {
			t.Errorf("%s: it ended in %v and took %d bytes, want %v", name, err, n, test.want)
		}
	}
}

// Paths keep their form, with capitals and escapes and without.
func TestDecodePaths(t *testing.T) {
	md := (&fieldmaskpb.FieldMask{}).ProtoReflect().Descriptor()
	for json, want := range map[string][]string{
		`" a,bC.dEf ,g1"`: nil, `"a,bC.dEf,\u0041b"`: {"a", "b_c.d_ef", "_ab"}, `"a_b"`: nil, `""`: {}, `" aB "`: {"a_b"},
	} {
		wire, err := NewDecoder(md, DecodeOptions{}).Append(nil, []byte(json))
		got := &fieldmaskpb.FieldMask{}
		if (err == nil) != (want != nil) {
			t.Errorf("%s: %v", json, err)
		}
		if err := proto.Unmarshal(wire, got); err != nil || fmt.Sprint(got.GetPaths()) != fmt.Sprint(want) {
			t.Errorf("%s: %q, %v, want %q", json, got.GetPaths(), err, want)
		}
	}
}
