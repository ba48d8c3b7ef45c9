package yamlbound

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/parser"
)

// bomb is a list of lists of lists, of which each is an alias of the one before.
func bomb(levels, wide int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x" + strings.Repeat(",x", wide-1) + "]\n")
	for i := range levels {
		alias := fmt.Sprintf("*a%d", i)
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, alias+strings.Repeat(","+alias, wide-1))
	}
	return b.String()
}

func TestAliases(t *testing.T) {
	few := Limits{Depth: 5, Marks: 100, Keys: 50}
	const long = "with its aliases written out, YAML of more than 100 parts is too long"
	for _, tt := range []struct{ name, text, want string }{
		{"none", "a: [1, {b: c}]\n", ""},
		{"a few", "a: &x [1, 2]\nb: *x\nc: {d: *x, e: [*x]}\n", ""},
		{"a merge", "a: &x {b: 1}\nc: {<<: *x, d: 2}\n", ""},
		{"of aliases", bomb(2, 6), long},
		{"of very many", bomb(30, 2), long},
		{"merges", "a: &a {b: 1, c: 2, d: 3}\ne: &e [{<<: *a}, {<<: *a}, {<<: *a}, {<<: *a}, {<<: *a}]\nf: [*e, *e]\n", long},
		{"tags", "a: !t &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]\nb: !t [*a, *a, *a, *a, *a, *a, *a, *a]\n", long},
		{"long", "a: &a " + strings.Repeat("long", 100) + "\nb: [*a, *a, *a, *a]\n", long},
		{"long blocks", "a: &a |\n  " + strings.Repeat("long", 100) + "\nb: [*a, *a, *a, *a]\n", long},
		{"deep", "a: &a [1]\nb: &b [*a]\nc: &c [*b]\nd: &d [*c]\ne: &e [*d]\n", "with its aliases written out, nesting deeper than 5 is too deep"},
		{"of itself", "a: &a [*a]\n", "the alias *a stands inside what it stands for"},
		{"a merge of itself", "a: &a\n  <<: *a\n", "the alias *a stands inside what it stands for"},
		{"of nothing", "a: *b\n", "there is no anchor &b before this alias"},
		{"of what comes later", "a: *b\nb: &b 1\n", "there is no anchor &b before this alias"},
		{"twice", "a: &x [1]\nb: &y [*x]\nc: &x [*y]\n", "the anchor &x stands here a second time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tokens, past := Tokenize([]byte(tt.text), Limits{Depth: 50, Marks: 1000, Keys: 100})
			if past != nil {
				t.Fatal(past.Problem)
			}
			file, err := parser.Parse(tokens, 0)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if f := few.Aliases(file); f != nil {
				got = f.Problem
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
