package cmd

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/credential"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// headerFlags are the flags that give request metadata.
type headerFlags struct {
	both         []string // for reflection and for the call
	rpc, reflect []string
	expand       bool // ${NAME} in values

	context       []config.Setting    // of the context in force; headers of the same name put them out of force
	skipContext   bool                // its secrets are for another target than the one that is called
	authorization string              // session.Later when a flag says who calls; "": none does
	files         map[string][]string // headers of the files that were read: a pipe is read once
	secrets       map[string]struct{} // names whose values came from a file or the environment
}

// metadata reads headers as given on the command line, and adds who calls.
func (h *headerFlags) metadata(ctx context.Context, env *env.Env, headers []string) (invoke.Metadata, error) {
	md := invoke.Metadata{}
	for _, text := range headers {
		lines := []string{text}
		path, isFile := strings.CutPrefix(text, "@")
		if isFile {
			var err error
			if lines, err = h.file(ctx, path); err != nil {
				return nil, err
			}
		}
		for _, line := range lines {
			if err := h.add(md, env, line, isFile); err != nil {
				return nil, err
			}
		}
	}
	if err := h.addContext(md, env); err != nil {
		return nil, err
	}
	if h.authorization != "" {
		if _, given := md["authorization"]; given {
			return nil, problem.Usage(errors.New("a header authorization and a flag both say who calls"), "")
		}
		md.Add("authorization", h.authorization)
	}
	return md, nil
}

// file returns the headers in a file, which is read once.
func (h *headerFlags) file(ctx context.Context, path string) ([]string, error) {
	lines, ok := h.files[path]
	if ok {
		return lines, nil
	}
	lines, err := headerFile(ctx, path)
	if err != nil {
		return nil, err
	}
	if h.files == nil {
		h.files = map[string][]string{}
	}
	h.files[path] = lines
	return lines, nil
}

// add reads one header. Its value is a secret when it came from a file, or from the
// environment.
func (h *headerFlags) add(md invoke.Metadata, env *env.Env, text string, fromOutside bool) error {
	name, value, err := parseHeader(text)
	if err != nil {
		return err
	}
	if h.expand {
		fromOutside = fromOutside || strings.Contains(value, "${")
		if value, err = expand(env, name, value); err != nil {
			return err
		}
	}
	if invoke.IsBinary(name) {
		if value, err = decodeBinary(name, value); err != nil {
			return err
		}
	}
	if !invoke.IsBinary(name) && !invoke.ValidText(value) {
		return problem.Usage(fmt.Errorf("header %q: the value has characters that are not printable ASCII", name),
			fmt.Sprintf("send bytes as base64 under a name that ends in -bin: %s-bin", name))
	}
	if fromOutside {
		h.hide(name)
	}
	if secret.Request(name, value) || fromOutside && telling(value) {
		env.Secrets.Add(value)
	}
	md.Add(name, value)
	return nil
}

// addContext adds the headers of the context that were not given otherwise. Of secret
// ones the value is session.Later, which each target has its own of.
func (h *headerFlags) addContext(md invoke.Metadata, env *env.Env) error {
	for _, s := range h.context {
		if _, given := md[s.Key]; given || s.Key == "authorization" && h.authorization != "" {
			continue
		}
		if !secretSetting(s) {
			// Read as one that was typed, but for ${NAME}, which is not for files.
			plain := headerFlags{}
			if err := plain.add(md, env, s.Key+": "+s.Values[0], false); err != nil {
				return err
			}
			continue
		}
		if h.skipContext {
			continue
		}
		h.hide(s.Key)
		md[s.Key] = []string{session.Later}
	}
	return nil
}

// contextSecrets returns the values of the secret headers of the context.
func (h *headerFlags) contextSecrets(ctx context.Context, env *env.Env) (map[string]string, error) {
	own := map[string]string{}
	for _, s := range h.context {
		if !secretSetting(s) {
			continue
		}
		value := s.Values[0]
		switch s.Ref {
		case config.Env:
			v, ok := env.LookupEnv(value)
			if !ok {
				return nil, problem.Usage(fmt.Errorf("header %q of the context: the environment has no variable %q", s.Key, value), "")
			}
			value = v
		case config.InFile:
			v, err := credential.ReadFile(ctx, value)
			if err != nil {
				return nil, fmt.Errorf("header %q of the context: %w", s.Key, err)
			}
			value = v
		}
		added := invoke.Metadata{}
		if err := new(headerFlags).add(added, env, s.Key+": "+value, true); err != nil {
			return nil, err
		}
		own[s.Key] = added.Get(s.Key)
	}
	return own, nil
}

// telling reports whether a value that may be secret is one that no other text has in
// it by chance: not a name or a word, which would be masked all over.
func telling(value string) bool {
	return len(value) >= 20 || len(value) >= 8 && strings.ContainsAny(value, "0123456789")
}

// hide has the values of a header taken for secrets, whatever its name.
func (h *headerFlags) hide(name string) {
	if h.secrets == nil {
		h.secrets = map[string]struct{}{}
	}
	h.secrets[name] = struct{}{}
}

// secret reports whether a request header, of a lower-case name, is a credential that
// is neither shown nor sent everywhere.
func (h *headerFlags) secret(name, value string) bool {
	return h.hidden(name) || secret.Request(name, value)
}

// hidden reports whether the values of a header came from a file or the environment,
// which makes them secrets.
func (h *headerFlags) hidden(name string) bool {
	_, ours := h.secrets[name]
	return ours
}

// headerFile reads the headers in a file: one a line, without empty lines and
// those that begin with #. Its errors show nothing of the file, which may be any.
func headerFile(ctx context.Context, path string) ([]string, error) {
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
		if i := strings.IndexAny(line, ":="); i < 0 || !invoke.ValidKey(headerName(line[:i])) {
			return nil, problem.Usage(fmt.Errorf("%s:%d: this is not a header", path, number), "a header is written 'name: value'")
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// reserved are the names that the protocol itself sets, with how to set them.
var reserved = map[string]string{
	"content-type":      "the wire sets it",
	"content-length":    "the wire sets it",
	"te":                "the wire sets it",
	"user-agent":        "the wire sets it",
	"host":              "use --authority",
	"connection":        "HTTP/2 has no such field", // RFC 9113, section 8.2.2, as those below
	"keep-alive":        "HTTP/2 has no such field",
	"proxy-connection":  "HTTP/2 has no such field",
	"transfer-encoding": "HTTP/2 has no such field",
	"upgrade":           "HTTP/2 has no such field",
	"grpc-timeout":      "use --timeout",
}

// parseHeader reads 'name: value', or name=value. Its errors never show the
// value, which may be a secret.
func parseHeader(text string) (name, value string, err error) {
	i := strings.IndexAny(text, ":=")
	if i == 0 {
		return "", "", problem.Usage(errors.New("header with no name"), "a header is written 'name: value'")
	}
	if i < 0 {
		return "", "", problem.Usage(fmt.Errorf("header %s: no value", nameOnly(text)), "a header is written 'name: value'")
	}
	name = headerName(text[:i])
	value = strings.TrimLeft(text[i+1:], " \t")
	if !invoke.ValidKey(name) {
		return "", "", problem.Usage(fmt.Errorf("header %s: not a name: letters, digits, '-', '_' and '.' only", nameOnly(name)), "a header is written 'name: value'")
	}
	if why, ok := reserved[name]; ok {
		return "", "", problem.Usage(fmt.Errorf("header %q cannot be set: %s", name, why), "")
	}
	if strings.HasPrefix(name, "grpc-") {
		return "", "", problem.Usage(fmt.Errorf("header %q cannot be set: names that begin with grpc- belong to the protocol", name), "")
	}
	return name, value, nil
}

// headerName is the name of a header as it is sent.
func headerName(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// nameOnly is what stands for the name of a header, for a message. What does not look like
// one may be a secret that was given without a name.
func nameOnly(text string) string {
	const longest = 40
	if len(text) > longest || strings.ContainsAny(text, "0123456789 :=") {
		return secret.Mask
	}
	return strconv.Quote(text)
}

// expand replaces each ${NAME} by the environment variable. A name that is not
// set is an error.
func expand(env *env.Env, header, value string) (string, error) {
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

// decodeBinary reads the base64 of a header whose name ends in -bin, padded or
// not.
func decodeBinary(name, value string) (string, error) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	if err != nil {
		return "", problem.Usage(fmt.Errorf("header %q: the value is not base64", name), "names that end in -bin carry bytes: give their base64")
	}
	return string(b), nil
}
