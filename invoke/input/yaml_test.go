package input

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestYAML(t *testing.T) {
	s := loadSchema(t)
	tests := []struct {
		name, yaml string
		want       string // protobuf JSON, or what Render gives
	}{
		{"block", "id: x\nitems:\n- sku: a\n  tags: [p, q]\n-\n  sku: b\n", `{"id":"x","items":[{"sku":"a","tags":["p","q"]},{"sku":"b"}]}`},
		{"flow", "{id: x, 'n': 5, \"gift\": true}", `{"id":"x","n":5,"gift":true}`},
		{"line ends of Windows", "id: x\r\nn: 5\r\nlabels:\r\n  a: b\r\n", `{"id":"x","n":5,"labels":{"a":"b"}}`},
		{"nothing after a key", "id:\nn: 5", `{"n":5}`},
		{"null", "id: ~\nkind: null", `{}`},
		{"strings that are none in 1.1", "labels: {a: yes, b: 2020-01-02, c: 1_000, d: 0b11, e: on, f: 1:30}", `{"labels":{"a":"yes","b":"2020-01-02","c":"1_000","d":"0b11","e":"on","f":"1:30"}}`},
		{"numbers", "n: 0x1F\nbig: -0\nnumbers: [+1, 0o17, 1e2]\nprice: .5\nratio: -.inf\nhuge: 18446744073709551615", `{"n":31,"numbers":[1,15,100],"price":0.5,"ratio":"-Infinity","huge":"18446744073709551615"}`},
		{"keys that are no strings", "by_number: {1: {sku: a}, -2: {}}\nby_flag: {true: TOY}", `{"byNumber":{"-2":{},"1":{"sku":"a"}},"byFlag":{"true":"KIND_TOY"}}`},
		{"blocks", "labels:\n  a: |\n    one\n    two\n  b: >-\n    one\n    two\n  c: \"x\\ty\\u00e9\"\n  d: 'it''s'\n", `{"labels":{"a":"one\ntwo\n","b":"one two","c":"x\tyé","d":"it's"}}`},
		{"tags", "id: !!str 5\nblob: !!binary |\n  aG\n  k=\nn: !!int 7\ncardToken: ! 1", `{"id":"5","blob":"aGk=","n":7,"cardToken":"1"}`},
		{"anchors", "shipTo: &a {city: x, next: {city: y}}\nplaces: {p: *a, q: {<<: *a, city: z}}\nid: &i i\ncardToken: *i", `{"shipTo":{"city":"x","next":{"city":"y"}},"places":{"p":{"city":"x","next":{"city":"y"}},"q":{"city":"z","next":{"city":"y"}}},"id":"i","cardToken":"i"}`},
		{"merge lists", "places:\n  a: &a {city: x}\n  b: &b {city: y, zipCode: '1'}\n  c:\n    <<: [*a, *b]\n", `{"places":{"a":{"city":"x"},"b":{"city":"y","zipCode":"1"},"c":{"city":"x","zipCode":"1"}}}`},
		{"free form", "meta: {a: [1, ~, {b: no}]}", `{"meta":{"a":[1,null,{"b":"no"}]}}`},
		{"times", "at: 2026-01-02T03:04:05Z\ndelay: 1.500s", `{"at":"2026-01-02T03:04:05Z","delay":"1.500s"}`},

		{"wrong type", "id: x\nitems:\n  - sku: a\n    qty: lots\n", "-d:4:10: Item.qty wants int32, \"lots\" is not a number\n      qty: lots\n           ~~~~"},
		{"wrong place through an alias", "labels: &a {x: y}\nshipTo: *a\n", "-d: no field \"x\" in shop.Address\n  labels: &a {x: y}\n              ~"},
		{"a key twice", "id: x\nn: 1\nid: y\n", "-d:3:1: the field id is here twice\n  id: y\n  ~~"},
		{"a number with a zero", "n: 010", "-d: 010 begins with 0: write \"010\" for text, 0o10 for octal, 10 for decimal\n  n: 010\n     ~~~"},
		{"an alias of nothing", "id: *a", "-d: there is no anchor &a before this alias\n  id: *a\n      ~"},
		{"an alias in itself", "shipTo: &a\n  next: *a\n", "-d:2:9: the alias *a stands inside what it stands for\n    next: *a\n          ~"},
		{"a tag", "id: !mine x", "-d: the tag !mine has no meaning in a message\n  id: !mine x\n      ~"},
		{"a list as a key", "? [a]\n: b\n", "-d:2:1: found an invalid key for this map\n  : b\n  ~"},
		{"not UTF-8", "id: \xff", "-d: this is not valid UTF-8\n  id: \ufffd\n      ~"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.options()
			o.Format = FormatYAML
			wire, err := decodeDocument([]byte(tt.yaml), "-d", o)
			if err != nil {
				if diff := cmp.Diff(tt.want, err.(*Error).Render(80)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				return
			}
			if diff := cmp.Diff(s.show(t, s.wireOf(t, tt.want)), s.show(t, wire)); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

// TestYAMLIsBounded has documents that are much longer than they look.
func TestYAMLIsBounded(t *testing.T) {
	s := loadSchema(t)
	laughs := "meta:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		alias := strings.Repeat("*a"+string(rune('0'+i))+", ", 10)
		laughs += "  a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.TrimSuffix(alias, ", ") + "]\n"
	}
	merges := "meta:\n  m0: &m0 {x: y}\n"
	for i := range 9 {
		alias := strings.TrimSuffix(strings.Repeat("*m"+string(rune('0'+i))+", ", 10), ", ")
		merges += "  m" + string(rune('1'+i)) + ": &m" + string(rune('1'+i)) + " {<<: [" + alias + "]}\n"
	}
	tests := []struct{ name, yaml, want string }{
		{"merges of merges", merges, "<< stands for more than 100000 mappings"},
		{"aliases of aliases", laughs, "with its aliases written out the document is longer than 4 MiB"},
		{"brackets", strings.Repeat("[", 1500), "nesting deeper than 1000 is too deep"},
		{"entries", strings.Repeat("- ", 1500), "nesting deeper than 1000 is too deep"},
		{"long", "id: " + strings.Repeat("x", maxYAML), "a YAML document of more than 4 MiB is too long; JSON may be longer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := s.options()
			o.Format = FormatYAML
			_, err := decodeDocument([]byte(tt.yaml), "-d", o)
			if err == nil || err.(*Error).Faults[0].Problem != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
