package secret

import (
	"slices"
	"strings"
	"unicode"
)

// parts make a name secret that contains them, in lower case and without separators.
var parts = []string{"password", "passwd", "passphrase", "apikey", "privatekey", "accesskey", "credential"}

// headerParts are further parts that make a header secret, since headers have few other uses
// for them.
var headerParts = []string{"token", "secret", "cookie", "session", "signature", "bearer", "jwt"}

// headerWords make a header secret as its last word, or before a word such as code. In a field they
// may stand for anything.
var headerWords = []string{"otp", "totp", "pin", "pat", "pw", "pass", "csrf", "xsrf"}

// words make a name secret wherever they stand in it; ends do so as its last word, or before a
// number or one of afterEnds.
var (
	words     = []string{"token", "tokens", "secret", "secrets", "pwd", "passcode", "bearer", "jwt"}
	ends      = []string{"session", "sessions", "cookie", "cookies", "signature", "signatures"}
	afterEnds = []string{"id", "ids", "key", "keys", "token", "value"}
)

// keys are the words before "key" that make a name secret. In a header any word does, except for
// openKeys.
var (
	keys = []string{
		"api", "access", "secret", "private", "signing", "sign", "encryption", "shared", "master", "auth", "account", "storage",
		"service", "client", "session", "app", "consumer", "subscription", "ssh", "rsa", "hmac", "aes", "webhook", "license", "deploy",
	}
	openKeys = []string{"public", "primary", "foreign", "partition", "sort", "row", "routing", "idempotency"}
)

// openTokens are the words before "token" or "tokens" of names that are not secret: of a position in
// a list (https://google.aip.dev/158) or of a number of words.
var openTokens = []string{
	"page", "continuation", "max", "min", "num", "total", "prompt", "input", "output",
	"completion",
}

// Name reports whether the values of a field, a flag or a parameter of this name are
// secret. Case does not matter, and neither does how the words of the name are joined:
// x-api-key, x_api_key and xApiKey are the same.
func Name(name string) bool { return secretName(name, false) }

// Header reports whether the values of a header of this name are secret. More names are secret
// for it than for Name.
func Header(name string) bool { return secretName(name, true) }

// secretName reports whether a name, that of a header or another, is secret.
func secretName(name string, header bool) bool {
	n := wordsOf(name)
	for i := range n {
		if n.secretWord(i, header) {
			return true
		}
	}
	joined := strings.Join(n, "")
	has := func(part string) bool { return strings.Contains(joined, part) }
	if slices.ContainsFunc(parts, has) || joined == "basic" {
		return true
	}
	return header && slices.ContainsFunc(headerParts, func(part string) bool {
		return has(part) && (part != "token" || !n.openToken())
	})
}

// nameWords are the words of a name, in lower case.
type nameWords []string

// word returns the word at an index, or "" beyond the ends of the name.
func (n nameWords) word(i int) string {
	if i < 0 || i >= len(n) {
		return ""
	}
	return n[i]
}

// secretWord reports whether the word at an index makes the name secret.
func (n nameWords) secretWord(i int, header bool) bool {
	before, w, next := n.word(i-1), n[i], n.word(i+1)
	switch {
	case authWord(w):
		return true
	case (w == "key" || w == "keys") && before != "":
		return slices.Contains(keys, before) || header && !slices.Contains(openKeys, before)
	case header && slices.Contains(headerWords, w) && slices.Contains([]string{"", "code", "value"}, next):
		return true
	case slices.Contains(words, w), strings.HasSuffix(w, "token"), strings.HasSuffix(w, "secret"):
		return !n.openToken()
	case slices.Contains(ends, w):
		return slices.Contains(afterEnds, next) || strings.Trim(next, "0123456789") == ""
	}
	return false
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

// openToken reports whether the name is of tokens that are not secret: page tokens, or a count.
func (n nameWords) openToken() bool {
	found := false
	for i, w := range n {
		if w != "token" && w != "tokens" {
			continue
		}
		found = true
		if !slices.Contains(openTokens, n.word(i-1)) && n.word(i+1) != "count" {
			return false
		}
	}
	return found
}

// wordsOf returns the words of a name.
func wordsOf(name string) nameWords {
	var words nameWords
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
