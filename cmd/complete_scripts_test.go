package cmd

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/othershells"
)

// hostileWords are words that a shell could misread. PowerShell takes typographic quotes and
// dashes for plain ones.
var hostileWords = []string{
	"a'b", "a`b", "$(b)", "$b", "${b}", "a\nb", "a\rb", "a;b", "a|b", "a&b", "a>b", "a<b", "a(b)", "{b}", "a b", "a\tb", `a"b`, "a#b", "a*b", "a?b", "a!b", "~b", "a^b",
	"=b", "‘b’", "‚b‛", "“b”", "„b‟", "–b", "—b", "―b", "a\u00a0b", "a\u2028b", "a\u0085b", "a\x00b", "a\x1bb", "a\u202eb", "a\xffb",
}

// All offers to other shells pass one function, which leaves out words that a shell could
// misread, quoted or not.
func TestOffersToOtherShells(t *testing.T) {
	for _, word := range hostileWords {
		texts, _ := othershells.Candidates([]othershells.Offer{{Text: word}, {Text: word + word}, {Text: word + "=1"}, {Text: "plain", About: word}})
		if len(texts) != 1 || !strings.HasPrefix(texts[0], "plain\t") || strings.Count(texts[0], "\t") != 1 || strings.ContainsAny(texts[0], "\n\r\x00\x1b") {
			t.Errorf("%q is offered as %q", word, texts)
		}
	}
}

// The script for PowerShell inserts words through one filter, which quotes those that have a
// meaning there. It evaluates no line with a command in it, and calls the program by its own
// name.
func TestPowerShellScript(t *testing.T) {
	var out bytes.Buffer
	env := &env.Env{Stdout: &out, Stderr: io.Discard, Getenv: func(string) string { return "" }, LookupEnv: func(string) (string, bool) { return "", false }, InCall: new(atomic.Bool)}
	if code := Run(t.Context(), env, []string{"completion", "powershell"}); code != 0 {
		t.Fatal(code)
	}
	script := out.String()

	const put = `[System.Management.Automation.CompletionResult]::new(`
	if all, own := strings.Count(script, "CompletionResult]::new("), strings.Count(script, put+`$CompletionText, "`); all == 0 || all != own {
		t.Errorf("%d of %d results are $CompletionText", own, all)
	}
	for _, m := range regexp.MustCompile(`(?m)^\s*\$CompletionText = (.*)$`).FindAllStringSubmatch(script, -1) {
		one := regexp.MustCompile(`^\$\(\$comp\.Name \| __rpcctl_escapeStringWithSpecialChars\)( \+ \$Space)?$`)
		// When several words are listed, the line gets their common beginning, which is part
		// of each.
		if several := `"$($comp.Name)$Description"`; !one.MatchString(m[1]) && m[1] != several {
			t.Errorf("a word goes into the line as %s", m[1])
		}
	}

	filter := regexp.MustCompile(`(?s)filter __rpcctl_escapeStringWithSpecialChars \{\s*\$_ -replace '(.*?)','` + "`" + `\$&'\s*\}`).FindStringSubmatch(script)
	if filter == nil {
		t.Fatal("the filter is not the one that is known")
	}
	quotes := regexp.MustCompile(strings.ReplaceAll(filter[1], "''", "'"))
	const special = "'\"`$(){};|&<>,@#\n\r\t ‘’‚‛“”„‟–—―" // about_Parsing, about_Special_Characters
	for _, r := range special {
		if word := "a" + string(r) + "b"; othershells.InAnyShell(word) && !quotes.MatchString(string(r)) {
			t.Errorf("%q is offered, and not quoted", word)
		}
	}

	guard, eval := strings.Index(script, `if ("$RequestComp".Contains('(')) { return }`), strings.Index(script, "Invoke-Expression")
	if guard < 0 || eval < guard || strings.Count(script, "Invoke-Expression") != 1 {
		t.Error("the line is evaluated before it is looked at")
	}
	plain, call := strings.Index(script, `if ($Program -notmatch '^[\w./\\:~-]+$') { return }`), strings.Index(script, `$RequestComp="rpcctl __complete $Arguments"`)
	if plain < 0 || call < plain || strings.Contains(script, `"$Program `) {
		t.Error("the program is called as the line says")
	}
}
