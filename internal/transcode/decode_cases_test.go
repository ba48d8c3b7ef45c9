package transcode

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestDecodeLenient gives what a person types and the strict JSON that means the same.
func TestDecodeLenient(t *testing.T) {
	s := mustSchema(t)
	for _, tt := range []struct {
		name, typed, strict string
		md                  protoreflect.FullName
	}{
		{name: "unquoted keys", typed: `{fInt32: 1, f_int64: 2}`, strict: `{"fInt32":1,"fInt64":"2"}`},
		{name: "single quotes", typed: `{'fString': 'a"b\'c'}`, strict: `{"fString":"a\"b'c"}`},
		{name: "apostrophe in double quotes", typed: `{"fString": "a\'b'"}`, strict: `{"fString":"a'b'"}`},
		{name: "trailing commas", typed: `{"rInt32": [1, 2,], "mInt32": {"1": 2,},}`, strict: `{"rInt32":[1,2],"mInt32":{"1":2}}`},
		{name: "comments", typed: "// a\n{ /* b **/ \"fInt32\" /*c*/ : // d\n 1 }/**/ // e", strict: `{"fInt32":1}`},
		{name: "byte order mark", typed: "\ufeff{}", strict: `{}`},
		{name: "enum words", typed: `{fKind: KIND_TOY, rKind: [book, TOY, "toy", kind_book, Other, 2]}`, strict: `{"fKind":2,"rKind":[1,2,2,1,-1,2]}`},
		{name: "enum in a map", typed: `{mKind: {a: book}}`, strict: `{"mKind":{"a":"KIND_BOOK"}}`},
		{name: "no prefix to leave out", typed: `{alias: uno}`, strict: `{"alias":1}`},
		{name: "hexadecimal", typed: `{fInt32: 0x1F, fInt64: "-0x10", fUint64: 0xffffffffffffffff}`, strict: `{"fInt32":31,"fInt64":"-16","fUint64":"18446744073709551615"}`},
		{name: "float words", typed: `{fDouble: NaN, fFloat: -Infinity}`, strict: `{"fDouble":"NaN","fFloat":"-Infinity"}`},
		{name: "now", typed: `{timestamp: now}`, strict: `{"timestamp":"2026-03-04T05:06:07.000000008Z"}`},
		{name: "date", typed: `{timestamp: 2026-01-02, rTimestamp: ["2026-01-02T03:04:05", 2026-01-02T03:04:05.5, '2026-01-02 03:04', 2026-01-02T03:04:05+01:00]}`, strict: `{"timestamp":"2026-01-02T00:00:00Z","rTimestamp":["2026-01-02T03:04:05Z","2026-01-02T03:04:05.5Z","2026-01-02T03:04:00Z","2026-01-02T02:04:05Z"]}`},
		{name: "durations", typed: `{duration: 1h30m, rDuration: ["250ms", -1.5s, 2us]}`, strict: `{"duration":"5400s","rDuration":["0.25s","-1.5s","0.000002s"]}`},
		{name: "field masks", typed: `{mask: ["a_b", 'cD', "e.f,g"]}`, strict: `{"mask":"aB,cD,e.f,g"}`},
		{name: "field mask in one", typed: `{mask: "a_b.c"}`, strict: `{"mask":"aB.c"}`},
		{name: "keys of maps", typed: `{mInt32: {1: 2, -3: 4}, mBool: {true: false}}`, strict: `{"mInt32":{"1":2,"-3":4},"mBool":{"true":false}}`},
		{name: "values", typed: `{struct: {a: [null, {b: 'c',},],}, value: 'x'}`, strict: `{"struct":{"a":[null,{"b":"c"}]},"value":"x"}`},
		{name: "any", typed: `{any: {"@type": "x/feat.Extra", note: 'n'}}`, strict: `{"any":{"@type":"x/feat.Extra","note":"n"}}`},
		{name: "closed enum", md: "feat.Two", typed: `{closed: two, rClosed: [LOW]}`, strict: `{"closed":"CLOSED_TWO","rClosed":["CLOSED_LOW"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.md == "" {
				tt.md = "feat.Three"
			}
			md := s.message(t, tt.md)
			o := DecodeOptions{Types: s.types, Now: func() time.Time { return time.Unix(1772600767, 8) }}
			want, err := NewDecoder(md, o).Append(nil, []byte(tt.strict))
			if err != nil {
				t.Fatal(err)
			}
			if tt.typed != tt.strict {
				if got, err := NewDecoder(md, o).Append(nil, []byte(tt.typed)); err == nil {
					t.Errorf("the strict decoder takes it, as %x", got)
				}
			}
			o.Lenient = true
			got, err := NewDecoder(md, o).Append(nil, []byte(tt.typed))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, got) {
				t.Errorf("got %x, want %x", got, want)
			}
		})
	}
}

// TestDecodeUnresolved holds that an Any of a type that is not known comes back as it was.
func TestDecodeUnresolved(t *testing.T) {
	s := mustSchema(t)
	md := s.message(t, "google.protobuf.Any")
	e := NewEncoder(md, EncodeOptions{})
	for _, tt := range []struct {
		name string
		wire wire
	}{
		{"value", wire(nil).bytes(1, "x.y/pkg.T").bytes(2, "\x01\x02\xff")},
		{"no value", wire(nil).bytes(1, "x.y/pkg.T")},
		{"no type", wire(nil).bytes(2, "\x01")},
		{"known here", wire(nil).bytes(1, "x/feat.Extra").bytes(2, "\x0a\x01n")},
		{"well-known here", wire(nil).bytes(1, "x/google.protobuf.Duration").bytes(2, "\x08\x01")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := e.Append(nil, tt.wire)
			if err != nil || !strings.Contains(string(text), `"unresolved":true`) {
				t.Fatalf("%s, %v", text, err)
			}
			got, err := NewDecoder(md, DecodeOptions{Types: s.types, Lenient: true}).Append(nil, text)
			if err != nil || !bytes.Equal(got, tt.wire) {
				t.Errorf("%s became %x, not %x: %v", text, got, tt.wire, err)
			}
			if _, err := NewDecoder(md, DecodeOptions{Types: s.types}).Append(nil, text); err == nil {
				t.Error("the strict decoder takes it")
			}
		})
	}
}

func TestDecodeFaults(t *testing.T) {
	s := mustSchema(t)
	for _, tt := range []struct {
		name    string
		md      protoreflect.FullName
		text    string
		lenient bool
		want    []Fault
	}{
		{name: "not a number", text: `{"fInt64":"zz"}`, want: []Fault{{Offset: 10, Length: 4, Line: 1, Column: 11, Path: "f_int64", Problem: `Three.f_int64 wants int64, "zz" is not a number`}}},
		{name: "range", text: `{"fInt32":3000000000}`, want: []Fault{{Offset: 10, Length: 10, Line: 1, Column: 11, Path: "f_int32", Problem: `Three.f_int32 wants int32, 3000000000 is out of its range`}}},
		{name: "fraction", text: `{"rUint32":[1,1.5]}`, want: []Fault{{Offset: 14, Length: 3, Line: 1, Column: 15, Path: "r_uint32[1]", Problem: `Three.r_uint32 wants uint32, 1.5 is not a whole number`}}},
		{name: "negative", text: `{"mUint32":{"é":1,"1":-1}}`, want: []Fault{
			{Offset: 12, Length: 4, Line: 1, Column: 13, Path: `m_uint32["é"]`, Problem: `Three.m_uint32 wants keys of uint32, which "é" is not`},
			{Offset: 23, Length: 2, Line: 1, Column: 23, Path: `m_uint32["1"]`, Problem: `Three.m_uint32 wants uint32, -1 is negative`},
		}},
		{name: "unknown field", text: "{\n \"f_strin\": 1, \"fStrng\": [{}]}", want: []Fault{
			{Offset: 3, Length: 9, Line: 2, Column: 2, Problem: `no field "f_strin" in feat.Three`, Suggestion: "f_string"},
			{Offset: 17, Length: 8, Line: 2, Column: 16, Problem: `no field "fStrng" in feat.Three`, Suggestion: "fString"},
		}},
		{name: "unknown field inside", text: `{"rMessage":[{},{"FSTRING":""}]}`, want: []Fault{
			{Offset: 17, Length: 9, Line: 1, Column: 18, Path: "r_message[1]", Problem: `no field "FSTRING" in feat.Three`, Suggestion: "fString"},
		}},
		{name: "enum", text: `{"fKind":"KIND_TOI"}`, want: []Fault{{
			Offset: 9, Length: 10, Line: 1, Column: 10, Path: "f_kind", Suggestion: "KIND_TOY",
			Problem: `Three.f_kind wants Kind, "KIND_TOI" is not one of its values (KIND_UNSPECIFIED, KIND_BOOK, KIND_TOY, KIND_OTHER, KIND_FAR)`,
		}}},
		{name: "enum, lenient", text: `{fKind:TOI}`, lenient: true, want: []Fault{{
			Offset: 7, Length: 3, Line: 1, Column: 8, Path: "f_kind", Suggestion: "TOY",
			Problem: `Three.f_kind wants Kind, TOI is not one of its values (UNSPECIFIED, BOOK, TOY, OTHER, FAR)`,
		}}},
		{name: "shapes", text: `{"fInt32":{"a":[]},"rInt32":1,"mInt32":[],"fMessage":"x","timestamp":5}`, want: []Fault{
			{Offset: 10, Length: 1, Line: 1, Column: 11, Path: "f_int32", Problem: "Three.f_int32 wants int32, not an object"},
			{Offset: 28, Length: 1, Line: 1, Column: 29, Path: "r_int32", Problem: "Three.r_int32 wants a list of int32, not 1"},
			{Offset: 39, Length: 1, Line: 1, Column: 40, Path: "m_int32", Problem: "Three.m_int32 wants an object with keys of int32 and values of int32, not a list"},
			{Offset: 53, Length: 3, Line: 1, Column: 54, Path: "f_message", Problem: `Three.f_message wants an object (feat.Three), not "x"`},
			{Offset: 69, Length: 1, Line: 1, Column: 70, Path: "timestamp", Problem: `Three.timestamp wants a time as "2006-01-02T15:04:05Z", not 5`},
		}},
		{name: "five at most", text: `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}`, md: "feat.Extra", want: []Fault{
			{Offset: 1, Length: 3, Line: 1, Column: 2, Problem: `no field "a" in feat.Extra`},
			{Offset: 7, Length: 3, Line: 1, Column: 8, Problem: `no field "b" in feat.Extra`},
			{Offset: 13, Length: 3, Line: 1, Column: 14, Problem: `no field "c" in feat.Extra`},
			{Offset: 19, Length: 3, Line: 1, Column: 20, Problem: `no field "d" in feat.Extra`},
			{Offset: 25, Length: 3, Line: 1, Column: 26, Problem: `no field "e" in feat.Extra`},
		}},
		{name: "duplicates", text: `{"fInt32":1,"f_int32":2,"mInt32":{"1":1,"01":2}}`, want: []Fault{
			{Offset: 12, Length: 9, Line: 1, Column: 13, Problem: "the field fInt32 is here twice"},
			{Offset: 40, Length: 4, Line: 1, Column: 41, Path: `m_int32["01"]`, Problem: `the key "01" is here twice`},
		}},
		{name: "oneof", text: `{"cUint32":1,"cString":"x"}`, want: []Fault{{
			Offset: 13, Length: 9, Line: 1, Column: 14, Path: "c_string", Problem: "cString and cUint32 are members of one oneof, choice: only one of them can be set",
		}}},
		{name: "needs quotes", text: `{"fString":5,"fBytes":"*"}`, want: []Fault{
			{Offset: 11, Length: 1, Line: 1, Column: 12, Path: "f_string", Problem: "Three.f_string wants a string: 5 needs quotes"},
			{Offset: 22, Length: 3, Line: 1, Column: 23, Path: "f_bytes", Problem: `Three.f_bytes wants bytes in base64, which "*" is not`},
		}},
		{name: "null in a list", text: `{"rString":[null]}`, want: []Fault{{Offset: 12, Length: 4, Line: 1, Column: 13, Path: "r_string[0]", Problem: "Three.r_string wants a string, not null"}}},
		{name: "trailing comma", text: `{"fInt32":1,}`, want: []Fault{{Offset: 11, Length: 1, Line: 1, Column: 12, Problem: "a comma with nothing after it"}}},
		{name: "missing comma", text: "{\"fInt32\":1\n\"fInt64\":1}", want: []Fault{{Offset: 12, Line: 2, Column: 1, Problem: "a comma or } is missing"}}},
		{name: "missing colon", text: `{"fInt32" 1}`, want: []Fault{{Offset: 10, Line: 1, Column: 11, Problem: `a colon is missing after the key "fInt32"`}}},
		{name: "unquoted key, strict", text: `{fInt32:1}`, want: []Fault{{Offset: 1, Length: 6, Line: 1, Column: 2, Problem: "the key fInt32 wants double quotes"}}},
		{name: "text after", text: "{} x y", want: []Fault{{Offset: 3, Length: 1, Line: 1, Column: 4, Problem: "there is text after the document: x"}}},
		{name: "surrogate", text: `{"fString":"\ud800x"}`, want: []Fault{{Offset: 12, Length: 6, Line: 1, Column: 13, Path: "f_string", Problem: `a string has half of a surrogate pair: \ud800`}}},
		{name: "not UTF-8", text: "{\"fString\":\"a\xff\"}", want: []Fault{{Offset: 13, Length: 1, Line: 1, Column: 14, Path: "f_string", Problem: "a string is not valid UTF-8"}}},
		{name: "control character", text: "{\"fString\":\"a\n\"}", want: []Fault{{Offset: 13, Length: 1, Line: 1, Column: 14, Path: "f_string", Problem: "a string has a control character, which must be written as an escape"}}},
		{name: "escape", text: `{"fString":"\x1b"}`, want: []Fault{{Offset: 12, Length: 2, Line: 1, Column: 13, Path: "f_string", Problem: `a string has the escape \x, which JSON does not know`}}},
		{name: "hidden text is shown", text: "{\"\u202e\x7f\":1}", want: []Fault{{Offset: 1, Length: 6, Line: 1, Column: 2, Problem: `no field "\u202e\u007f" in feat.Three`}}},
		{name: "empty", text: " \n", want: []Fault{{Offset: 2, Line: 2, Column: 1, Problem: "the document is empty", Incomplete: true}}},
		{name: "cut in an object", text: `{"fMessage":{`, want: []Fault{{Offset: 13, Line: 1, Column: 14, Path: "f_message", Problem: "the document ends before a }", Incomplete: true}}},
		{name: "cut after a key", text: `{"fInt32"`, want: []Fault{{Offset: 9, Line: 1, Column: 10, Problem: "the document ends after a key", Incomplete: true}}},
		{name: "cut before a value", text: `{"fInt32":`, want: []Fault{{Offset: 10, Line: 1, Column: 11, Path: "f_int32", Problem: "the document ends where a value should be", Incomplete: true}}},
		{name: "cut in a string", text: `{"fString":"ab`, want: []Fault{{Offset: 11, Length: 3, Line: 1, Column: 12, Path: "f_string", Problem: "a string does not end", Incomplete: true}}},
		{name: "cut in a comment", text: `{/*`, lenient: true, want: []Fault{{Offset: 1, Length: 2, Line: 1, Column: 2, Problem: "a comment does not end", Incomplete: true}}},
		{name: "faults before the cut", text: `{"x":1,"rInt32":[1,`, want: []Fault{
			{Offset: 1, Length: 3, Line: 1, Column: 2, Problem: `no field "x" in feat.Three`},
			{Offset: 19, Line: 1, Column: 20, Path: "r_int32[1]", Problem: "the document ends before a ]", Incomplete: true},
		}},
		{name: "extension", md: "feat.Two", text: `{"[feat.no]":1,"[feat.edition_ext]":1}`, want: []Fault{
			{Offset: 1, Length: 11, Line: 1, Column: 2, Problem: "no extension feat.no of feat.Two is known"},
			{Offset: 15, Length: 20, Line: 1, Column: 16, Problem: "feat.Two is not extended by feat.edition_ext"},
		}},
		{name: "any", text: `{"rAny":[{"note":1},{"@type":"x/pkg.T","a":1},{"@type":"x/google.protobuf.Duration"},{"@type":""}]}`, want: []Fault{
			{Offset: 9, Length: 1, Line: 1, Column: 10, Path: "r_any[0]", Problem: `Three.r_any wants a key "@type", which names the message's type`},
			{Offset: 29, Length: 9, Line: 1, Column: 30, Path: "r_any[1]", Problem: `no message type "x/pkg.T" is known, so its JSON cannot be read`},
			{Offset: 46, Length: 1, Line: 1, Column: 47, Path: "r_any[2]", Problem: `Three.r_any wants a key "value" with a duration as "1.5s"`},
			{Offset: 94, Length: 2, Line: 1, Column: 95, Path: "r_any[3]", Problem: `"@type" is empty`},
		}},
		{name: "inside an any", md: "google.protobuf.Any", text: `{"@type":"x/feat.Extra","note":1,"@type":"x/feat.Extra"}`, want: []Fault{
			{Offset: 31, Length: 1, Line: 1, Column: 32, Path: "note", Problem: "Extra.note wants a string: 1 needs quotes"},
			{Offset: 33, Length: 7, Line: 1, Column: 34, Problem: `"@type" is here twice`},
		}},
		{name: "top level", text: `[1]`, want: []Fault{{Length: 1, Line: 1, Column: 1, Problem: "Three wants an object (feat.Three), not a list"}}},
		{name: "value", text: `{"value":nope,"mask":"a_b","duration":"5","wBool":"true"}`, want: []Fault{
			{Offset: 9, Length: 4, Line: 1, Column: 10, Path: "value", Problem: "Three.value wants a JSON value: nope needs quotes"},
			{Offset: 21, Length: 5, Line: 1, Column: 22, Path: "mask", Problem: `Three.mask wants field names as "name,homeAddress", which "a_b" is not`},
			{Offset: 38, Length: 3, Line: 1, Column: 39, Path: "duration", Problem: `Three.duration wants a duration as "1.5s", not "5"`},
			{Offset: 50, Length: 6, Line: 1, Column: 51, Path: "w_bool", Problem: `Three.w_bool wants true or false, not "true"`},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.md == "" {
				tt.md = "feat.Three"
			}
			got, err := NewDecoder(s.message(t, tt.md), DecodeOptions{Types: s.types, Lenient: tt.lenient}).Append([]byte("kept"), []byte(tt.text))
			checkFaults(t, []byte(tt.text), err)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %x, %v", got, err)
			}
			if diff := cmp.Diff(tt.want, e.Faults); diff != "" || string(got) != "kept" {
				t.Errorf("left %q (-want +got):\n%s", got, diff)
			}
		})
	}
}

// TestDecodePrefixes holds that a document that is cut anywhere is told to be incomplete.
func TestDecodePrefixes(t *testing.T) {
	s := mustSchema(t)
	text := []byte(`{"fString":"a\u0041\ud83d\ude00é\n","rMessage":[{"mInt32":{"1":2}}],"any":{"note":"x","@type":"x/feat.Extra"},"value":{"a":[1,{}]},"oKind":"KIND_TOY"}`)
	d := NewDecoder(s.message(t, "feat.Three"), DecodeOptions{Types: s.types})
	if _, err := d.Append(nil, text); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		_, err := d.Append(nil, text[:i])
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%q is taken", text[:i])
		}
		last := e.Faults[len(e.Faults)-1]
		if !last.Incomplete && !strings.HasPrefix(last.Problem, "a string is not valid UTF-8") {
			t.Errorf("%q: %+v", text[:i], last)
		}
	}
}

// TestDecodeNesting holds that nesting is bounded, that deep lengths are right, and that
// reading twice is bounded.
func TestDecodeNesting(t *testing.T) {
	s := mustSchema(t)
	d := NewDecoder(s.message(t, "feat.Three"), DecodeOptions{Types: s.types})
	e := NewEncoder(s.message(t, "feat.Three"), EncodeOptions{Types: s.types})
	nest := func(n int, open, inner, shut string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(shut, n)
	}
	for _, n := range []int{1, deepLengths - 1, deepLengths, deepLengths + 1, 300, maxDepth - 1} {
		text := nest(n, `{"fMessage":`, `{"fString":"`+strings.Repeat("x", 200)+`"}`, "}")
		w, err := d.Append(nil, []byte(text))
		if err != nil {
			t.Fatalf("%d levels: %v", n, err)
		}
		back, err := e.Append(nil, w)
		if err != nil || string(back) != text {
			t.Fatalf("%d levels came back as %.60q (%v)", n, back, err)
		}
	}
	for name, text := range map[string]string{
		"messages": nest(maxDepth, `{"fMessage":`, "{}", "}"),
		"values":   `{"value":` + nest(maxDepth, "[", "", "]") + "}",
		"unknown":  `{"none":` + nest(maxDepth+1, "[", "", "]") + "}",
		"any":      `{"any":` + nest(5000, `{"value":`, `{}`, `,"@type":"x/google.protobuf.Any"}`) + "}",
	} {
		_, err := d.Append(nil, []byte(text))
		checkFaults(t, []byte(text), err)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// The same with the type first costs nothing, and only its depth is bounded.
	text := `{"any":` + nest(4000, `{"@type":"x/google.protobuf.Any","value":`, `{}`, `}`) + "}"
	if _, err := d.Append(nil, []byte(text)); err != nil {
		t.Error(err)
	}
	lenient := NewDecoder(s.message(t, "feat.Three"), DecodeOptions{Types: s.types, Lenient: true})
	if _, err := lenient.Append(nil, []byte(text)); err != nil {
		t.Error(err)
	}
}

// TestDecodeManyKeys holds that keys are distinguished beyond the few that are compared one by
// one, in maps inside maps, and when entries are left out.
func TestDecodeManyKeys(t *testing.T) {
	s := mustSchema(t)
	d := NewDecoder(s.message(t, "feat.Three"), DecodeOptions{Types: s.types, AllowUnknown: true})
	var b strings.Builder
	b.WriteString(`{"mMessage":{`)
	for i := range 100 {
		fmt.Fprintf(&b, `"%d":{"mKind":{`, i)
		for j := range 60 {
			fmt.Fprintf(&b, `"k%d":"NOT_KNOWN","k%d":"KIND_TOY",`, j, j)
		}
		b.WriteString(`"end":1}},`)
	}
	b.WriteString(`"end":{}}}`)
	if _, err := d.Append(nil, []byte(b.String())); err != nil {
		t.Fatal(err)
	}
	twice := strings.Replace(b.String(), `"end":{}`, `"77":{}`, 1)
	_, err := d.Append(nil, []byte(twice))
	var e *Error
	if !errors.As(err, &e) || e.Faults[0].Problem != `the key "77" is here twice` {
		t.Errorf("got %v", err)
	}
	twice = strings.Replace(b.String(), `"end":1`, `"k33":1`, 1)
	if _, err = d.Append(nil, []byte(twice)); !errors.As(err, &e) || e.Faults[0].Problem != `the key "k33" is here twice` {
		t.Errorf("got %v", err)
	}
}

// TestDecodeWire holds the bytes of cases where more than one form would do.
func TestDecodeWire(t *testing.T) {
	s := mustSchema(t)
	var none wire
	for _, tt := range []struct {
		name string
		md   protoreflect.FullName
		text string
		want wire
	}{
		{name: "in the order of the text", md: "feat.Three", text: `{"fInt64":1,"fInt32":2}`, want: none.varint(2, 1).varint(1, 2)},
		{name: "zeros without presence are not sent", md: "feat.Three", text: `{"fInt32":0,"fString":"","fBytes":"","fBool":false,"fDouble":0,"fKind":0,"rInt32":[],"mInt32":{}}`},
		{name: "zeros with presence are", md: "feat.Three", text: `{"oInt32":0,"oString":""}`, want: none.varint(21, 0).bytes(22, "")},
		{name: "null", md: "feat.Three", text: `{"fInt32":null,"fMessage":null,"rInt32":null,"mInt32":null,"value":null}`, want: none.bytes(85, "\x08\x00")},
		{name: "packed", md: "feat.Three", text: `{"rInt32":[1,-1]}`, want: none.bytes(31, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
		{name: "not packed", md: "feat.Three", text: `{"rUnpacked":[1,0]}`, want: none.varint(48, 1).varint(48, 0)},
		{name: "entries have both parts", md: "feat.Three", text: `{"mInt32":{"0":0}}`, want: none.bytes(52, "\x08\x00\x10\x00")},
		{
			name: "long lengths", md: "feat.Three", text: `{"mBytes":{"k":"` + strings.Repeat("AAAA", 100) + `"}}`,
			want: none.bytes(65, string(none.bytes(1, "k").bytes(2, strings.Repeat("\x00", 300)))),
		},
		{name: "groups", md: "feat.Two", text: `{"grp":{"a":1,"inner":{"s":"x"}}}`, want: wire("\x43\x08\x01\x1b\x0a\x01x\x1c\x44")},
		{name: "negative zero", md: "feat.Three", text: `{"fDouble":-0}`, want: protowire.AppendFixed64(wire("\x61"), 1<<63)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := NewDecoder(s.message(t, tt.md), DecodeOptions{Types: s.types}).Append(nil, []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(tt.want, got) {
				t.Errorf("got %x, want %x", got, tt.want)
			}
		})
	}
}
