package safetext

import "testing"

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int
		want string
	}{
		{"short", 5, "short"},
		{"longer", 5, "longe... (cut: 6 bytes in all)"},
		{"aäb", 2, "a... (cut: 4 bytes in all)"},
		{"\xff\xff\xff", 2, "\xff\xff... (cut: 3 bytes in all)"},
	} {
		if got := Cut(test.text, test.n); got != test.want {
			t.Errorf("Cut(%q, %d) is %q, want %q", test.text, test.n, got, test.want)
		}
	}
}
