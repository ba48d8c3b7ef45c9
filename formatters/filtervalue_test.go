package formatters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// The values of a document are those that the JSON package reads.
func FuzzReadValues(f *testing.F) {
	for _, document := range []string{
		`{}`, `[]`, `[[],{},[{}]]`, `{"a":1,"b":[true,false,null,-1.5e3,"x"],"a":2}`, `"\u001b\ud83d\ude00\n\\\"\/é"`, `"\ud83d"`, `"\ud83d\u0041"`,
		` { "a" : [ 1 , 2 ] } `, `{"a":"\\"}`, `123456789012345678901234567890`, `""`, `{"":""}`, `[1,]`, `{"a"}`, `{"a":1,}`, `[1 2]`, `[`, `"a`, `nul`, ``,
	} {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		got, err := readValues([]byte(document), 1<<20)
		if !json.Valid([]byte(document)) || !utf8.ValidString(document) {
			return // there are no such documents: it must only come to an end
		}
		dec := json.NewDecoder(bytes.NewReader([]byte(document)))
		dec.UseNumber()
		var want any
		if failed := dec.Decode(&want); (failed == nil) != (err == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, %v, want %#v", document, got, err, want)
		}
	})
}

// What values take is bounded, by what they are and not by the length of their text.
func TestValuesAreBounded(t *testing.T) {
	const n = 1000
	var members strings.Builder
	members.WriteString(`{"":0`)
	for i := range n {
		fmt.Fprintf(&members, `,"%d":0`, i)
	}
	for name, document := range map[string]string{
		"objects": "[" + strings.Repeat("{},", n-1) + "{}]", "arrays": "[" + strings.Repeat("[],", n-1) + "[]]",
		"members": members.String() + "}", "a text": `"` + strings.Repeat("x", 40*n) + `"`,
		"levels": strings.Repeat("[", 2*n) + strings.Repeat("]", 2*n), "truth": "[" + strings.Repeat("true,", n-1) + "true]",
	} {
		if _, err := readValues([]byte(document), 500*n); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := readValues([]byte(document), 10*n); !errors.As(err, new(*BulkError)) {
			t.Errorf("%s: got %v, want that it is too large", name, err)
		}
	}
	if _, err := readValues([]byte(strings.Repeat("[", 20_000)), 1<<30); err == nil {
		t.Error("no limit to the levels")
	}
}

func BenchmarkFilter(b *testing.B) {
	filter, err := ParseFilter(".name")
	if err != nil {
		b.Fatal(err)
	}
	f, err := New(NDJSON, io.Discard, Options{Filter: filter})
	if err != nil {
		b.Fatal(err)
	}
	e := response(message(b, dish(b), `name: "soup" price_cents: 5 tags: ["a", "b"] side { pieces: 1 } heat: HEAT_HOT`), 0)
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Event(e); err != nil {
			b.Fatal(err)
		}
	}
}
