package httpwire

import (
	"encoding/base64"
	"strings"

	"github.com/rpcctl/rpcctl/invoke"
)

// onWire returns the values of a key in the form in which they are sent.
func onWire(key string, values []string) []string {
	if !invoke.IsBinary(strings.ToLower(key)) {
		return values
	}
	encoded := make([]string, len(values))
	for i, v := range values {
		encoded[i] = base64.RawStdEncoding.EncodeToString([]byte(v))
	}
	return encoded
}

// fromWire returns header fields as metadata. Those of a unary response in Connect
// whose names begin with trailer- are its trailers
// (https://connectrpc.com/docs/protocol#unary-response).
func fromWire(fields map[string][]string, prefixed bool) (header, trailer invoke.Metadata) {
	header, trailer = invoke.Metadata{}, invoke.Metadata{}
	for name, values := range fields {
		key, md := strings.ToLower(name), header
		if rest, ok := strings.CutPrefix(key, "trailer-"); ok && prefixed {
			key, md = rest, trailer
		}
		for _, v := range values {
			if !invoke.IsBinary(key) {
				md.Add(key, v)
				continue
			}
			for part := range strings.SplitSeq(v, ",") {
				md.Add(key, decode(strings.TrimSpace(part)))
			}
		}
	}
	return header, trailer
}

// decode returns the bytes of a value in base64, padded or not, and any other value as it is.
func decode(v string) string {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "="))
	if err != nil {
		return v
	}
	return string(b)
}
