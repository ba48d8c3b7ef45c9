package repl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is a statement without its places.
type told struct {
	Assign string
	Words  []string
	Pipe   string
	To     string
	Append bool
	Back   bool
	Open   string
}

func tell(text string) []told {
	var all []told
	for _, s := range Lex(text) {
		t := told{Assign: s.Assign, Pipe: s.Pipe, To: s.To.Text, Append: s.Append, Back: s.Background}
		if s.Missing != 0 {
			t.Open = string(rune(s.Missing))
		}
		for _, w := range s.Words {
			t.Words = append(t.Words, w.Text)
		}
		all = append(all, t)
	}
	return all
}

func TestLex(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []told
	}{
		"nothing":             {" \n # only a comment\n", nil},
		"words":               {"call  Shop.PlaceOrder id=1\t-v", []told{{Words: []string{"call", "Shop.PlaceOrder", "id=1", "-v"}}}},
		"two lines":           {"list\nFail\n", []told{{Words: []string{"list"}}, {Words: []string{"Fail"}}}},
		"single quotes":       {`echo 'a "b" \n'c`, []told{{Words: []string{"echo", `a "b" \nc`}}}},
		"double quotes":       {`text="two \"words\" \x $"`, []told{{Words: []string{`text=two "words" \x $`}}}},
		"empty word":          {`a ''`, []told{{Words: []string{"a", ""}}}},
		"backslash":           {`a\ b \| \é`, []told{{Words: []string{"a b", "|", "é"}}}},
		"hidden line end":     {"a \\\n b", []told{{Words: []string{"a", "b"}}}},
		"document":            {`P {"a": "}", 'b': '\'', // }` + "\n c: [1, 2]} x=1", []told{{Words: []string{"P", `{"a": "}", 'b': '\'', // }` + "\n c: [1, 2]}", "x=1"}}}},
		"two documents":       {`Up {"a":1} {"a":2}`, []told{{Words: []string{"Up", `{"a":1}`, `{"a":2}`}}}},
		"block comment":       {`P {/* } */}`, []told{{Words: []string{"P", `{/* } */}`}}}},
		"path":                {`items[0].sku=a labels["a b"]=c labels['x]']=y`, []told{{Words: []string{"items[0].sku=a", `labels["a b"]=c`, `labels['x]']=y`}}}},
		"brackets in text":    {`note=[a b`, []told{{Words: []string{"note=[a", "b"}}}},
		"quoted value":        {`note="[a b"`, []told{{Words: []string{"note=[a b"}}}},
		"raw JSON":            {`tags:=["a b", "c"] s:="x y" n:=5`, []told{{Words: []string{`tags:=["a b", "c"]`, `s:="x y"`, "n:=5"}}}},
		"quoted JSON":         {`tags:='["a b"]'`, []told{{Words: []string{`tags:=["a b"]`}}}},
		"message value":       {`ship_to={city: "x y"} a=1`, []told{{Words: []string{`ship_to={city: "x y"}`, "a=1"}}}},
		"pipe":                {`Get id=1 | jq -r '.a | .b' # x`, []told{{Words: []string{"Get", "id=1"}, Pipe: `jq -r '.a | .b' # x`}}},
		"pipe in background":  {`Get | sort &`, []told{{Words: []string{"Get"}, Pipe: "sort", Back: true}}},
		"redirection":         {"Get > out.json", []told{{Words: []string{"Get"}, To: "out.json"}}},
		"tight redirection":   {`Get >>"my file" &`, []told{{Words: []string{"Get"}, To: "my file", Append: true, Back: true}}},
		"background":          {"Watch &", []told{{Words: []string{"Watch"}, Back: true}}},
		"and in a word":       {"url=a&b x&", []told{{Words: []string{"url=a&b", "x&"}}}},
		"comment":             {"list # services", []told{{Words: []string{"list"}}}},
		"no comment":          {"id=a#b", []told{{Words: []string{"id=a#b"}}}},
		"assignment":          {"$x = Get id=7", []told{{Assign: "x", Words: []string{"Get", "id=7"}}}},
		"tight assignment":    {"$x=$_.id", []told{{Assign: "x", Words: []string{"$_.id"}}}},
		"expression":          {"$_.items[0].sku", []told{{Words: []string{"$_.items[0].sku"}}}},
		"open brace":          {"P {\n \"a\": [1", []told{{Words: []string{"P", "{\n \"a\": [1"}, Open: "{"}}},
		"open string":         {`P {"a": "x`, []told{{Words: []string{"P", `{"a": "x`}, Open: `"`}}},
		"open quote":          {"echo 'a\nb", []told{{Words: []string{"echo", "a\nb"}, Open: "'"}}},
		"open double quote":   {`echo "a`, []told{{Words: []string{"echo", "a"}, Open: `"`}}},
		"open comment":        {`P {/* a`, []told{{Words: []string{"P", `{/* a`}, Open: "{"}}},
		"backslash at end":    {`a \`, []told{{Words: []string{"a", ""}, Open: `\`}}},
		"pipe in open quotes": {`a | grep 'x`, []told{{Words: []string{"a"}, Pipe: "grep 'x", Open: "'"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, tell(c.text)); diff != "" {
				t.Error(diff)
			}
			if got, want := Incomplete(c.text), len(c.want) > 0 && c.want[len(c.want)-1].Open != ""; got != want {
				t.Errorf("incomplete %v, want %v", got, want)
			}
		})
	}
}

func TestParseFaults(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want SyntaxError
	}{
		"open brace":        {"P {", SyntaxError{3, 3, "{ is not closed"}},
		"backslash":         {`a \`, SyntaxError{2, 3, "nothing follows the backslash"}},
		"only an operator":  {"| jq", SyntaxError{0, 4, "there is nothing to run"}},
		"no command":        {"Get |", SyntaxError{4, 5, "something is missing after it"}},
		"no file":           {"Get >", SyntaxError{4, 5, "something is missing after it"}},
		"and in the middle": {"a & b", SyntaxError{2, 3, "& stands at the end; put it in quotes when it is text"}},
		"after the file":    {"a > b c", SyntaxError{6, 7, "nothing may follow the file's name"}},
		"empty assignment":  {"$x =", SyntaxError{0, 4, "$x = what?"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.text)
			if diff := cmp.Diff(&c.want, err); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every byte of a word knows where it was typed.
func TestPlaces(t *testing.T) {
	text := `P "a\"b"'c' {"x":1}`
	words := Lex(text)[0].Words
	if got := words[1]; got.Text != `a"bc` || got.Place(1) != 5 || got.Place(3) != 9 || got.Place(4) != got.End {
		t.Errorf("%+v", got)
	}
	if got := words[2]; got.Place(2) != strings.Index(text, "x") || !got.Raw {
		t.Errorf("%+v", got)
	}
}

func FuzzLex(f *testing.F) {
	for _, s := range []string{
		"", "list\nFail", `P {"a":"}'\"x`, `a "b\" 'c' \`, "$x=$_.a[0] | jq '.' > f &", "x:=[1,{2}] y={a} #", "{/*", "a\\\nb", "é\xff{\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, s := range Lex(text) {
			if s.Start < last || s.End < s.Start || s.End > len(text) {
				t.Fatalf("statement %d-%d after %d of %d bytes", s.Start, s.End, last, len(text))
			}
			last = s.End
			for _, w := range s.Words {
				if w.Start < s.Start || w.End > len(text) || w.End < w.Start {
					t.Fatalf("word %d-%d", w.Start, w.End)
				}
				for i := range len(w.Text) {
					if p := w.Place(i); text[p] != w.Text[i] {
						t.Fatalf("byte %d of %q is not at %d of %q", i, w.Text, p, text)
					}
				}
			}
		}
		_, _ = Parse(text) // it must not panic
	})
}
