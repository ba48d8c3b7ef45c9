package repl

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// hostileTexts are texts that would mean more than themselves without quotes.
var hostileTexts = []string{
	"x | touch y", "x > y", "x >> y", "x & y", "x &", "a\nb", "a\tb", "$HOME", "${ENV:HOME}", "$_", "`x`", "$(x)", "'", "''", `"`, `\`, `a'b"c\d`,
	"#x", "x #y", "{", "}", "[", "]", `x": ""} | touch y; true "`, "‹x›", Redacted, "<x>", "{<x>}", "//", "/*", "*/", "\x1b[A", "\u202ex", "\xff", "@x", "-x", "!x", "x?",
	"a b", "", "é日本", "\ue000", "[paste 1: 9 KB, 2 lines]", "a=b", "=x", ":=x", "a:={", "😀", "e\u0301",
}

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"a": "a", "a.b/c-d_e@1": "a.b/c-d_e@1", "日本": "日本", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "": "''", "#a": "'#a'",
		"a\tb": "", "\x1b": "", "‹x›": "", "\xff": "", "a\u202eb": "",
	} {
		if got, ok := Quote(text); ok != (want != "") || ok && got != want {
			t.Errorf("Quote(%q) = %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestQuoteJSON(t *testing.T) {
	for text, want := range map[string]string{
		"a b": `"a b"`, `"\`: `"\"\\"`, "$x": `"$x"`, "${ENV:X}": `"\u0024{ENV:X}"`, "‹x›": `"\u2039x\u203a"`, "\x00\n": `"\u0000\n"`, "<&>": `"<&>"`,
	} {
		if got := QuoteJSON(text); got != want {
			t.Errorf("QuoteJSON(%q) = %s, want %s", text, got, want)
		}
	}
}

// This is what expands, and what a quote or backslash makes literal.
func TestExpansions(t *testing.T) {
	for text, want := range map[string][]string{
		"$_.a":                           {"$_.a"},
		"x=$_.a":                         {"$_.a"},
		"x:=$_.a":                        {"$_.a"},
		"x=a$b":                          nil,
		"x=${ENV:A}b${ENV:C}":            {"${ENV:A}", "${ENV:C}"},
		`x="${ENV:A}"`:                   {"${ENV:A}"},
		`x='${ENV:A}'`:                   nil,
		`x=\${ENV:A}`:                    nil,
		`x="\${ENV:A}"`:                  nil,
		`'$_'`:                           nil,
		`x='a'${ENV:A}`:                  {"${ENV:A}"},
		`{"a": "${ENV:A}", "b": $_.b}`:   {"${ENV:A}", "$_.b"},
		`{"a": '${ENV:A}', "b": "$_.b"}`: nil,
		`{"a": "\u0024{ENV:A}"}`:         nil,
		`{a: 1 /* $_ ${ENV:A} */}`:       nil,
		"{a: 1 // $_ ${ENV:A}\n}":        nil,
		`[$_.a[0], $b]`:                  {"$_.a[0]", "$b"},
		`x={"a": "${ENV:A}", "b": '$_'}`: {"${ENV:A}"},
		`x:={"a": $_.a}`:                 {"$_.a"},
		`x[${ENV:A}]=1`:                  {"${ENV:A}"},
		`'{"a": "${ENV:A}"}'`:            nil,
		`"{\"a\": \"${ENV:A}\"}"`:        {"${ENV:A}"},
		`x=${ENV:A`:                      {"${ENV:A"},
		`{"a": "${ENV:A", "b": "}"}`:     {`${ENV:A"`},
	} {
		words := Lex(text)[0].Words
		if len(words) != 1 {
			t.Fatalf("%s: %d words", text, len(words))
		}
		var got []string
		for _, e := range words[0].Expansions() {
			got = append(got, e.Text)
			if words[0].Text[e.Start:e.End] != e.Text {
				t.Errorf("%s: %q stands elsewhere", text, e.Text)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// The brackets of a document can be read in pieces.
func FuzzNesting(f *testing.F) {
	for _, text := range append(slices.Clone(hostileTexts), `{"a": "}"}`, "{a: 1 // }\n}", "{/* } */}", `["\"]"]`, "[[]") {
		f.Add("{"+text+"}", 1)
	}
	f.Fuzz(func(t *testing.T, text string, cut int) {
		if text == "" || text[0] != '{' && text[0] != '[' {
			return
		}
		var whole, pieces nesting
		n, closed := whole.read(text)
		cut = max(0, min(cut, len(text)))
		m, done := pieces.read(text[:cut])
		if !done {
			var rest int
			rest, done = pieces.read(text[cut:])
			m += rest
		}
		if n != m || closed != done {
			t.Errorf("%q: %d, %v in one piece; %d, %v in two", text, n, closed, m, done)
		}
	})
}

// Whatever a text is, its quoted form is one word that means it, and nothing else happens.
func FuzzQuote(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		word, ok := Quote(text)
		if ok {
			for _, lead := range []string{"", "name=", "a.b[0].c=", "@"} {
				checkWord(t, "Call "+lead+word+" end", lead+text)
			}
			if strings.ContainsAny(text, "\t\n\x1b\u202e‹›") {
				t.Errorf("%q is offered", text)
			}
		}
		if !utf8.ValidString(text) {
			return
		}
		quoted := QuoteJSON(text)
		var back string
		if err := json.Unmarshal([]byte(quoted), &back); err != nil || back != text {
			t.Errorf("%s: %v, %q", quoted, err, back)
		}
		doc := `{"a": ` + quoted + `}`
		checkWord(t, "Call "+doc+" end", doc)
		if Fill(doc) != doc {
			t.Errorf("%s has holes", doc)
		}
		hole := Hole(text, false)
		checkWord(t, "Call {"+hole+"} end", "{"+hole+"}")
		if holes := Holes("{" + hole + "}"); len(holes) != 1 || holes[0].Start != 1 || holes[0].End != 1+len(hole) {
			t.Errorf("%q is %v", hole, holes)
		}
	})
}

// checkWord fails unless a line is one statement of Call, a word with a known text, and end.
func checkWord(t *testing.T, line, want string) {
	t.Helper()
	if !Sole(line, "") {
		t.Fatalf("%q is more than a statement", line)
	}
	if filled := Fill(line); !strings.Contains(line, "‹") && filled != line {
		t.Fatalf("%q is filled: %q", line, filled)
	}
	words := Lex(line)[0].Words
	if len(words) != 3 || words[1].Text != want || words[2].Text != "end" {
		t.Fatalf("%q is %+v, want %q", line, words, want)
	}
}
