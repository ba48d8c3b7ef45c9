package credential

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindNetrc(t *testing.T) {
	type found struct {
		Login, Password string
		Found           bool
	}
	for _, tt := range []struct {
		name, text string
		want       found
	}{
		{"empty", "", found{}},
		{"one line", "machine h login l password p", found{"l", "p", true}},
		{"several lines", "machine h\n\tlogin l\n\n\tpassword p\n", found{"l", "p", true}},
		{"another machine", "machine x login l password p", found{}},
		{"capitals", "machine H login l password p", found{"l", "p", true}},
		{"the first counts", "machine h login a password b machine h login c password d", found{"a", "b", true}},
		{"default", "machine x login l password p default login d password e", found{"d", "e", true}},
		{"account", "machine h login l account a password p", found{"l", "p", true}},
		{"keywords as values", "machine h login machine password default", found{"machine", "default", true}},
		{"a comment", "# machine h login x\nmachine h login l # login y\n password p", found{"l", "p", true}},
		{"a password with a mark", "machine h login l password #p", found{"l", "#p", true}},
		{"in quotes", `machine h login "l m" password "a\"b\\c machine x"`, found{"l m", `a"b\c machine x`, true}},
		{"a host of another's quotes", `machine x login l password "p machine h login m password q"`, found{}},
		{"a quote without end", `machine h login l password "p q`, found{"l", `"p`, true}},
		{"a macro", "macdef m\nmachine h login x password y\n\nmachine h login l password p", found{"l", "p", true}},
		{"a value that is missing", "machine h login l password\nmachine x login m password s3cr3t\n", found{"l", "", true}},
		{"a default after it", "machine h login\ndefault login d password e\n", found{"", "", true}},
		{"a host that is missing", "machine\nmachine h login l password p\n", found{"l", "p", true}},
		{"no value", "machine h login", found{"", "", true}},
		{"no host", "machine", found{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got found
			got.Login, got.Password, got.Found = findNetrc(tt.text, "h")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever is in a netrc file, what is found is a word of it.
func FuzzFindNetrc(f *testing.F) {
	f.Add("machine h login l password p")
	f.Add("macdef x\n\nmachine h # c\nlogin\tl")
	f.Add(`machine h login "l m" password "a\"b"`)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, `"`) {
			findNetrc(text, "h") // to the end of any quotes
			text = strings.ReplaceAll(text, `"`, "")
		}
		login, password, _ := findNetrc(text, "h")
		for _, word := range []string{login, password} {
			if strings.ContainsAny(word, " \t\r\n") || !strings.Contains(text, word) {
				t.Errorf("%q of %q", word, text)
			}
		}
	})
}
