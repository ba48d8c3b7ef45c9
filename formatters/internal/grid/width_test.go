package grid

import "testing"

func TestWidth(t *testing.T) {
	tests := map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "寿司": 4, "😀": 2, "a\u200bb": 2, "…": 1, "👩‍👩‍👧 x": 4}
	for s, want := range tests {
		if got := Width(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
	for s, want := range map[string]string{"abcdef": "abc…", "abcd": "abcd", "寿司寿司": "寿…", "": ""} {
		if got := cut(s, 4); got != want {
			t.Errorf("cut %q: got %q, want %q", s, got, want)
		}
	}
}
