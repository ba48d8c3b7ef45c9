package cmd

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/invoke"
)

// headerFlags are the flags that give request metadata.
type headerFlags struct {
	both         []string // for reflection and for the call
	rpc, reflect []string
	expand       bool // ${NAME} in values
}

// metadata reads headers as given on the command line.
func (h *headerFlags) metadata(env *Env, headers []string) (invoke.Metadata, error) {
	md := invoke.Metadata{}
	for _, text := range headers {
		name, value, err := parseHeader(text)
		if err != nil {
			return nil, err
		}
		if h.expand {
			if value, err = expand(env, name, value); err != nil {
				return nil, err
			}
		}
		if invoke.IsBinary(name) {
			if value, err = decodeBinary(name, value); err != nil {
				return nil, err
			}
		}
		if !invoke.IsBinary(name) && !printable(value) {
			return nil, usage(fmt.Errorf("header %q: the value has characters that are not printable ASCII", name),
				fmt.Sprintf("send bytes as base64 under a name that ends in -bin: %s-bin", name))
		}
		md.Add(name, value)
	}
	return md, nil
}

// reserved are the names that the protocol itself sets, with how to set them.
var reserved = map[string]string{
	"content-type": "the wire sets it",
	"te":           "the wire sets it",
	"user-agent":   "the wire sets it",
	"host":         "use --authority",
	"connection":   "HTTP/2 has no such field",
	"grpc-timeout": "use --timeout",
}

// parseHeader reads 'name: value', or name=value. Its errors never show the
// value, which may be a secret.
func parseHeader(text string) (name, value string, err error) {
	i := strings.IndexAny(text, ":=")
	if i <= 0 {
		return "", "", usage(errors.New("a header is written 'name: value'"), "")
	}
	name = strings.ToLower(strings.TrimSpace(text[:i]))
	value = strings.TrimLeft(text[i+1:], " \t")
	if !validName(name) {
		return "", "", usage(fmt.Errorf("header %q: not a name: letters, digits, '-', '_' and '.' only", name), "a header is written 'name: value'")
	}
	if why, ok := reserved[name]; ok {
		return "", "", usage(fmt.Errorf("header %q cannot be set: %s", name, why), "")
	}
	if strings.HasPrefix(name, "grpc-") {
		return "", "", usage(fmt.Errorf("header %q cannot be set: names that begin with grpc- belong to the protocol", name), "")
	}
	return name, value, nil
}

// validName tells whether gRPC takes a name for metadata
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Header-Name).
func validName(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return name != ""
}

// printable tells whether gRPC takes a value for metadata (ASCII-Value there).
func printable(value string) bool {
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// expand replaces each ${NAME} by the environment variable. A name that is not
// set is an error.
func expand(env *Env, header, value string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", usage(fmt.Errorf("header %q: ${ without }", header), "")
		}
		v, ok := env.LookupEnv(name)
		if !ok {
			return "", usage(fmt.Errorf("header %q: the environment has no variable %q", header, name), "")
		}
		b.WriteString(v)
		value = after
	}
}

// decodeBinary reads the base64 of a header whose name ends in -bin, padded or
// not.
func decodeBinary(name, value string) (string, error) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	if err != nil {
		return "", usage(fmt.Errorf("header %q: the value is not base64", name), "names that end in -bin carry bytes: give their base64")
	}
	return string(b), nil
}
