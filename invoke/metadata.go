package invoke

import (
	"maps"
	"slices"
	"strings"
)

// Metadata is request metadata, response headers or trailers. Keys are lower
// case. Values stand in the order sent, one element per field line. The values
// of keys that end in "-bin" are the bytes themselves, not their base64. A nil
// Metadata is empty and may be read.
type Metadata map[string][]string

// Add appends a value to a key, whose case does not matter.
func (m Metadata) Add(key, value string) {
	key = strings.ToLower(key)
	m[key] = append(m[key], value)
}

// Get returns the first value of a key, or "".
func (m Metadata) Get(key string) string {
	if v := m[strings.ToLower(key)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Clone returns a deep copy, never nil.
func (m Metadata) Clone() Metadata {
	c := make(Metadata, len(m))
	for k, v := range m {
		c[k] = slices.Clone(v)
	}
	return c
}

// Keys returns the keys in alphabetical order.
func (m Metadata) Keys() []string { return slices.Sorted(maps.Keys(m)) }

// IsBinary reports whether a key carries bytes rather than text.
func IsBinary(key string) bool { return strings.HasSuffix(key, "-bin") }

// ValidKey reports whether gRPC allows a name as a key of metadata: lower-case letters,
// digits and - _ . only
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Header-Name).
func ValidKey(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return name != ""
}

// ValidText reports whether gRPC allows a text as the value of a key that is not binary:
// printable ASCII (ASCII-Value there).
func ValidText(value string) bool {
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
