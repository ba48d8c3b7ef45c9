package secret

import (
	"fmt"
	"strings"
	"testing"
)

// A secret is recognised in other forms than it was sent in.
func TestSeenAltered(t *testing.T) {
	var s Seen
	const token = "tok-SECRET-abcdef123456"
	s.Add("Bearer " + token)
	s.Add("Pass-Word")
	s.Add("Bearer customer-service-reader-2026")
	s.Add("rpcctl.demo.v1.admin")
	percent := func(text string) string {
		var b strings.Builder
		for _, c := range []byte(text) {
			fmt.Fprintf(&b, "%%%02x", c)
		}
		return b.String()
	}
	for text, want := range map[string]string{
		"bad " + percent(token) + ", 100% of it":      "bad " + Mask + ", 100% of it",
		"bad " + strings.ToUpper(token) + "!":         "bad " + Mask + "!",
		"bad token tok-SECRET-abcdef12...":            "bad token " + Mask + "...",
		"bad token tok-SECRET-a…":                     "bad token " + Mask + "…",
		"bad token tok-SEC…":                          "bad token tok-SEC…",
		percent("Pass-Word") + " " + percent("other"): Mask + " " + percent("other"),
		"the pass-word of %s is 5%":                   "the pass-word of %s is 5%",
		"customer-service-x/Get, rpcctl.demo.v1.Lab":  "customer-service-x/Get, rpcctl.demo.v1.Lab",
		"Bearer of bad news":                          "Bearer of bad news",
	} {
		if got := s.Mask(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Masking a masked text changes nothing, and nothing else is masked.
func FuzzSeenAltered(f *testing.F) {
	f.Add("bad %74ok-secret-abcdef")
	f.Add("TOK-SECRET-ABCDEF tok-secret-ab")
	f.Fuzz(func(t *testing.T, text string) {
		var s Seen
		s.Add("tok-secret-abcdef")
		masked := s.Mask(text)
		if again := s.Mask(masked); again != masked {
			t.Errorf("%q, then %q", masked, again)
		}
		rest := text
		for _, part := range strings.Split(masked, Mask) {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Fatalf("%q became %q", text, masked)
			}
			rest = after
		}
	})
}
