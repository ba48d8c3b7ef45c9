package testserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// nestedAny is JSON of messages of type google.protobuf.Any in one another.
func nestedAny(levels int, key, filling string) string {
	return strings.Repeat(`{"any":{`+key+`:"type.googleapis.com/rpcctl.demo.v1.Everything","any":{`+key+
		`:"type.googleapis.com/google.protobuf.Empty"},"child":`, levels) +
		`{"stringValue":"` + filling + `"}` + strings.Repeat("}}", levels)
}

// Nested Any messages are accepted while they are small.
func TestAnyInAny(t *testing.T) {
	for name, test := range map[string]struct {
		body    string
		refused bool
	}{
		"one":                {nestedAny(1, `"@type"`, strings.Repeat("x", 1<<20)), false},
		"some":               {nestedAny(20, `"@type"`, ""), false},
		"many":               {nestedAny(1000, `"@type"`, ""), true},
		"escaped":            {nestedAny(1000, `"\u0040typ\u0065"`, ""), true},
		"few that are great": {nestedAny(5, `"@type"`, strings.Repeat("x", 1<<20)), true},
		"half":               {strings.Repeat(`{"any":{"@type":"type.googleapis.com/rpcctl.demo.v1.Everything","any":{"@type":"a"},"child":`, 1000), true},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, codec := range map[string]func() error{
				"grpc": func() error {
					return jsonCodec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(test.body)}, new(demov1.Everything))
				},
				"connect": func() error { return checkAny([]byte(test.body)) },
			} {
				if err := codec(); (err != nil && strings.Contains(err.Error(), "in one another")) != test.refused {
					t.Errorf("%s: %.200v", kind, err)
				}
			}
		})
	}
	address, _ := listen(t, Options{})
	r, body := ask(t, &http.Transport{}, http.MethodPost, "http://"+address+"/rpcctl.demo.v1.Lab/Echo", "application/json", nestedAny(1000, `"@type"`, ""))
	if r.StatusCode != http.StatusBadRequest || !strings.Contains(body, "in one another") {
		t.Errorf("%s: %.200s", r.Status, body)
	}
}

// The levels are those that a reader of JSON finds.
func FuzzAnyLevels(f *testing.F) {
	for _, s := range []string{
		`{"@type":"a","b":{"@type":1}}`, `[{"@type":{"@type":2}},{"\u0040type" : []}]`, `{"a":"@type:","@type\"":1}`,
		`{"@type":1,"@type":{"@type":[[{"@type":{}}]]}}`, `{"x":"\\","@type":1}`, `"@type"`, `[`, `}{`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := anyLevels(b)
		if !json.Valid(b) {
			return
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if want := levelsByTokens(t, d); got != want {
			t.Fatalf("%d levels in %q, want %d", got, b, want)
		}
	})
}

// levelsByTokens reads one value.
func levelsByTokens(t *testing.T, d *json.Decoder) int {
	token, err := d.Token()
	if err != nil {
		t.Skip(err)
	}
	open, _ := token.(json.Delim)
	if open == 0 {
		return 0
	}
	below, own := 0, 0
	for d.More() {
		if open == '{' {
			if key, err := d.Token(); err != nil {
				t.Skip(err)
			} else if key == "@type" {
				own = 1
			}
		}
		below = max(below, levelsByTokens(t, d))
	}
	if _, err := d.Token(); err != nil {
		t.Skip(err)
	}
	return below + own
}
