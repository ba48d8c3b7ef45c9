// Package secret is the one policy of what is secret: by the name that a value
// stands under, by the look of the value, by the option debug_redact of a field,
// and by having been sent as a secret before. What shows, stores or sends values
// asks here and nowhere else.
package secret

import (
	"slices"
	"strings"
	"unicode"
)

// Mask stands in the place of a secret that is not shown.
const Mask = "•••"

// parts are what a name has in it, in lower case and without separators, when its
// values are secret.
var parts = []string{"password", "passwd", "passphrase", "apikey", "privatekey", "accesskey", "credential"}

// headerParts are further ones of headers, whose names are few and seldom about anything
// else.
var headerParts = []string{"token", "secret", "cookie", "session", "signature", "bearer", "jwt"}

// headerWords are words that make a header secret at its end, and that in a field may stand
// for anything.
var headerWords = []string{"otp", "totp", "pin", "pat", "pw", "pass", "csrf", "xsrf"}

// words make a name secret as a word of it, and ends do as its last word, or before a
// word such as id.
var (
	words = []string{"token", "tokens", "secret", "secrets", "pwd", "passcode", "bearer", "jwt"}
	ends  = []string{"session", "sessions", "cookie", "cookies", "signature", "signatures"}
	after = []string{"id", "ids", "key", "keys", "token", "value"}
)

// keys are the words before "key" that make it a secret one. In a header any word does,
// but for openKeys.
var (
	keys = []string{
		"api", "access", "secret", "private", "signing", "sign", "encryption", "shared", "master", "auth", "account", "storage",
		"service", "client", "session", "app", "consumer", "subscription", "ssh", "rsa", "hmac", "aes", "webhook", "license", "deploy",
	}
	openKeys = []string{"public", "primary", "foreign", "partition", "sort", "row", "routing", "idempotency"}
)

// openTokens are the words beside "token" or "tokens" that name a place in a list
// (https://google.aip.dev/158) or a number of words.
var openTokens = []string{"page", "continuation", "max", "min", "num", "total", "prompt", "input", "output", "completion"}

// Name reports whether the values of a field, a flag or a parameter of this name are
// secret. Case does not matter, and neither does how the words of the name are joined:
// x-api-key, x_api_key and xApiKey are the same.
func Name(name string) bool { return secretName(name, false) }

// Header reports whether the values of a header of this name are secret. It takes more
// names for secret than Name does.
func Header(name string) bool { return secretName(name, true) }

func secretName(name string, header bool) bool {
	all := wordsOf(name)
	for i, w := range all {
		before, next := "", ""
		if i > 0 {
			before = all[i-1]
		}
		if i+1 < len(all) {
			next = all[i+1]
		}
		switch {
		case authWord(w):
			return true
		case (w == "key" || w == "keys") && before != "":
			if slices.Contains(keys, before) || header && !slices.Contains(openKeys, before) {
				return true
			}
		case header && slices.Contains(headerWords, w) && (next == "" || next == "code" || next == "value"):
			return true
		case slices.Contains(words, w), strings.HasSuffix(w, "token"), strings.HasSuffix(w, "secret"):
			if !openToken(all) {
				return true
			}
		case slices.Contains(ends, w) && (next == "" || slices.Contains(after, next) || strings.Trim(next, "0123456789") == ""):
			return true
		}
	}
	joined := strings.Join(all, "")
	has := func(part string) bool { return strings.Contains(joined, part) }
	if slices.ContainsFunc(parts, has) || joined == "basic" {
		return true
	}
	return header && slices.ContainsFunc(headerParts, func(p string) bool { return has(p) && (p != "token" || !openToken(all)) })
}

// authWord reports whether a word is about authentication or authorization, and not
// about an author or an authority.
func authWord(w string) bool {
	if !strings.Contains(w, "auth") {
		return false
	}
	_, rest, isAuthor := strings.Cut(w, "author")
	return !isAuthor || strings.HasPrefix(rest, "iz") || strings.HasPrefix(rest, "is")
}

// openToken reports whether the token in a name is harmless: a page token, or a count.
func openToken(all []string) bool {
	found := false
	for i, w := range all {
		if w != "token" && w != "tokens" {
			continue
		}
		found = true
		if (i == 0 || !slices.Contains(openTokens, all[i-1])) && (i+1 == len(all) || all[i+1] != "count") {
			return false
		}
	}
	return found
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
	return Header(name) || name == "key" || strings.HasSuffix(strings.ToLower(name), "-bin") || Value(value)
}

// Response reports whether a header or trailer of a response is secret.
func Response(name, value string) bool { return Header(name) || Value(value) }
