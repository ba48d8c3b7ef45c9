package input

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCaret(t *testing.T) {
	long := strings.Repeat("0123456789", 10)
	tests := []struct {
		name  string
		place Place
		width int
		want  string
	}{
		{"no text", Place{}, 80, ""},
		{"a word", Place{Text: "id=zz", Start: 3, End: 5}, 80, "id=zz\n   ~~"},
		{"nothing", Place{Text: "id=", Start: 3, End: 3}, 80, "id=\n   ~"},
		{"a tab", Place{Text: "a\tbc", Start: 2, End: 3}, 80, "a       bc\n        ~"},
		{"wide characters", Place{Text: "日本=é", Start: 3, End: 6}, 80, "日本=é\n  ~~"},
		{"after wide characters", Place{Text: "日本=é", Start: 7, End: 9}, 80, "日本=é\n     ~"},
		{"a combining accent", Place{Text: "e\u0301=zz", Start: 4, End: 6}, 80, "e\u0301=zz\n  ~~"},
		{"joined", Place{Text: "👨\u200d👩=z", Start: 12, End: 13}, 80, "👨\u200d👩=z\n   ~"},
		{"a joiner that joins no pictures", Place{Text: "a\u200d\x04b\u200dc=z", Start: 11, End: 12}, 80, "a\u200d\\u0004b\u200dc=z\n          ~"},
		{"a picture cut where it is joined", Place{Text: long[:20] + "👨\u200d👩" + long, Start: 37, End: 39}, 16, "…01234567890123…\n       ~~"},
		{"control characters", Place{Text: "\x1b[31m\u202e=z", Start: 9, End: 10}, 80, "\\u001b[31m\\u202e=z\n                 ~"},
		{"not UTF-8", Place{Text: "\xff=z", Start: 2, End: 3}, 80, "\ufffd=z\n  ~"},
		{"a long line, at its start", Place{Text: long, Start: 1, End: 3}, 20, "012345678901234567…\n ~~"},
		{"a long line, in the middle", Place{Text: long, Start: 50, End: 54}, 20, "…345678901234567890…\n        ~~~~"},
		{"a long line, at its end", Place{Text: long, Start: 99, End: 100}, 20, "…234567890123456789\n                  ~"},
		{"a long fault", Place{Text: long, Start: 10, End: 90}, 20, "…012345678901234567…\n ~~~~~~~~~~~~~~~~~~"},
		{"cut before", Place{Text: "abcdef", Start: 2, End: 3, CutLeft: true, CutRight: true}, 80, "…abcdef…\n   ~"},
		{"too narrow", Place{Text: long, Start: 1, End: 2}, 3, "01234567890123…\n ~"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.place.Caret(tt.width); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// FuzzCaret checks that no line is too wide, and that nothing hostile is left.
func FuzzCaret(f *testing.F) {
	f.Add("{\"id\":\"日本\u202e\"}", 5, 8, 80, false)
	f.Add("👨\u200d👩\tx", 0, 2, 16, true)
	f.Add(strings.Repeat("日", 50), 30, 60, 17, true)
	f.Add("00\u200d\x04\x000000000", 0, 2, 16, true)
	f.Fuzz(func(t *testing.T, text string, start, end, width int, cut bool) {
		start = min(max(start, 0), len(text))
		end = min(max(end, start), len(text))
		text = strings.ReplaceAll(text, "\n", "")
		if start > len(text) || end > len(text) {
			return
		}
		p := Place{Text: text, Start: start, End: end, CutLeft: cut, CutRight: cut}
		got := p.Caret(width)
		if text == "" {
			return
		}
		line, marks, ok := strings.Cut(got, "\n")
		if !ok || !utf8.ValidString(got) || strings.ContainsFunc(line+marks, hostile) {
			t.Fatalf("%q", got)
		}
		if !strings.HasSuffix(marks, "~") || strings.Trim(marks, " ~") != "" {
			t.Errorf("marks %q", marks)
		}
		for _, s := range []string{line, marks} {
			cells, _, _ := layout(s, 0, 0)
			last := cells[len(cells)-1]
			if w := last.col + last.cols; w > max(width, minExcerpt) {
				t.Errorf("%q takes %d columns, want at most %d", s, w, max(width, minExcerpt))
			}
		}
	})
}
