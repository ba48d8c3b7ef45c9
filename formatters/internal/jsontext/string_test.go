package jsontext

import (
	"encoding/json"
	"testing"

	"github.com/rpcctl/rpcctl/formatters/internal/safetext"
)

func FuzzStrings(f *testing.F) {
	f.Add("a\"b\\\n\u009b\u202e\xff\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		for name, quote := range map[string]func([]byte, string) []byte{"text": AppendString, "bytes": AppendBytes} {
			got := string(quote(nil, s))
			if safetext.Clean(got, false) != got {
				t.Errorf("%s: something hidden is in %q", name, got)
			}
			want := string([]rune(s)) // a replacement for each byte that is not UTF-8
			if name == "bytes" {
				runes := make([]rune, len(s))
				for i := range len(s) {
					runes[i] = rune(s[i])
				}
				want = string(runes)
			}
			var back string
			if err := json.Unmarshal([]byte(got), &back); err != nil || back != want {
				t.Errorf("%s: %q reads as %q, %v", name, got, back, err)
			}
		}
	})
}
