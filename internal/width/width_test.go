package width_test

import (
	"testing"

	"github.com/rpcctl/rpcctl/internal/width"
)

func TestOf(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "abc": 3, "é": 1, "e\u0301": 1, "寿司": 4, "a寿司": 5, "😀": 2, "a\u200bb": 2, "…": 1, "👩‍👩‍👧 x": 4,
	} {
		if got := width.Of(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
}

func TestTruncate(t *testing.T) {
	for _, c := range []struct {
		text     string
		columns  int
		ellipsis string
		want     string
	}{
		{"", 4, "…", ""},
		{"abcd", 4, "…", "abcd"},
		{"abcdef", 4, "…", "abc…"},
		{"abcdef", 4, "...", "a..."},
		{"寿司寿司", 4, "…", "寿…"},
		{"e\u0301e\u0301e\u0301", 2, "…", "e\u0301…"},
		{"abcdef", 3, "", "abc"},
		{"abcdef", 2, "...", "ab"}, // no room for the ellipsis
		{"abc", 0, "…", ""},
	} {
		if got := width.Truncate(c.text, c.columns, c.ellipsis); got != c.want {
			t.Errorf("%q in %d: got %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}
