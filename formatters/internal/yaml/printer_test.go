package yaml

import (
	"bytes"
	"encoding/json"
	"testing"

	goccy "github.com/goccy/go-yaml"
)

// readBack reads a document with a reader that is not ours.
func readBack(doc []byte) ([]byte, error) {
	var v any
	if err := goccy.Unmarshal(doc, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func TestPrinter(t *testing.T) {
	tests := map[string]string{ // JSON to YAML
		`"soup"`:                 `soup`,
		`"HEAT_HOT"`:             `HEAT_HOT`,
		`"a b-c/d.e"`:            `a b-c/d.e`,
		`"2026-11-22T00:00:00Z"`: `"2026-11-22T00:00:00Z"`,
		`"Null"`:                 `"Null"`,
		`"off"`:                  `"off"`,
		`""`:                     `""`,
		`"a "`:                   `"a "`,
		`"a: b"`:                 `"a: b"`,
		`"a\nb\""`:               `"a\nb\""`,
		`"\\"`:                   `"\\"`,
		`{"a":{"yes":[],"b":{}}}`: `a:
  "yes": []
  b: {}`,
		`[18446744073709551615,-9223372036854775808,18446744073709551616,-9223372036854775809]`: `- 18446744073709551615
- -9223372036854775808
- 18446744073709551616.0
- -9223372036854775809.0`,
		`[[],[[1,{"a":[null]}]],-0,1e+30,1.5e3]`: `- []
- - - 1
    - a:
        - null
- -0.0
- 1.0e+30
- 1.5e3`,
	}
	for in, want := range tests {
		for _, size := range []int{1, 2, len(in)} {
			y := NewPrinter(nil, nil)
			y.Start(nil)
			for rest := []byte(in); len(rest) > 0; {
				n := min(size, len(rest))
				if _, err := y.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if got := string(y.Finish()); got != want+"\n" {
				t.Errorf("%s in pieces of %d: got %s, want %s", in, size, got, want)
			}
		}
	}
}

func FuzzPrinter(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c: d"}],"e":"\u2028"}`)
	f.Add(`{"":[[],{}],"-":"\"","1":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil || len(text) > 1000 {
			t.Skip()
		}
		compact, err := json.Marshal(v) // keys in order, and no two alike
		if err != nil {
			t.Skip()
		}
		y := NewPrinter(nil, nil)
		y.Start(nil)
		if _, err := y.Write(compact); err != nil {
			t.Fatal(err)
		}
		doc := y.Finish()
		again, err := readBack(doc)
		if err != nil {
			t.Fatalf("%v: %s from %s", err, doc, compact)
		}
		if !bytes.Equal(again, compact) {
			t.Errorf("%s reads back as %s, from:\n%s", compact, again, doc)
		}
	})
}
