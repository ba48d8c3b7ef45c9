package transcode

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// split feeds text in chunks of the given size and returns the values, and what is left.
func split(text string, lenient bool, chunk int) (values []string, rest string, pending bool) {
	s := Splitter{Lenient: lenient}
	var value strings.Builder
	for len(text) > 0 {
		p := text[:min(chunk, len(text))]
		n, done := s.Feed([]byte(p))
		value.WriteString(p[:n])
		text = text[n:]
		if done {
			values = append(values, value.String())
			value.Reset()
		}
	}
	return values, value.String(), s.Pending()
}

func TestSplitter(t *testing.T) {
	for _, tt := range []struct {
		name    string
		text    string
		lenient bool
		want    []string
		rest    string
		pending bool
	}{
		{name: "nothing"},
		{name: "white space", text: " \n\t", rest: " \n\t"},
		{name: "object", text: `{"a":1}`, want: []string{`{"a":1}`}},
		{name: "objects", text: "{}\n{}[1]\n", want: []string{"{}", "\n{}", "[1]"}, rest: "\n"},
		{name: "brackets in a string", text: `{"a":"}]\"}"}x `, want: []string{`{"a":"}]\"}"}`, "x"}, rest: " "},
		{name: "nested", text: `[{"a":[{}]}]{`, want: []string{`[{"a":[{}]}]`}, rest: "{", pending: true},
		{name: "scalars", text: `1 2,"a""b" null`, want: []string{"1", " 2", ",", `"a"`, `"b"`}, rest: " null", pending: true},
		{name: "cut in a string", text: `{"a`, rest: `{"a`, pending: true},
		{name: "line break in a string", text: "{\"a\n}", want: []string{"{\"a\n", "}"}},
		{name: "escaped line break in a string", text: "{\"a\\\n}", want: []string{"{\"a\\\n", "}"}},
		{name: "stray bracket", text: "]{}", want: []string{"]", "{}"}},
		{name: "strict comment", text: "// {\n", want: []string{"//", " {\n"}[:1], rest: " {\n", pending: true},
		{name: "line comment", text: "// {\n{ // }\n}", lenient: true, want: []string{"// {\n{ // }\n}"}},
		{name: "line comment at the end", text: "{} // bye", lenient: true, want: []string{"{}"}, rest: " // bye"},
		{name: "block comment", text: "/* { **/{/*}*/}", lenient: true, want: []string{"/* { **/{/*}*/}"}},
		{name: "block comment that does not end", text: "/* {", lenient: true, rest: "/* {", pending: true},
		{name: "single quotes", text: `{'a':'}"\''}`, lenient: true, want: []string{`{'a':'}"\''}`}},
		{name: "strict apostrophe", text: `{'}`, want: []string{`{'}`}},
		{name: "slash", text: `{/}`, lenient: true, want: []string{`{/}`}},
		{name: "slash at the top", text: `/{}`, lenient: true, want: []string{"/", "{}"}},
		{name: "word and comment", text: "now//x\n{}", lenient: true, want: []string{"now", "//x\n{}"}},
		{name: "byte order mark", text: "\ufeff{}\n{}", lenient: true, want: []string{"\ufeff{}", "\n{}"}},
		{name: "half a byte order mark", text: "\xef\xbb{}", lenient: true, want: []string{"\xef\xbb", "{}"}},
		{name: "byte order mark alone", text: "\xef", lenient: true, rest: "\xef", pending: true},
		{name: "time", text: "2026-01-02T03:04:05 ", lenient: true, want: []string{"2026-01-02T03:04:05"}, rest: " "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, chunk := range []int{1, 2, 3, 100} {
				values, rest, pending := split(tt.text, tt.lenient, chunk)
				if diff := cmp.Diff(tt.want, values); diff != "" {
					t.Errorf("chunks of %d: values differ (-want +got):\n%s", chunk, diff)
				}
				if rest != tt.rest || pending != tt.pending {
					t.Errorf("chunks of %d: left %q, pending %v", chunk, rest, pending)
				}
			}
		})
	}
}

// FuzzSplitter holds that chunks of any size give the same values, that no byte is lost,
// and that a document that the decoder takes is one value.
func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{`{"f_int32":1}{}`, "{a:1 /* } */} // x", "[1,\"a\\\"\"] 1 2", "{'b':'\\''}", "/"} {
		f.Add(seed, true, uint8(3))
		f.Add(seed, false, uint8(1))
	}
	s, err := testSchema()
	if err != nil {
		f.Fatal(err)
	}
	md := s.message(f, "feat.Three")
	decoders := map[bool]*Decoder{
		false: NewDecoder(md, DecodeOptions{Types: s.types, AllowUnknown: true}),
		true:  NewDecoder(md, DecodeOptions{Types: s.types, AllowUnknown: true, Lenient: true}),
	}
	f.Fuzz(func(t *testing.T, text string, lenient bool, chunk uint8) {
		whole, rest, pending := split(text, lenient, len(text)+1)
		parts, restParts, pendingParts := split(text, lenient, 1+int(chunk%7))
		if diff := cmp.Diff(whole, parts); diff != "" || rest != restParts || pending != pendingParts {
			t.Fatalf("chunks matter: %q and %q, %s", rest, restParts, diff)
		}
		if got := strings.Join(whole, "") + rest; got != text {
			t.Fatalf("%q became %q", text, got)
		}
		if _, err := decoders[lenient].Append(nil, []byte(text)); err == nil && len(whole) != 1 {
			t.Fatalf("%q is one document, and was split into %q", text, whole)
		}
	})
}
