// Package secret is the one policy of what is secret. A value is secret by its name ([Name],
// [Header]), by its form ([Value]), by the option debug_redact of its field ([Declared]), or because
// it was sent as a secret before ([Seen]). What shows, stores or sends values asks this package and
// no other.
package secret

import "strings"

// Mask is shown in place of a secret.
const Mask = "•••"

// Value reports whether a value has the form of a credential, whatever its name: that of RFC 7617
// or RFC 6750, a scheme with more after it, or that of a JSON Web Token.
func Value(value string) bool {
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, "eyJ") {
		return true
	}
	_, credentials := authorization(value)
	return credentials != ""
}

// authorization returns the scheme of an authorization, "bearer" or "basic", and the credentials
// after it, or "" and "".
func authorization(value string) (scheme, credentials string) {
	scheme, rest, _ := strings.Cut(value, " ")
	for _, known := range []string{"bearer", "basic"} {
		if strings.EqualFold(scheme, known) {
			return known, strings.TrimSpace(rest)
		}
	}
	return "", ""
}

// Request reports whether a header of a request is secret: by its name, by its value, or because
// its value is binary, which may be anything.
func Request(name, value string) bool {
	return Header(name) || name == "key" || strings.HasSuffix(strings.ToLower(name), "-bin") || Value(value)
}

// Response reports whether a header or trailer of a response is secret.
func Response(name, value string) bool { return Header(name) || Value(value) }
