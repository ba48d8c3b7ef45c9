package jsontext

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScan(t *testing.T) {
	const object = `{"a\"b":{"c":[1,"x]",{}]},"d":"\ud83d\ude00\n","e":-1.5}`
	got := map[string]string{}
	EachMember([]byte(object), func(key string, value []byte) { got[key] = string(value) })
	if diff := cmp.Diff(map[string]string{`a"b`: `{"c":[1,"x]",{}]}`, "d": `"\ud83d\ude00\n"`, "e": "-1.5"}, got); diff != "" {
		t.Error(diff)
	}
	list := Lookup([]byte(object), []string{`a"b`, "c"})
	var elements []string
	EachElement(list, func(value []byte) { elements = append(elements, string(value)) })
	if diff := cmp.Diff([]string{"1", `"x]"`, "{}"}, elements); diff != "" {
		t.Error(diff)
	}
	if v := Lookup([]byte(object), []string{"d", "x"}); v != nil {
		t.Errorf("a text has the member %s", v)
	}
	for value, want := range map[string]string{got["d"]: "😀\n", "-1.5": "-1.5", `""`: ""} {
		if text := Text([]byte(value)); text != want {
			t.Errorf("%s: got %q, want %q", value, text, want)
		}
	}
}

func TestAppendTextIsBounded(t *testing.T) {
	for most, want := range map[int]string{0: "", 1: "a", 2: "a", 3: "aé", 4: "aé", 7: "aé☃b", 99: "aé☃b"} {
		if text, size := AppendText(nil, []byte(`aé\u2603b`), most); string(text) != want || size != 7 {
			t.Errorf("%d bytes: got %q of %d bytes, want %q of 7", most, text, size, want)
		}
	}
}
