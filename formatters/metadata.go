package formatters

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// requestValue returns the value of a request header as it may be shown. Whether it is secret is
// decided by its name, its form, and where it came from.
func (o *Options) requestValue(key, value string) string {
	if secret.Request(key, value) || o.SecretHeaders != nil && o.SecretHeaders(strings.ToLower(key)) {
		return secret.Mask
	}
	return o.Seen.Mask(encodedValue(key, value))
}

// responseValue returns the value of a response header or trailer as it may be shown: masked if its
// name is secret, and without what was sent as a secret.
func (o *Options) responseValue(key, value string) string {
	if secret.Response(key, value) || o.Seen.MaskWords(value) == secret.Mask {
		return secret.Mask
	}
	if invoke.IsBinary(key) && o.Seen.Holds([]byte(value)) {
		return secret.Mask
	}
	return o.Seen.MaskWords(encodedValue(key, value))
}

// encodedValue returns a value of metadata as text: in base64 when its name says that it is binary.
func encodedValue(key, value string) string {
	if invoke.IsBinary(key) {
		return base64.StdEncoding.EncodeToString([]byte(value))
	}
	return value
}

// appendMetadata appends metadata as a JSON object of arrays, with keys in order. Show returns a
// value as it is printed.
func appendMetadata(dst []byte, md invoke.Metadata, show func(key, value string) string) []byte {
	dst = append(dst, '{')
	for i, key := range md.Keys() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, key), ':', '[')
		for j, value := range md[key] {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendText(dst, show(key, value))
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendText appends a name or value of metadata, which may be any bytes, as a
// JSON string.
func appendText(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		return jsontext.AppendString(dst, s)
	}
	return jsontext.AppendBytes(dst, s)
}

// shortValue returns a value of metadata for a person, cut when it is long. Shown is the value as it
// may be shown.
func shortValue(key, value, shown string) string {
	if !invoke.IsBinary(key) {
		return Clean(Cut(shown, MaxText), false)
	}
	const whole = MaxText / 3 * 4 // of base64: three bytes are four characters
	if len(shown) <= whole {
		return Clean(shown, false)
	}
	return fmt.Sprintf("%s... (cut: %d bytes in all)", shown[:whole], len(value))
}
