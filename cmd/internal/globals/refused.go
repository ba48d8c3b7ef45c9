package globals

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/header"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// Refused adds to the error of a call that the server refused as unauthenticated which
// credentials it carried. It returns other errors as they are.
func (g *Flags) Refused(err error) error {
	var status *invoke.StatusError
	if !errors.As(err, &status) || !problem.Unauthenticated(status.Status) {
		return err
	}
	flag, headers := "--rpc-header", g.headers.rpc
	if errors.As(err, new(*discovery.ReflectionError)) {
		flag, headers = "--reflect-header", g.headers.reflect
	}
	from := g.credentials(flag, headers)
	if len(from) == 0 {
		return err
	}
	return problem.Refused(err, from)
}

// credentials returns where the credentials of a call came from: the flags and the context.
// flag is the flag for headers of this kind of call, and headers its values.
func (g *Flags) credentials(flag string, headers []string) []string {
	var from, ofContext []string
	for _, name := range g.auth.Chosen() {
		if g.chosen.used[name] {
			ofContext = append(ofContext, name)
		} else {
			from = append(from, "--"+name)
		}
	}
	typed := map[string]bool{"authorization": g.headers.authorization != ""}
	from = append(from, g.headers.credentials("-H", g.headers.both, typed)...)
	from = append(from, g.headers.credentials(flag, headers, typed)...)
	for _, s := range g.headers.context {
		if secret.Name(s.Key) && !typed[s.Key] {
			ofContext = append(ofContext, "headers."+s.Key)
		}
	}
	if len(ofContext) > 0 {
		from = append(from, fmt.Sprintf("the context %s (%s)", g.chosen.context.Name, strings.Join(ofContext, ", ")))
	}
	return from
}

// credentials returns the sources of the secret headers among the values of a flag, and adds
// their names to typed.
func (h *headerFlags) credentials(flag string, headers []string, typed map[string]bool) []string {
	var from []string
	for _, text := range headers {
		lines, where := []string{text}, ""
		if path, isFile := strings.CutPrefix(text, "@"); isFile {
			lines, where = h.files[path], text // it was read for the call
		}
		for _, line := range lines {
			name, value, err := header.Parse(line)
			if err != nil || !secret.Request(name, value) {
				continue
			}
			typed[name] = true
			source := flag + " " + name
			if where != "" {
				source = name + " in " + flag + " " + where
			}
			if !slices.Contains(from, source) {
				from = append(from, source)
			}
		}
	}
	return from
}
