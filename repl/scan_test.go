package repl

import (
	"fmt"
	"strings"
	"testing"
)

// String is the place as the tests write it.
func (p Place) String() string {
	var path strings.Builder
	for _, s := range p.Path {
		if s.List {
			fmt.Fprintf(&path, "[%d]", s.Index)
		} else {
			path.WriteString("." + s.Key)
		}
	}
	want := [...]string{"value", "key", "colon", "comma", "end"}[p.Want]
	return fmt.Sprintf("%s %s %q@%d used%v", path.String(), want, p.Prefix, p.Start, p.Used)
}

func TestScanJSON(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":         {``, ` value ""@0 used[]`},
		"opened":          {`{`, ` key ""@1 used[]`},
		"key":             {`{"ci`, ` key "ci"@1 used[]`},
		"key, no quotes":  {`{ci`, ` key "ci"@1 used[]`},
		"after a key":     {`{"city"`, `.city colon ""@7 used[city]`},
		"after a colon":   {`{"city": `, `.city value ""@9 used[city]`},
		"value":           {`{"kind": KI`, `.kind value "KI"@9 used[kind]`},
		"string":          {`{'a':'b c`, `.a value "b c"@5 used[a]`},
		"after a value":   {`{"a":1 `, `.a comma ""@7 used[a]`},
		"second key":      {`{"a":1,"b":{"c":[1,{"d":2}]},q`, ` key "q"@29 used[a b]`},
		"nested":          {`{"ship_to":{"ci`, `.ship_to key "ci"@12 used[]`},
		"second element":  {`{"items":[{"sku":"a"},{"q`, `.items[1] key "q"@23 used[]`},
		"used in element": {`{"items":[{"sku":"a","q`, `.items[0] key "q"@21 used[sku]`},
		"list":            {`{"tags":["a","b`, `.tags[1] value "b"@13 used[]`},
		"escape":          {`{"a":"x\"}`, `.a value "x\\\"}"@5 used[a]`},
		"comments":        {"{// \"x\":{\n/* { */\"a", ` key "a"@17 used[]`},
		"open comment":    {`{/* "a`, ` key ""@6 used[]`},
		"complete":        {`{"a":1} `, ` end ""@8 used[]`},
		"too many closed": {`{}}]{`, ` key ""@5 used[]`},
		"no document":     {`]],:}x"`, ` end ""@6 used[]`},
		"line ends":       {"{\"a\":\"b\n\"c", `.a comma "c"@8 used[a]`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ScanJSON(c.text, nil).String(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestScanTokens(t *testing.T) {
	var got []string
	ScanJSON(`{"a": [1, "x"], b: TOY`, func(k Token) {
		got = append(got, fmt.Sprintf("%s key=%v quoted=%v %s", k.Text, k.Key, k.Quoted, Place{Path: k.Path}))
	})
	want := []string{
		`a key=true quoted=true  value ""@0 used[]`,
		`1 key=false quoted=false .a[0] value ""@0 used[]`,
		`x key=false quoted=true .a[1] value ""@0 used[]`,
		`b key=true quoted=false  value ""@0 used[]`,
		`TOY key=false quoted=false .b value ""@0 used[]`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func FuzzScanJSON(f *testing.F) {
	for _, s := range []string{`{"a":{"b":[1,{"c`, `{'x\'`, "{/* ", `]]{{:,"`, `{"a":"b` + "\n", `[[[[`, "{\"\\", "é\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		p := ScanJSON(text, func(k Token) {
			if k.Start < last || k.End <= k.Start || k.End > len(text) {
				t.Fatalf("token %d-%d after %d", k.Start, k.End, last)
			}
			last = k.End
		})
		if p.Start < 0 || p.Start > len(text) || !strings.HasSuffix(text, p.Prefix) {
			t.Fatalf("%v", p)
		}
	})
}
