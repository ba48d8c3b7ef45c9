package formatters

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/invoke"
)

// masked stands for a value that is not shown.
const masked = "•••"

// SecretHeader tells of a request header that its values are credentials, to be
// neither shown nor stored. Case does not matter.
func SecretHeader(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "authorization", "proxy-authorization", "cookie":
		return true
	}
	for _, part := range []string{"token", "secret", "password", "api-key", "api_key", "apikey"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// secret tells whether the values of a request header are to be masked.
func (o *Options) secret(name string) bool {
	return SecretHeader(name) || o.SecretHeaders != nil && o.SecretHeaders(strings.ToLower(name))
}

// appendMetadata appends metadata as a JSON object of arrays, keys in order.
func appendMetadata(dst []byte, md invoke.Metadata, secret func(name string) bool) []byte {
	dst = append(dst, '{')
	for i, key := range md.Keys() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, key), ':', '[')
		hide := secret != nil && secret(key)
		for j, value := range md[key] {
			if j > 0 {
				dst = append(dst, ',')
			}
			switch {
			case hide:
				dst = appendQuoted(dst, masked)
			case invoke.IsBinary(key):
				dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), []byte(value)), '"')
			default:
				dst = appendText(dst, value)
			}
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendText appends a name or value of metadata, which may be any bytes, as a
// JSON string.
func appendText(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		return appendQuoted(dst, s)
	}
	return appendQuotedBytes(dst, s)
}

// metadataValue returns a value of a header as a person reads it.
func metadataValue(key, value string) string {
	if invoke.IsBinary(key) {
		return base64.StdEncoding.EncodeToString([]byte(value))
	}
	return Clean(value, false)
}
