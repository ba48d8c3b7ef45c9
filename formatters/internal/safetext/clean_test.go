package safetext

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

func TestClean(t *testing.T) {
	tests := []struct {
		name, in string
		newlines bool
		want     string
	}{
		{"plain", "order 17, ☃ 😀 é", false, "order 17, ☃ 😀 é"},
		{"escape", "\x1b[31mred\x1b[0m", false, `\u{1b}[31mred\u{1b}[0m`},
		{"C1 and DEL", "\u009b2J\u007f", true, `\u{9b}2J\u{7f}`},
		{"newlines kept", "a\n\tb\rc", true, "a\n\tb\\u{d}c"},
		{"newlines shown", "a\n\tb", false, `a\u{a}\u{9}b`},
		{"bidi", "a\u202egnp.exe\u2066\u061c\u200e\u200f", false, `a\u{202e}gnp.exe\u{2066}\u{61c}\u{200e}\u{200f}`},
		{"separators", "a\u2028b\u2029", true, `a\u{2028}b\u{2029}`},
		{"not UTF-8", "a\xff\x9b\xe2\x82", false, `a\xff\x9b\xe2\x82`},
		{"replacement character", "\uFFFD", false, "\uFFFD"},
		{"backslash", `\u{1b}`, false, `\u{1b}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Clean(test.in, test.newlines); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// harmless reports the first character in s that must not reach a terminal.
func harmless(t *testing.T, what, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%s: not UTF-8: %q", what, s)
	}
	for i, r := range s {
		if transcode.Hidden(r) && r != '\n' && r != '\t' {
			t.Fatalf("%s: %U at byte %d of %q", what, r, i, s)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[2J", "\u202e\xe2\x80")
	f.Add("\xe2", "\x80\xae")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, newlines := range []bool{false, true} {
			got := Clean(a+b, newlines)
			harmless(t, "Clean", got)
			if Clean(got, newlines) != got {
				t.Errorf("%q changes when it is cleaned again", got)
			}
		}
		var out strings.Builder
		w := NewCleaner(&out)
		for _, s := range []string{a, b, "."} {
			if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
		}
		if want := Clean(a+b+".", true); out.String() != want {
			t.Errorf("in pieces: %q, want %q", out.String(), want)
		}
	})
}
