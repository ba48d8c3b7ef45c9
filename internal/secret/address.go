package secret

import (
	"net/url"
	"strings"
)

// URL returns where the secrets in a URL are, in their order: the user and password before
// an @, and the values of secret parameters of the query.
func URL(text string) (spans [][2]int) {
	scheme := strings.Index(text, "://")
	if scheme < 0 {
		return nil
	}
	host, end := scheme+len("://"), len(text)
	if i := strings.IndexAny(text[host:], "/?#"); i >= 0 {
		end = host + i
	}
	if i := strings.LastIndexByte(text[host:end], '@'); i > 0 {
		spans = append(spans, [2]int{host, host + i})
	}
	query := strings.IndexByte(text[end:], '?')
	if query < 0 {
		return spans
	}
	at := end + query + 1
	params, _, _ := strings.Cut(text[at:], "#")
	for pair := range strings.SplitSeq(params, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value != "" && secretParameter(unescaped(name), unescaped(value)) {
			spans = append(spans, [2]int{at + len(name) + 1, at + len(pair)})
		}
		at += len(pair) + 1
	}
	return spans
}

// secretParameter reports whether a parameter of a query is secret.
func secretParameter(name, value string) bool {
	return Name(name) || strings.EqualFold(name, "key") || strings.EqualFold(name, "sig") || Value(value)
}

// unescaped is a part of a query as it is meant, or as it is where it is not in order.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// Address returns a URL or target without the secrets in it.
func Address(text string) string {
	var b strings.Builder
	at := 0
	for _, s := range URL(text) {
		b.WriteString(text[at:s[0]] + Mask)
		at = s[1]
	}
	return b.String() + text[at:]
}
