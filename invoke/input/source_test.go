package input

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/invoke"
)

func compact(t testing.TB, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestParts(t *testing.T) {
	s := loadSchema(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "@" + path
	}
	base := file("base.json", `{"id":"base","n":1,"tags":["x"]}`)
	msgs := file("msgs.ndjson", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n")
	empty := file("empty.json", " \n")
	bom := file("bom.json", "\xef\xbb\xbf{\"id\":\"bom\"}")
	yaml := file("o.yaml", "id: y\nitems:\n  - sku: a\n---\nid: z\n")
	one := file("o1.yml", "# only\nid: y\n")
	text := file("o.txtpb", `id: "t" n: 3`)
	texts := file("o.textproto", "id: \"t\"\n\x1e\nid: \"u\"\n\x1e\n")
	raw := file("o.binpb", string(s.wireOf(t, `{"id":"r"}`)))
	raws := file("os.pb", "\x03\x0a\x01r\x00\x03\x0a\x01s")
	d := func(text string) []Part { return []Part{{Text: text, Data: true, Origin: "-d"}} }

	tests := []struct {
		name    string
		parts   []Part
		stdin   string
		format  Format
		streams bool
		want    []string
	}{
		{name: "nothing", want: []string{`{}`}},
		{name: "nothing, streaming", streams: true},
		{name: "an empty -d", parts: d(""), want: []string{`{}`}},
		{name: "an empty -d, streaming", parts: d(" "), streams: true},
		{name: "a document", parts: parts(`{"id":"x"}`), want: []string{`{"id":"x"}`}},
		{name: "an empty document, streaming", parts: parts(`{}`), streams: true, want: []string{`{}`}},
		{name: "-d", parts: d(`{"id":"x"}`), want: []string{`{"id":"x"}`}},
		{name: "-d with a word is a document and not a word", parts: d(`{"id":"a=b"}`), want: []string{`{"id":"a=b"}`}},
		{name: "merge", parts: parts(base, `{"n":2,"tags":["y"]}`, "id=z"), want: []string{`{"id":"z","n":2,"tags":["x","y"]}`}},
		{name: "merge words before", parts: parts("id=z", "n=5", `{"n":2}`), want: []string{`{"id":"z","n":2}`}},
		{name: "-d then words", parts: append(d(`{"id":"x"}`), parts("n=2")...), want: []string{`{"id":"x","n":2}`}},
		{name: "stdin", parts: parts("-"), stdin: ` {"id":"s"} `, want: []string{`{"id":"s"}`}},
		{name: "-d @", parts: d("@"), stdin: `{"id":"s"}`, want: []string{`{"id":"s"}`}},
		{name: "-d @-", parts: d("@-"), stdin: `{"id":"s"}`, want: []string{`{"id":"s"}`}},
		{name: "empty stdin", parts: parts("-"), stdin: "\n", want: []string{`{}`}},
		{name: "empty stdin, streaming", parts: parts("-"), stdin: "\n", streams: true},
		{name: "empty stdin and a word", parts: parts("-", "id=x"), want: []string{`{"id":"x"}`}},
		{name: "empty stdin and a word, streaming", parts: parts("-", "id=x"), streams: true},
		{name: "empty file", parts: parts(empty), want: []string{`{}`}},
		{name: "documents stream", parts: parts(`{"id":"a"}{"id":"b"}`, `{"id":"c"}`), streams: true, want: []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`}},
		{name: "words change their part", parts: parts(`{"id":"a"}`, "n=1", msgs, "n=2", "gift=true", `{}`), streams: true, want: []string{
			`{"id":"a","n":1}`, `{"id":"a","n":2,"gift":true}`, `{"id":"b","n":2,"gift":true}`, `{}`,
		}},
		{name: "words first are a message", parts: parts("id=x", "n=1", `{"id":"a"}`), streams: true, want: []string{`{"id":"x","n":1}`, `{"id":"a"}`}},
		{name: "stdin with words, streaming", parts: parts("-", "n=7"), stdin: `{"id":"a"}{"id":"b"}`, streams: true, want: []string{`{"id":"a","n":7}`, `{"id":"b","n":7}`}},
		{name: "comments", parts: parts("// first\n{\"id\":\"x\"} /* last */ // end"), want: []string{`{"id":"x"}`}},
		{name: "a byte order mark", parts: parts(bom), want: []string{`{"id":"bom"}`}},
		{name: "yaml stream", parts: parts(yaml), streams: true, want: []string{`{"id":"y","items":[{"sku":"a"}]}`, `{"id":"z"}`}},
		{name: "yaml", parts: parts(one), want: []string{`{"id":"y"}`}},
		{name: "yaml typed", parts: d("{id: x, n: 0x10}"), format: FormatYAML, want: []string{`{"id":"x","n":16}`}},
		{name: "a format stands over an extension", parts: parts(base), format: FormatYAML, want: []string{`{"id":"base","n":1,"tags":["x"]}`}},
		{name: "text", parts: parts(text, "n=4"), want: []string{`{"id":"t","n":4}`}},
		{name: "text stream", parts: parts(texts), streams: true, want: []string{`{"id":"t"}`, `{"id":"u"}`}},
		{name: "text typed", parts: parts(`id: "a=b"`, "n=4"), format: FormatText, want: []string{`{"id":"a=b","n":4}`}},
		{name: "raw", parts: parts(raw), want: []string{`{"id":"r"}`}},
		{name: "raw and a word", parts: parts(raw, "n=1"), want: []string{`{"id":"r","n":1}`}},
		{name: "raw stream", parts: parts(raws), streams: true, want: []string{`{"id":"r"}`, `{}`, `{"id":"s"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.options()
			o.Streams, o.Format, o.Stdin = tt.streams, tt.format, strings.NewReader(tt.stdin)
			got, err := s.run(t, tt.parts, o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

var _ invoke.Requests = (*Source)(nil)
