package cmd

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

// refused makes the error of a call a *refusedError if it is one.
func (a *app) refused(err error) error {
	var status *invoke.StatusError
	if !errors.As(err, &status) || !problem.Unauthenticated(status.Status) {
		return err
	}
	flag, headers := "--rpc-header", a.globals.headers.rpc
	if errors.As(err, new(*discovery.ReflectionError)) {
		flag, headers = "--reflect-header", a.globals.headers.reflect
	}
	from := a.credentials(flag, headers)
	if len(from) == 0 {
		return err
	}
	return problem.Refused(err, from)
}

// credentials are where those of a call came from: the flags, of which one is for the
// headers of such calls alone, and the context.
func (a *app) credentials(flag string, headers []string) []string {
	g := &a.globals
	var from, ofContext []string
	for _, name := range g.auth.Chosen() {
		if a.context.used[name] {
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
		from = append(from, fmt.Sprintf("the context %s (%s)", a.context.context.Name, strings.Join(ofContext, ", ")))
	}
	return from
}

// credentials are the headers with secrets among those of a flag. Their names are
// added to typed.
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
