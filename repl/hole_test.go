package repl

import (
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no hole", `Call {"a": 1}`, `Call {"a": 1}`},
		{"a field", `Call {"a": ‹int32›, "b": 2}`, `Call { "b": 2}`},
		{"the last field", `Call {"a": 1, "b": ‹int32›}`, `Call {"a": 1, }`},
		{"all", `Call {"a": ‹int32›}`, `Call { }`},
		{"a list", `Call {"a": [‹string›], "b": [1, ‹int32›]}`, `Call { "b": [1, ]}`},
		{"a message that was unfolded only", `Call {"m": {"x": ‹string›, "y": {"z": ‹bool›}}, "b": 2}`, `Call { "b": 2}`},
		{"a message with one field", `Call {"m": {"x": 1, "y": ‹bool›}}`, `Call {"m": {"x": 1, }}`},
		{"an empty message that was meant", `Call {"m": {}, "n": ‹string›}`, `Call {"m": {}, }`},
		{"a oneof", `Call {‹payment: one of card, iban›, "b": 2}`, `Call { "b": 2}`},
		{"a map", `Call {"l": {‹string key›: ‹string›}, "k": {"a": 1, ‹string key›: ‹int32›}}`, `Call { "k": {"a": 1, }}`},
		{"without signs", `Call {"a": <int32>, "b": 2}`, `Call { "b": 2}`},
		{"in a string", `Call {"a": "‹x›", "b": "<y>"}`, `Call {"a": "‹x›", "b": "<y>"}`},
		{"outside of a document", `Call note=‹x› a=<b>`, `Call note=‹x› a=<b>`},
		{"a secret", `Call {"a": ‹redacted›}`, `Call {"a": ‹redacted›}`},
		{"a hole that is not closed", `Call {"a": ‹x, "b": 2}`, `Call {"a": ‹x, "b": 2}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Fill(c.text)
			if len(got) != len(c.text) {
				t.Errorf("%d bytes became %d", len(c.text), len(got))
			}
			if words := strings.Join(strings.Fields(got), " "); words != strings.Join(strings.Fields(c.want), " ") {
				t.Errorf("got  %q\nwant %q", words, c.want)
			}
		})
	}
}

func TestCompact(t *testing.T) {
	got := Compact("Call {\n  \"a\": ‹int32›,\n  \"b\": {\n    \"c\": 1\n  }\n}")
	if want := `Call { "b": { "c": 1 } }`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever the text is, filling it keeps its length and its lines, and filling it again
// changes nothing.
func FuzzFill(f *testing.F) {
	for _, seed := range []string{`Call {"a": ‹int32›, "b": [‹x›]}`, "{<a>\n:‹b›}", `{"a": "‹`, "‹›{[,]}", `{'a\`, "{//‹x›\n‹y›"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Fill(text)
		if len(got) != len(text) || strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q became %q", text, got)
		}
		if again := Fill(got); again != got {
			t.Errorf("%q, filled again, is %q", got, again)
		}
	})
}
