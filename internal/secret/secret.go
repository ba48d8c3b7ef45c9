// Package secret is the one policy of what is secret: by the name that a value
// stands under, by the look of the value, by the option debug_redact of a field,
// and by having been sent as a secret before. What shows, stores or sends values
// asks here and nowhere else.
package secret

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Mask stands in the place of a secret that is not shown.
const Mask = "•••"

// parts are what a name has in it, in lower case and without separators, when its
// values are secret.
var parts = []string{
	"token", "secret", "password", "passwd", "passphrase", "apikey", "privatekey", "accesskey", "credential",
	"cookie", "session", "signature", "bearer", "jwt",
}

// whole are words that make a name secret as a word of it alone.
var whole = []string{"basic", "pwd", "passcode"}

// openKeys are the words before "key" that name no secret, and openTokens the words
// beside "token" or "tokens" that name a place in a list or a number of words.
var (
	openKeys   = []string{"public", "primary", "foreign", "partition", "sort", "row", "routing", "idempotency"}
	openTokens = []string{"page", "continuation", "max", "min", "num", "total", "prompt", "input", "output", "completion"}
)

// Name reports whether the values of a header, a field or a parameter of this name
// are secret. Case does not matter, and neither does how the words of the name are
// joined: x-api-key, x_api_key and xApiKey are the same.
func Name(name string) bool {
	words := wordsOf(name)
	for i, w := range words {
		before := ""
		if i > 0 {
			before = words[i-1]
		}
		switch {
		case slices.Contains(whole, w), authWord(w):
			return true
		case (w == "key" || w == "keys") && before != "" && !slices.Contains(openKeys, before):
			return true
		}
	}
	joined := strings.Join(words, "")
	return slices.ContainsFunc(parts, func(p string) bool {
		return strings.Contains(joined, p) && (p != "token" || !openToken(words))
	})
}

// authWord reports whether a word is about authentication or authorization, and not
// about an author or an authority.
func authWord(w string) bool {
	if !strings.Contains(w, "auth") {
		return false
	}
	_, after, isAuthor := strings.Cut(w, "author")
	return !isAuthor || strings.HasPrefix(after, "iz") || strings.HasPrefix(after, "is")
}

// openToken reports whether the token of a name is none that anybody must keep to
// themselves: a place in a list (https://google.aip.dev/158), or a count.
func openToken(words []string) bool {
	for i, w := range words {
		if w != "token" && w != "tokens" {
			continue
		}
		beside := i > 0 && slices.Contains(openTokens, words[i-1]) || i+1 < len(words) && words[i+1] == "count"
		if !beside {
			return false
		}
	}
	return slices.Contains(words, "token") || slices.Contains(words, "tokens")
}

// wordsOf cuts a name into its words, in lower case.
func wordsOf(name string) []string {
	var words []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			words = append(words, b.String())
			b.Reset()
		}
	}
	lower := false // the character before was a lower-case letter or a digit
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		case unicode.IsUpper(r) && lower:
			flush()
			fallthrough
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
	}
	flush()
	return words
}

// Value reports whether a value looks like a credential, whatever its name: a
// scheme of RFC 7617 or RFC 6750 with what follows it, or a JSON Web Token.
func Value(value string) bool {
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, "eyJ") {
		return true
	}
	scheme, rest, ok := strings.Cut(value, " ")
	return ok && strings.TrimSpace(rest) != "" && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "basic"))
}

// Request reports whether a header of a request is secret: by its name, by its
// value, or because its value is bytes that nobody can look through.
func Request(name, value string) bool {
	return Name(name) || name == "key" || strings.HasSuffix(strings.ToLower(name), "-bin") || Value(value)
}

// Response reports whether a header or trailer of a response is secret.
func Response(name, value string) bool { return Name(name) || Value(value) }

// Address returns a URL or target without the secrets in it: the user and password
// before an @, and the values of secret parameters of the query.
func Address(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, after := rest[:end], rest[end:]
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = Mask + host[at:]
	}
	return scheme + "://" + host + query(after)
}

// secretParameter reports whether a parameter of a query is secret.
func secretParameter(name, value string) bool {
	return Name(name) || strings.EqualFold(name, "key") || strings.EqualFold(name, "sig") || Value(value)
}

// query masks the values of secret parameters in what follows the host of a URL.
func query(text string) string {
	path, params, ok := strings.Cut(text, "?")
	if !ok {
		return text
	}
	params, fragment, hasFragment := strings.Cut(params, "#")
	pairs := strings.Split(params, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if value != "" && secretParameter(plain, value) {
			pairs[i] = name + "=" + Mask
		}
	}
	text = path + "?" + strings.Join(pairs, "&")
	if hasFragment {
		text += "#" + fragment
	}
	return text
}
