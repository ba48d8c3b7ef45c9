package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEdits(t *testing.T) {
	at := func(path ...string) []string { return path }
	for _, tt := range []struct {
		name, text string
		edits      []Edit
		want       string
	}{
		{"an empty file", "", []Edit{{Path: at("contexts", "dev", "addr"), Values: []string{"localhost:50051"}}}, "contexts:\n  dev:\n    addr: localhost:50051\n"},
		{
			"after a comment", "# mine\n",
			[]Edit{{Path: at("current"), Values: []string{"dev"}}},
			"# mine\ncurrent: dev\n",
		},
		{
			"another setting", "contexts:\n  dev:\n    addr: a:1 # here\n\n  prod:\n    addr: b:1\n",
			[]Edit{{Path: at("contexts", "dev", "tls"), Values: []string{"true"}, Plain: true}},
			"contexts:\n  dev:\n    addr: a:1 # here\n    tls: true\n\n  prod:\n    addr: b:1\n",
		},
		{
			"another value", "contexts:\n  dev:\n    addr: a:1 # here\n    odd: {x: 1}\n",
			[]Edit{{Path: at("contexts", "dev", "addr"), Values: []string{"c:1"}}},
			"contexts:\n  dev:\n    addr: c:1 # here\n    odd: {x: 1}\n",
		},
		{
			"another context", "contexts:\n    dev:\n        addr: a:1\n# end\n",
			[]Edit{{Path: at("contexts", "prod", "addr"), Values: []string{"b:1"}}},
			"contexts:\n    dev:\n        addr: a:1\n    prod:\n      addr: b:1\n# end\n",
		},
		{
			"a list", "contexts:\n  dev:\n    proto:\n    - a.proto\n    - b.proto\n    addr: a:1\n",
			[]Edit{{Path: at("contexts", "dev", "proto"), Values: []string{"c.proto"}, List: true}},
			"contexts:\n  dev:\n    proto:\n      - c.proto\n    addr: a:1\n",
		},
		{
			"a removal", "contexts:\n  dev:\n    headers:\n      x: |\n        long\n\n        text\n      y: 1\n",
			[]Edit{{Path: at("contexts", "dev", "headers", "x")}},
			"contexts:\n  dev:\n    headers:\n      y: 1\n",
		},
		{
			"the last header", "contexts:\n  dev:\n    addr: a:1\n    headers:\n      x: 1\n",
			[]Edit{{Path: at("contexts", "dev", "headers", "x")}},
			"contexts:\n  dev:\n    addr: a:1\n",
		},
		{"nothing to remove", "contexts: {}\n", []Edit{{Path: at("contexts", "dev")}}, "contexts: {}\n"},
		{
			"an empty mapping", "contexts: {}\ncurrent: x\n",
			[]Edit{{Path: at("contexts", "dev", "addr"), Values: []string{"a:1"}}},
			"contexts:\n  dev:\n    addr: a:1\ncurrent: x\n",
		},
		{
			"words that are no text", "",
			[]Edit{{Path: at("a"), Values: []string{"yes"}}, {Path: at("b"), Values: []string{"1e3"}}, {Path: at("c"), Values: []string{"x: y # z"}}, {Path: at("d"), Values: []string{"NULL"}}},
			"a: \"yes\"\nb: \"1e3\"\nc: \"x: y # z\"\nd: \"NULL\"\n",
		},
		{"the end of lines", "a: 1\r\nb: 2\r\n", []Edit{{Path: at("a"), Values: []string{"x"}}}, "a: x\nb: 2\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := []byte(tt.text)
			for _, e := range tt.edits {
				var err error
				if text, err = apply("f.yaml", text, e); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, string(text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What cannot be edited without losing something is left alone.
func TestEditsThatAreRefused(t *testing.T) {
	for _, text := range []string{
		"contexts: {dev: {addr: a:1}}\n",
		"contexts:\n  dev: &a {addr: b}\n  prod: *a\n",
		"- a\n",
		"contexts: 7\n",
	} {
		got, err := apply("f.yaml", []byte(text), Edit{Path: []string{"contexts", "dev", "addr"}, Values: []string{"c:1"}})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || got != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// An edit changes only what it should, or is refused.
func FuzzEdit(f *testing.F) {
	f.Add("contexts:\n  dev:\n    addr: a:1 # c\n", "addr", "b:1")
	f.Add("contexts:\n  dev:\n    headers: {x: {env: Y}}\n", "timeout", "3s")
	f.Add("", "addr", "\u2028: #")
	f.Add("contexts:\n  dev: |\n    x\n", "addr", "true")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		if _, ok := FindKey(key); !ok || value == "" {
			return
		}
		e := Edit{Path: []string{"contexts", "dev", key}, Values: []string{value}}
		changed, err := apply("f", []byte(text), e)
		if err != nil {
			return
		}
		m, err := meaning("f", changed)
		if err != nil {
			t.Fatal(err)
		}
		// What is not text in Go is replaced in JSON.
		if got := m[strings.Join(e.Path, "\x00")]; got != strings.ToValidUTF8(value, "\ufffd") {
			t.Errorf("%q became %q in %q", value, got, changed)
		}
	})
}

// Whatever a project file has in it is read or refused.
func FuzzParse(f *testing.F) {
	f.Add("current: a\ncontexts:\n  a:\n    addr: x:1\n    headers:\n      y: {env: Z}\n    proto: [a, b]\n")
	f.Add("contexts:\n  a: *b\ntrusted: {x: y}\n")
	f.Add("a: &a [*a]")
	f.Add("{{{{{{")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parse("f", []byte(text))
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("%T", err)
			}
			return
		}
		for _, c := range file.Contexts {
			c.Asks(false)
			for _, s := range c.Settings {
				if len(s.Values) == 0 || s.Line < 1 {
					t.Errorf("%+v", s)
				}
			}
		}
	})
}
