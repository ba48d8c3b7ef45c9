package jq

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/formatters/internal/memory"
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
		got, err := readValues([]byte(document), 1<<20, nil)
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
		if _, err := readValues([]byte(document), 500*n, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := readValues([]byte(document), 10*n, nil); !errors.As(err, new(*memory.Error)) {
			t.Errorf("%s: got %v, want that it is too large", name, err)
		}
	}
	long := []byte(`{"a":[` + strings.Repeat("1,", countedSize) + "1]}")
	if v, err := readValues(long, placeCost*(countedSize+n), nil); err != nil || len(v.(map[string]any)["a"].([]any)) != countedSize+1 {
		t.Errorf("a long array: %v", err)
	}
	if _, err := readValues(long, placeCost*countedSize, nil); !errors.As(err, new(*memory.Error)) {
		t.Errorf("a long array: got %v, want that it is too large", err)
	}
	if _, err := readValues([]byte(strings.Repeat("[", 20_000)), 1<<30, nil); err == nil {
		t.Error("no limit to the levels")
	}
}

// A deadline that passes while the values of a long answer are read ends that.
func TestReadingValuesEnds(t *testing.T) {
	filter, err := Parse(".a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	document := []byte("[" + strings.Repeat("{},", 10*lookEvery) + "{}")
	err = filter.Each(ctx, document, testHeld, func(any) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, new(*Error)) {
		t.Errorf("got %v, want that the deadline has passed", err) // and not that it is cut off
	}
}
