package repl

import (
	"regexp"
	"strings"
	"sync"
)

// Redacted stands where a secret was.
const Redacted = "‹redacted›"

// A redaction is the forms in which a text gives a value a name: "name": "value" and
// name: value, as in JSON and in headers; name=value and name:=value; --name value; header
// name: value; and a user and password in an address.
type redaction struct{ json, word, flag, header, user *regexp.Regexp }

// redactions is made when it is first needed.
var redactions = sync.OnceValue(func() *redaction {
	const quoted = `"(?:[^"\\]|\\.)*"?|'[^']*'?|`
	return &redaction{
		json:   regexp.MustCompile(`(["']?)([A-Za-z_][A-Za-z0-9_.\-\[\]]*)(["']?)(\s*:\s*)("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,}\]"'{\[][^,}\]\n]*)`),
		word:   regexp.MustCompile(`([A-Za-z_@][A-Za-z0-9_.\-\[\]+"]*)(:?=)(` + quoted + `[^\s"']\S*)`),
		flag:   regexp.MustCompile(`(--?)([a-z][a-z\-]*)(\s+)(` + quoted + `[^\s"'-]\S*)`),
		header: regexp.MustCompile(`(?m)(^|\s)(header\s+["']?)([A-Za-z0-9_.\-]+)(\s*[:=]\s*)([^\n]*)`),
		user:   regexp.MustCompile(`(\w+://)[^/\s@"']+@`),
	}
})

// Redact puts Redacted in place of the values that have a secret name, however they are
// written, and of users in addresses. It keeps everything else as it is. A name that is a path
// is secret when its last part is.
func Redact(text string, secret func(name string) bool) string {
	hides := func(name string) bool {
		last := strings.Trim(name, `[]"'+`)
		if i := strings.LastIndexAny(last, ".["); i >= 0 {
			last = last[i+1:]
		}
		return secret(last) || secret(strings.Trim(name, `[]"'`))
	}
	re := redactions()
	text = re.user.ReplaceAllString(text, "${1}"+Redacted+"@")
	text = replace(re.header, text, func(g []string) string {
		if !hides(g[3]) {
			return g[0]
		}
		return g[1] + g[2] + g[3] + g[4] + Redacted
	})
	text = replace(re.word, text, func(g []string) string {
		if !hides(g[1]) {
			// The value may be a pair itself: --header=name: value.
			return g[1] + g[2] + redactPairs(g[3], hides)
		}
		return g[1] + g[2] + Redacted
	})
	text = replace(re.flag, text, func(g []string) string {
		if !hides(g[2]) {
			return g[0]
		}
		return g[1] + g[2] + g[3] + Redacted
	})
	return redactPairs(text, hides)
}

// redactPairs redacts name: value.
func redactPairs(text string, hides func(name string) bool) string {
	return replace(redactions().json, text, func(g []string) string {
		if !hides(g[2]) || strings.Contains(g[5], Redacted) {
			return g[0]
		}
		value := Redacted
		if g[5][0] == '"' || g[5][0] == '\'' {
			value = g[5][:1] + Redacted + g[5][:1]
		} else if g[1] != "" && g[3] == "" { // all of it is in quotes, as in 'name: value'
			if end := strings.Index(g[5], g[1]); end >= 0 {
				value += g[5][end:]
			}
		}
		return g[1] + g[2] + g[3] + g[4] + value
	})
}

func replace(re *regexp.Regexp, text string, fn func(groups []string) string) string {
	var b strings.Builder
	last := 0
	for _, m := range re.FindAllStringSubmatchIndex(text, -1) {
		groups := make([]string, len(m)/2)
		for i := range groups {
			if m[2*i] >= 0 {
				groups[i] = text[m[2*i]:m[2*i+1]]
			}
		}
		b.WriteString(text[last:m[0]])
		b.WriteString(fn(groups))
		last = m[1]
	}
	b.WriteString(text[last:])
	return b.String()
}
