package globals

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/credential"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/header"
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

	context       []config.Setting    // of the context in use; a header of the same name overrides one
	skipContext   bool                // the context's secrets are for another target than this one
	authorization string              // session.Later when a flag says who calls; else ""
	files         map[string][]string // headers in the files read so far: a pipe can be read only once
	secrets       map[string]struct{} // names whose values came from a file or the environment
}

func newHeaderFlags() headerFlags {
	return headerFlags{files: map[string][]string{}, secrets: map[string]struct{}{}}
}

// CheckHeader returns what is wrong with a header as -H has it. A file that it names is read until
// ctx is done.
func CheckHeader(ctx context.Context, env *env.Env, text string) error {
	h := newHeaderFlags()
	_, err := h.metadata(ctx, env, []string{text})
	return err
}

// metadata returns request metadata from headers as given on the command line, with those of
// the context and with who calls.
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

// file returns the headers in a file, and reads it once.
func (h *headerFlags) file(ctx context.Context, path string) ([]string, error) {
	lines, ok := h.files[path]
	if ok {
		return lines, nil
	}
	lines, err := header.ReadFile(ctx, path)
	if err != nil {
		return nil, err
	}
	h.files[path] = lines
	return lines, nil
}

// add parses one header into metadata. Its value is a secret when it came from outside: from a
// file, or from the environment.
func (h *headerFlags) add(md invoke.Metadata, env *env.Env, text string, fromOutside bool) error {
	name, value, err := header.Parse(text)
	if err != nil {
		return err
	}
	if h.expand {
		fromOutside = fromOutside || strings.Contains(value, "${")
		if value, err = header.Expand(env, name, value); err != nil {
			return err
		}
	}
	if invoke.IsBinary(name) {
		if value, err = header.DecodeBinary(name, value); err != nil {
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

// addContext adds the headers of the context that were not given otherwise. The value of a
// secret one is session.Later: each target gets its own.
func (h *headerFlags) addContext(md invoke.Metadata, env *env.Env) error {
	for _, s := range h.context {
		if _, given := md[s.Key]; given || s.Key == "authorization" && h.authorization != "" {
			continue
		}
		if !secretSetting(s) {
			// It is parsed like a header that was typed, except that ${NAME} is not expanded
			// in files.
			plain := newHeaderFlags()
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

// contextSecrets returns the values of the secret headers of the context, by name.
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
				return nil, problem.Usage(fmt.Errorf("header %q of the context: the environment has no variable %q",
					s.Key, value), "")
			}
			value = v
		case config.InFile:
			v, err := credential.ReadFile(ctx, value)
			if err != nil {
				return nil, fmt.Errorf("header %q of the context: %w", s.Key, err)
			}
			value = v
		}
		added, alone := invoke.Metadata{}, newHeaderFlags()
		if err := alone.add(added, env, s.Key+": "+value, true); err != nil {
			return nil, err
		}
		own[s.Key] = added.Get(s.Key)
	}
	return own, nil
}

// telling reports whether a value is so long that no other text contains it by chance. A short
// word would be masked everywhere.
func telling(value string) bool {
	return len(value) >= 20 || len(value) >= 8 && strings.ContainsAny(value, "0123456789")
}

// hide makes the values of a header secrets, whatever its name.
func (h *headerFlags) hide(name string) {
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
