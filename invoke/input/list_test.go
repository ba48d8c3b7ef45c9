package input

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// readList reads a list to its end: messages as JSON, and invalid requests as "! text: error".
func readList(t *testing.T, s schema, l *List) (got []string) {
	t.Helper()
	var r Record
	for {
		err := l.Next(t.Context(), &r)
		switch {
		case err == io.EOF:
			return got
		case err != nil:
			return append(got, "!! "+err.Error())
		case r.Err != nil:
			got = append(got, fmt.Sprintf("! %s: %s", r.Text, r.Err))
		default:
			got = append(got, s.show(t, r.Wire))
		}
	}
}

func TestList(t *testing.T) {
	s := loadSchema(t)
	for _, tt := range []struct {
		name   string
		file   string // the name of the file; "": standard input
		text   string
		words  []string
		format Format
		want   []string
	}{
		{name: "nothing"},
		{name: "lines", text: "{\"id\":\"a\"}\n\n  {\"id\":\"b\"}\r\n{\"id\":\"c\"}", want: []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`}},
		{name: "documents of several lines", text: "{\n\"id\":\n\"a\"}{\"id\":\"b\"}\n{\n}", want: []string{`{"id":"a"}`, `{"id":"b"}`, `{}`}},
		{name: "two on a line", text: "{\"id\":\"a\"} {\"id\":\"b\"}{\"id\":\"c\"}\n", want: []string{`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`}},
		{name: "comments", text: "// one\n{\"id\":\"a\"} // two\n/* three */ {\"id\":\"b\"}\n", want: []string{`{"id":"a"}`, `{"id":"b"}`}},
		{name: "a line that ends too early", text: "{\"id\":\"a\"}\n{\"id\":\n{\"id\":\"c\"}\n", want: []string{
			`{"id":"a"}`, `! {"id":: stdin:2:7: the document ends where a value should be`, `{"id":"c"}`,
		}},
		{name: "a string that does not end", text: "{\"id\":\"a\"}\n{\"id\":\"b\n{\"id\":\"c\"}\n", want: []string{
			`{"id":"a"}`, `! {"id":"b: stdin:2:`, `{"id":"c"}`,
		}},
		{name: "a line that is not a document, with one in it", text: "{\"id\":\"a\"}\noops {\"id\":\"b\"}\n{\"id\":\"c\"}\n", want: []string{
			`{"id":"a"}`, `! oops {"id":"b"}: stdin:2:1: `, `{"id":"c"}`,
		}},
		{name: "a NUL in a line", text: "{\"id\":\"a\"}\n{\"id\":\"\x00\"}\n{\"id\":\"c\"}\n", want: []string{
			`{"id":"a"}`, "! {\"id\":\"\x00\"}: stdin:2:8: a NUL byte: this is binary data or UTF-16, not JSON", `{"id":"c"}`,
		}},
		{name: "the first line is broken", text: "{\"id\":\n{\"id\":\"b\"}\n", format: FormatNDJSON, want: []string{
			`! {"id":: stdin:1:7: the document ends where a value should be`, `{"id":"b"}`,
		}},
		{name: "an unknown field", file: "l.ndjson", text: "{\"idd\":\"a\"}\n{\"id\":\"b\"}\n", want: []string{`! {"idd":"a"}: l.ndjson:1:2: no field "idd" in shop.Order`, `{"id":"b"}`}},
		{name: "words that change each", text: "{\"id\":\"a\"}{\"id\":\"b\"}", words: []string{"n=3"}, want: []string{`{"id":"a","n":3}`, `{"id":"b","n":3}`}},
		{name: "YAML", file: "l.yaml", text: "id: a\n---\nid: [\n---\nid: c\n", want: []string{`{"id":"a"}`, "! id: [: ", `{"id":"c"}`}},
		{name: "CSV", file: "l.csv", text: "id,n,items[+].sku\na,1,x\n\n\"b,\"\"\",,\n", want: []string{`{"id":"a","n":1,"items":[{"sku":"x"}]}`, `{"id":"b,\""}`}},
		{name: "a line break behind a doubled quote", file: "l.csv", text: "id,note\na,\"said \"\"hi\"\"\nb,x\nbye\"\nc,y\n", want: []string{`{"id":"a","note":"said \"hi\"\nb,x\nbye"}`, `{"id":"c","note":"y"}`}},
		{name: "a bad cell", file: "l.csv", text: "id,n\na,x\nb,2\n", want: []string{`! a,x: l.csv:2:3: column n: `, `{"id":"b","n":2}`}},
		{name: "too many cells", file: "l.csv", text: "id,n\na,1,2\nb,2\n", want: []string{`! a,1,2: l.csv:2:1: a row of 3 columns, where the header has 2`, `{"id":"b","n":2}`}},
		{name: "a bare quote", file: "l.csv", text: "id\na\"b\nc\n", want: []string{`! a"b: l.csv:2:`, `{"id":"c"}`}},
		{name: "a cell that looks like a file", file: "l.csv", text: "id\n@/etc/passwd\n\\@x\n", want: []string{`{"id":"@/etc/passwd"}`, `{"id":"\\@x"}`}},
		{name: "a header with no such field", file: "l.csv", text: "id,m\na,1\n", want: []string{`!! l.csv:1:4: no field "m" in shop.Order`}},
		{name: "a header that is no path", file: "l.csv", text: "id,a b\na,1\n", want: []string{`!! l.csv:1:4: the name of a column is a field path, which "a b" is not`}},
		{name: "TSV", file: "l.tsv", text: "id\tn\n\"a\"\t1\n", want: []string{`{"id":"\"a\"","n":1}`}},
		{name: "a template", file: "l.csv", text: "first,last\nA,B\n@x,\n", words: []string{"id={first}-{last}", "n:={\"a\":1}"}, want: []string{
			"! A,B: l.csv:2:1: n:={\"a\":1}: ", "! @x,: l.csv:3:1: n:={\"a\":1}: ",
		}},
		{name: "a template of objects", text: `{"a":{"b":"x"},"n":5}{"a":null,"n":"6"}`, words: []string{"id={n}{{}}", "n={n}"}, want: []string{`{"id":"5{}","n":5}`, `{"id":"6{}","n":6}`}},
		{name: "a template of what is no object", text: `[1]`, words: []string{"id={n}"}, want: []string{"! [1]: stdin:1:1: a template takes its columns from a JSON object, which this is not"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, slow := range []bool{false, true} {
				o := s.options()
				o.Format = tt.format
				part := Part{Text: "-", Data: true, Origin: "-d"}
				if tt.file != "" {
					part.Text = "@" + tt.file
					o.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(tt.text)), nil }
				}
				if o.Stdin = io.Reader(strings.NewReader(tt.text)); slow {
					o.Stdin = iotest.OneByteReader(o.Stdin)
				}
				parts := []Part{part}
				for _, w := range tt.words {
					parts = append(parts, Part{Text: w, Origin: "MESSAGE"})
				}
				l, err := NewList(parts, o)
				if err != nil {
					t.Fatal(err)
				}
				got := readList(t, s, l)
				if len(got) != len(tt.want) {
					t.Fatalf("slow %v: %q, want %q", slow, got, tt.want)
				}
				for i := range got {
					if got[i] != tt.want[i] && !(strings.HasPrefix(tt.want[i], "!") && strings.HasPrefix(got[i], tt.want[i])) {
						t.Errorf("slow %v, request %d:\n got %s\nwant %s", slow, i, got[i], tt.want[i])
					}
				}
			}
		})
	}
}

func TestListsThatAreNone(t *testing.T) {
	s := loadSchema(t)
	for name, c := range map[string]struct {
		parts []string
		want  string
	}{
		"nothing":                {nil, "no list of requests"},
		"words alone":            {[]string{"id=a"}, "no list of requests"},
		"two lists":              {[]string{"{}", "{}"}, "MESSAGE: a second list, where only one is taken"},
		"a word that is wrong":   {[]string{"{}", "idd=a"}, `MESSAGE: no field "idd" in shop.Order`},
		"an open brace":          {[]string{"{}", "id={a"}, "MESSAGE: a brace that is never closed; {{ is the brace itself"},
		"a file named by a list": {[]string{"{}", "id=@{a}"}, "MESSAGE: a list cannot name files to read"},
	} {
		var parts []Part
		for _, p := range c.parts {
			parts = append(parts, Part{Text: p, Origin: "MESSAGE"})
		}
		if _, err := NewList(parts, s.options()); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// A line that is too long is dropped as it is read, and breaks no other.
func TestListWithALineThatIsTooLong(t *testing.T) {
	s := loadSchema(t)
	o := s.options()
	o.MaxSize = 1000
	o.Stdin = strings.NewReader("{\"id\":\"a\"}\n{\"id\":\"" + strings.Repeat("x", 1<<20) + "\"}\n{\"id\":\"c\"}\n")
	l, err := NewList([]Part{{Text: "-", Data: true, Origin: "-d"}}, o)
	if err != nil {
		t.Fatal(err)
	}
	got := readList(t, s, l)
	want := []string{`{"id":"a"}`, "! : stdin:2:1: a message of more than 1000 bytes is too long", `{"id":"c"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if cap(l.docs.feed.buf) > 4*chunk {
		t.Errorf("it took a buffer of %d bytes", cap(l.docs.feed.buf))
	}
}

// A list that is written again is read the same.
func TestListAppendRecord(t *testing.T) {
	s := loadSchema(t)
	for name, text := range map[string]string{
		"l.ndjson":    "{\"id\":\"a\"}\n{\"id\":\noops\n{\"id\":\"b\"}",
		"l.json":      "{\n \"id\": \"a\"\n}\n{\"id\":\n\"b\"}",
		"l.yaml":      "id: a\n---\n# x\nid: b\nn: 1\n...\n---\nid: [\n",
		"l.csv":       "id,n\na,1\n\"b\nc\",2\nx\n",
		"l.tsv":       "id\tn\na\t1\n",
		"l.textproto": "id: \"a\"\n\x1e\nid: \"b\"\nn: 3\n",
		"l.pb":        "\x03\x0a\x01r\x00\x03\x0a\x01s",
	} {
		t.Run(name, func(t *testing.T) {
			open := func(text string) *List {
				o := s.options()
				o.Open = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
				l, err := NewList([]Part{{Text: "@" + name, Data: true, Origin: "-d"}}, o)
				if err != nil {
					t.Fatal(err)
				}
				return l
			}
			read := func(l *List) (wires []string, again []byte) {
				var r Record
				for l.Next(t.Context(), &r) == nil {
					if again == nil {
						again = l.Header()
					}
					again = l.AppendRecord(again, r.Text)
					wires = append(wires, fmt.Sprintf("%x %v", r.Wire, r.Err != nil))
				}
				return wires, again
			}
			first, again := read(open(text))
			second, _ := read(open(string(again)))
			if diff := cmp.Diff(first, second); diff != "" || len(first) == 0 {
				t.Errorf("%q read again (-first +second):\n%s", again, diff)
			}
		})
	}
}

// A request is returned as soon as its last byte was read, and waiting for a blocked input
// ends with the context.
func TestListIsLive(t *testing.T) {
	s := loadSchema(t)
	r, w := io.Pipe()
	o := s.options()
	o.Stdin = r
	l, err := NewList([]Part{{Text: "-", Data: true, Origin: "-d"}}, o)
	if err != nil {
		t.Fatal(err)
	}
	var record Record
	for _, text := range []string{`{"id":"a"}`, "\n{\"id\":\"b\"}"} {
		go w.Write([]byte(text))
		if err := l.Next(t.Context(), &record); err != nil || record.Err != nil {
			t.Fatal(err, record.Err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Next(ctx, &record); err != context.Canceled {
		t.Error(err)
	}
	w.Close()
	if err := l.Next(t.Context(), &record); err != io.EOF {
		t.Error(err)
	}
}

// No list makes the reader fail, hang, or lose its place: all bytes are taken in the end.
func FuzzList(f *testing.F) {
	for _, seed := range []string{"{\"id\":\"a\"}\n{\"id\":\n", "id,n\na,1\n\"b", "oops {}\n{}", "{\n}\n}\x00\n{}", "---\n...\n"} {
		for format := range byte(5) {
			f.Add([]byte(seed), format)
		}
	}
	s := loadSchema(f)
	f.Fuzz(func(t *testing.T, text []byte, format byte) {
		o := s.options()
		o.Format = []Format{FormatJSON, FormatNDJSON, FormatCSV, FormatTSV, FormatYAML}[format%5]
		o.Stdin = bytes.NewReader(text)
		l, err := NewList([]Part{{Text: "-", Data: true, Origin: "-d"}}, o)
		if err != nil {
			t.Fatal(err)
		}
		var r Record
		for n := 0; ; n++ {
			err := l.Next(t.Context(), &r)
			if err != nil {
				break
			}
			if n > len(text) {
				t.Fatal("more requests than bytes")
			}
			if r.Err == nil {
				s.show(t, r.Wire)
			}
		}
	})
}

func TestListReadTellsHowFarItIs(t *testing.T) {
	s := loadSchema(t)
	path := filepath.Join(t.TempDir(), "l.ndjson")
	if err := os.WriteFile(path, []byte("{}\n{\"id\":\"b\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := NewList([]Part{{Text: "@" + path, Data: true, Origin: "-d"}}, s.options())
	if err != nil {
		t.Fatal(err)
	}
	var got [][2]int64
	var r Record
	for l.Next(t.Context(), &r) == nil {
		taken, size := l.Read()
		got = append(got, [2]int64{taken, size})
	}
	if diff := cmp.Diff([][2]int64{{2, 14}, {13, 14}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
