package input

import (
	"strings"
	"testing"
)

func TestMasked(t *testing.T) {
	for _, tt := range []struct{ text, value, want string }{
		{`M.n wants int32, "s3" is not a number`, "s3", `M.n wants int32, "•••" is not a number`},
		{`M.n wants int32, "s\"3" is not a number`, `s"3`, `M.n wants int32, "•••" is not a number`},
		{"M.n wants int32, 32 is not a number", "32", "M.n wants int32, ••• is not a number"},
		{`wants an object, not "abcdefgh ijk…`, "abcdefgh ijklmn", `wants an object, not "•••`},
		{"nothing of it", "s3", "nothing of it"},
		{"there is text behind: =s3", "=s3", "there is text behind: •••"},
		{"s3 needs quotes", ":s3", "••• needs quotes"},
	} {
		if got := masked(tt.text, []string{tt.value}); got != tt.want {
			t.Errorf("%s without %s: %s", tt.text, tt.value, got)
		}
	}
}

// FuzzConceal checks that nothing of a secret stays in an excerpt, and that the mark stays in
// it.
func FuzzConceal(f *testing.F) {
	f.Add(`{"password":"S3CRET", "n": 1}`, 2, 4, 13, 19)
	f.Add(`a,"S3",b`, 3, 8, 2, 6)
	f.Add("S3", 0, 0, 0, 2)
	f.Fuzz(func(t *testing.T, text string, start, end, from, to int) {
		in := func(n, least int) int { return min(max(n, least), len(text)) }
		start, from = in(start, 0), in(from, 0)
		end, to = in(end, start), in(to, from)
		if strings.ContainsAny(text, "•=\n") {
			return
		}
		secrets := func(string) [][2]int { return nil }
		if from < to {
			value := text[from:to]
			secrets = func(s string) (spans [][2]int) {
				if i := strings.Index(s, value); i >= 0 {
					spans = append(spans, [2]int{i, i + len(value)})
				}
				return spans
			}
		}
		o := Options{Secrets: secrets}
		e := newError(0, "x", "", []Fault{{Place: Place{Text: text, Start: start, End: end}, Problem: "wrong"}})
		_ = o.conceal(e)
		p := e.Faults[0].Place
		if p.Start > p.End || p.End > len(p.Text) {
			t.Fatalf("%+v", p)
		}
		if i := strings.Index(text, text[from:to]); from < to && p.Text != text[:i]+"•••"+text[i+to-from:] {
			t.Errorf("%q", p.Text)
		}
		if from == to && (p.Text != text || p.Start != start || p.End != end) {
			t.Errorf("%+v", p)
		}
		_ = p.Caret(80)
	})
}
