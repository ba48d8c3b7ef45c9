// Package header reads headers as people write them on a command line or in a file.
package header

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/credential"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// ReadFile returns the headers in a file, one from each line. Empty lines and those that
// begin with # are skipped. Its errors show nothing of the file, which may be any file.
func ReadFile(ctx context.Context, path string) ([]string, error) {
	if path == "" || path == "-" {
		return nil, problem.Usage(errors.New("a file of headers is @FILE; standard input is for messages"), "")
	}
	text, err := credential.ReadFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("reading headers: %w", err)
	}
	var lines []string
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if i := strings.IndexAny(line, ":="); i < 0 || !invoke.ValidKey(Name(line[:i])) {
			return nil, problem.Usage(fmt.Errorf("%s:%d: this is not a header", path, number),
				"a header is written 'name: value'")
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// reserved maps the names that the protocol itself sets to what to do instead.
var reserved = map[string]string{
	"content-type":      "the protocol sets it",
	"content-length":    "the protocol sets it",
	"te":                "the protocol sets it",
	"user-agent":        "the protocol sets it",
	"host":              "use --authority",
	"connection":        "HTTP/2 has no such field", // RFC 9113, section 8.2.2, as those below
	"keep-alive":        "HTTP/2 has no such field",
	"proxy-connection":  "HTTP/2 has no such field",
	"transfer-encoding": "HTTP/2 has no such field",
	"upgrade":           "HTTP/2 has no such field",
	"grpc-timeout":      "use --timeout",
}

// Parse parses 'name: value', or name=value. The name is in lower case. Its errors never
// show the value, which may be a secret.
func Parse(text string) (name, value string, err error) {
	i := strings.IndexAny(text, ":=")
	if i == 0 {
		return "", "", problem.Usage(errors.New("header with no name"), "a header is written 'name: value'")
	}
	if i < 0 {
		return "", "", problem.Usage(fmt.Errorf("header %s: no value", quotedName(text)),
			"a header is written 'name: value'")
	}
	name = Name(text[:i])
	value = strings.TrimLeft(text[i+1:], " \t")
	if !invoke.ValidKey(name) {
		return "", "", problem.Usage(fmt.Errorf("header %s: not a name: letters, digits, '-', '_' and '.' only",
			quotedName(name)), "a header is written 'name: value'")
	}
	if why, ok := reserved[name]; ok {
		return "", "", problem.Usage(fmt.Errorf("header %q cannot be set: %s", name, why), "")
	}
	if strings.HasPrefix(name, "grpc-") {
		return "", "", problem.Usage(
			fmt.Errorf("header %q cannot be set: names that begin with grpc- belong to the protocol", name), "")
	}
	return name, value, nil
}

// Name returns the name of a header as it is sent, in lower case.
func Name(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// quotedName returns the name of a header for a message, masked when it does not look like
// one: it may be a secret that was given without a name.
func quotedName(text string) string {
	const longest = 40
	if len(text) > longest || strings.ContainsAny(text, "0123456789 :=") {
		return secret.Mask
	}
	return strconv.Quote(text)
}

// Expand replaces each ${NAME} in a value by the environment variable. A variable that is
// not set is an error.
func Expand(env *env.Env, header, value string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", problem.Usage(fmt.Errorf("header %q: ${ without }", header), "")
		}
		v, ok := env.LookupEnv(name)
		if !ok {
			return "", problem.Usage(fmt.Errorf("header %q: the environment has no variable %q", header, name), "")
		}
		b.WriteString(v)
		value = after
	}
}

// DecodeBinary decodes the base64, padded or not, of a header whose name ends in -bin.
func DecodeBinary(name, value string) (string, error) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	if err != nil {
		return "", problem.Usage(fmt.Errorf("header %q: the value is not base64", name),
			"names that end in -bin carry bytes: give their base64")
	}
	return string(b), nil
}
