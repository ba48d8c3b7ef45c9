package input

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestErrors shows what a person sees.
func TestErrors(t *testing.T) {
	s := loadSchema(t)
	golden, err := filepath.Abs("testdata/errors.golden")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{
		"bad.json":     "{\n\t\"id\": \"x\",\n\t\"big\": \"zz\"\n}\n",
		"two.json":     "{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n",
		"bad.ndjson":   "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"idd\":\"c\"}\n",
		"utf16.json":   "\xff\xfe{\x00}\x00",
		"utf16le.json": "{\x00\"\x00}\x00",
		"nul.json":     "{\"id\":\"a\x00b\"}",
		"binary.json":  "\n\x05hello",
		"gzip.json":    "\x1f\x8b\x08\x00",
		"bad.yaml":     "id: x\nitems:\n  - sku: a\n    qty: many\n  - sku: 5\n",
		"bad2.yaml":    "id: x\n  n: [1\n",
		"bad.txtpb":    "id: \"x\"\nbig: \"zz\"\n",
		"bad.binpb":    "\x0a\x05x",
		"order.json":   "{}",
		"half.pb":      "\x00\x05abc",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	d := func(text string) []Part { return []Part{{Text: text, Data: true, Origin: "-d"}} }
	tests := []struct {
		name    string
		parts   []Part
		streams bool
	}{
		{name: "a wrong value", parts: d(`{"id":"x","big":"zz"}`)},
		{name: "an unknown field", parts: d(`{"idd":"x"}`)},
		{name: "wide characters and tabs", parts: d("{\"id\":\"日本\u202e\",\t\"big\":\"zz\"}")},
		{name: "several faults", parts: d("{\"big\":\"zz\",\n \"n\":true,\n \"gift\":7}")},
		{name: "a file", parts: parts("@bad.json")},
		{name: "cut off", parts: d(`{"id":"x"`)},
		{name: "a second document", parts: parts("@two.json")},
		{name: "a second document typed", parts: parts(`{"id":"a"} {"id":"b"}`)},
		{name: "text after the end", parts: parts(`{"id":"a"}}`)},
		{name: "a message of a stream", parts: parts("@bad.ndjson"), streams: true},
		{name: "utf-16", parts: parts("@utf16.json")},
		{name: "utf-16 without a mark", parts: parts("@utf16le.json")},
		{name: "NUL", parts: parts("@nul.json")},
		{name: "binary", parts: parts("@binary.json")},
		{name: "gzip", parts: parts("@gzip.json")},
		{name: "no such file", parts: parts("@none.json")},
		{name: "a directory", parts: parts("@dir")},
		{name: "no name", parts: append(parts("-"), parts("@")...)},
		{name: "yaml", parts: parts("@bad.yaml")},
		{name: "not yaml", parts: parts("@bad2.yaml")},
		{name: "text", parts: parts("@bad.txtpb")},
		{name: "raw and a word", parts: parts("@bad.binpb", "id=x")},
		{name: "raw that ends early", parts: parts("@half.pb"), streams: true},
		{name: "neither", parts: parts("id")},
		{name: "a colon", parts: parts("id:5")},
		{name: "a file without its sign", parts: parts("order.json")},
		{name: "an empty argument", parts: parts("")},
		{name: "a broken path", parts: parts("items[0.sku=a")},
		{name: "a space in the path", parts: parts("id =a")},
		{name: "unknown field in a word", parts: parts("ship_to.ctiy=x")},
		{name: "not a number", parts: parts("big=zz")},
		{name: "not an enum name", parts: parts("kind=TOI")},
		{name: "not a bool", parts: parts("gift=yes")},
		{name: "not bytes", parts: parts("blob=héllo")},
		{name: "JSON in a word", parts: parts(`items[+]:={"sku":"a","qty":"many"}`)},
		{name: "JSON that is cut off", parts: parts(`items[+]:={"sku":"a"`)},
		{name: "JSON that breaks out", parts: parts(`tags:=["a"],"id":"b"`)},
		{name: "a oneof", parts: parts("card_token=a", "id=x", "iban=b")},
		{name: "set twice", parts: parts("items[+].qty=1", "items[0].qty=2")},
		{name: "replaced", parts: parts("ship_to.city=a", "ship_to:={}")},
		{name: "a message as text", parts: parts("ship_to=Oslo")},
		{name: "a list as text", parts: parts("tags=a")},
		{name: "a map as text", parts: parts("labels=a")},
		{name: "inside a scalar", parts: parts("id.x=a")},
		{name: "a bracket on a message", parts: parts("ship_to[city]=a")},
		{name: "a dot on a list", parts: parts("items.sku=a")},
		{name: "a dot on a map", parts: parts("labels.env=a")},
		{name: "an index too far", parts: parts("{}", "tags[]=a", "tags[5]=a")},
		{name: "a wrong key", parts: parts("by_number[x].sku=a")},
		{name: "an Any without a type", parts: parts("detail.number=1")},
		{name: "an Any of no type", parts: parts("detail.@type=shop.None")},
		{name: "an unknown extension", parts: parts("old.[shop.ext.none]=1")},
		{name: "inside a time", parts: parts("at.seconds=1")},
		{name: "a file for a word", parts: parts("blob=@none.png")},
		{name: "words are checked before standard input", parts: parts("-", "idd=1"), streams: true},
		{name: "UTF-8", parts: parts("id=a\xffb")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.options()
			o.Streams = tt.streams
			msgs, err := s.run(t, tt.parts, o)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %q, %v; want an *Error", msgs, err)
			}
			got := e.Render(80)
			if s := e.Suggestion(); s != "" {
				got += "\nsuggestion: " + s
			}
			fmt.Fprintf(&out, "== %s\n%s\n", tt.name, got)
		})
	}
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("errors (-want +got); rewrite with -update:\n%s", diff)
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")
