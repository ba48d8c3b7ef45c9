package secret

import (
	"net/url"
	"strings"
)

// URL returns the spans of the secrets in a URL, in order: the user and password before an @, and
// the values of secret parameters of the query.
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
	pos := end + query + 1
	params, _, _ := strings.Cut(text[pos:], "#")
	for pair := range strings.SplitSeq(params, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value != "" && secretParameter(unescaped(name), unescaped(value)) {
			spans = append(spans, [2]int{pos + len(name) + 1, pos + len(pair)})
		}
		pos += len(pair) + 1
	}
	return spans
}

// secretParameter reports whether a parameter of a query is secret.
func secretParameter(name, value string) bool {
	return Name(name) || strings.EqualFold(name, "key") || strings.EqualFold(name, "sig") || Value(value)
}

// unescaped returns a part of a query without its escapes, or as it is when they are broken.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// Address returns a URL or target with its secrets masked.
func Address(text string) string {
	var b strings.Builder
	end := 0
	for _, span := range URL(text) {
		b.WriteString(text[end:span[0]] + Mask)
		end = span[1]
	}
	return b.String() + text[end:]
}
