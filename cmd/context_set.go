package cmd

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/credential"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

func newContextSet(a *app.App) *cobra.Command {
	o := &contextOptions{}
	c := &cobra.Command{
		Use:   "set NAME KEY=VALUE...",
		Short: "Make or change a context",
		Long: `Make a context or change its settings; KEY= removes one.

  rpcctl context set dev addr=localhost:50051
  rpcctl context set prod addr=shop.example.com:443 auth-command='gcloud auth print-access-token' production=true
  rpcctl context set dev headers.x-tenant=acme headers.x-api-key.env=API_KEY
  rpcctl context set dev proto=shop.proto,order.proto timeout=

` + keyList(),
		Args: usage.Words(2, -1),
		RunE: func(c *cobra.Command, args []string) error { return contextSet(a, c, o, args[0], args[1:]) },
	}
	c.Flags().BoolVar(&o.project, "project", false, "in the project's file .rpcctl.yaml instead of the user's")
	return c
}

// keyList is the settings, for people.
func keyList() string {
	var b strings.Builder
	b.WriteString("Settings:\n")
	for _, k := range config.Keys() {
		fmt.Fprintf(&b, "  %-22s %s\n", k.Name, k.Help)
	}
	return strings.TrimRight(b.String(), "\n")
}

func contextSet(a *app.App, c *cobra.Command, o *contextOptions, name string, args []string) error {
	if !config.ValidName(name) {
		return problem.Usage(fmt.Errorf("%q is not a name for a context", name), "letters, digits and - _ . @")
	}
	var edits []config.Edit
	for _, arg := range args {
		e, err := contextEdits(a, name, arg, o.project)
		if err != nil {
			return err
		}
		edits = append(edits, e...)
	}
	store, err := globals.ContextStore(a.Env)
	if err != nil {
		return err
	}
	return globals.UsageIfSyntax(store.Change(c.Context(), o.project,
		func(all *config.Contexts) ([]config.Edit, error) {
			f := all.User
			if o.project {
				f = all.Project
			}
			return edits, consistent(f.Context(name), edits)
		}))
}

// consistent refuses edits that leave a context with two settings that exclude each other: no
// call could be made with it.
func consistent(x *config.Context, edits []config.Edit) error {
	callers := kept(x, edits, append([]string{"headers.authorization"}, credential.Names...))
	if len(callers) > 1 {
		return excluding(callers[0], callers[1], "would both say who calls")
	}
	plaintext := kept(x, edits, []string{"plaintext"})
	if tls := kept(x, edits, globals.TLSSettings); len(plaintext) > 0 && len(tls) > 0 {
		return excluding("plaintext", tls[0], "contradict each other")
	}
	return nil
}

func excluding(one, other, why string) error {
	return problem.Usage(fmt.Errorf("%s and %s %s", one, other, why), one+"= or "+other+"= removes one")
}

// kept returns those of the settings that a context has after edits, without the switches that
// are off.
func kept(x *config.Context, edits []config.Edit, keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		k, _ := config.FindKey(key)
		on := func(values []string) bool {
			return len(values) > 0 && (k.Kind != config.Switch || values[0] == "true")
		}
		has := x != nil &&
			slices.ContainsFunc(x.Settings, func(s config.Setting) bool { return s.Key == key && on(s.Values) })
		for _, e := range edits {
			if at := strings.Join(e.Path[2:], "."); at == key || strings.HasPrefix(at, key+".") {
				has = on(e.Values)
			}
		}
		return !has
	})
}

// contextEdits reads KEY=VALUE.
func contextEdits(a *app.App, name, arg string, project bool) ([]config.Edit, error) {
	key, value, ok := strings.Cut(arg, "=")
	if !ok {
		return nil, problem.Usage(fmt.Errorf("%q: a setting is KEY=VALUE", arg), "")
	}
	path := []string{"contexts", name}
	if header, is := strings.CutPrefix(key, "headers."); is {
		return headerEdits(path, header, value)
	}
	k, known := config.FindKey(key)
	switch {
	case k.Kind == config.Headers:
		return nil, problem.Usage(fmt.Errorf("%q: no such setting", key), "a header is headers.NAME=VALUE")
	case !known:
		return nil, unknownSetting(key)
	}
	e := config.Edit{Path: append(path, key), List: k.Kind == config.Paths}
	if value == "" {
		return []config.Edit{e}, nil
	}
	if key == "auth-command" {
		if err := program.MayStart(a.Env, key, ""); err != nil { // whoever opens the folder next would run it
			return nil, err
		}
	}
	e.Values = []string{value}
	if e.List {
		e.Values = strings.Split(value, ",")
	}
	e.Plain = k.Kind == config.Switch || k.Kind == config.Number
	isPath := k.Kind == config.Path || k.Kind == config.Paths
	if isPath && strings.Contains(value, "://") {
		return nil, problem.Usage(fmt.Errorf("%s: a context names files, not what is elsewhere", key),
			"fetch it, and give the file")
	}
	if !project { // the file is elsewhere: a path from the working folder would mean another
		e.Values = fromAnywhere(a, key, isPath, e.Values)
	}
	return []config.Edit{e}, checkValue(a, k, value)
}

// fromAnywhere returns the values of a setting as they mean the same from any folder.
func fromAnywhere(a *app.App, key string, isPath bool, values []string) []string {
	if key == "auth-command" {
		return []string{absoluteProgram(a, values[0])}
	}
	if !isPath {
		return values
	}
	for i, v := range values {
		if key != "proto" || fileExists(filepath.Join(a.Env.WorkDir, v)) {
			values[i] = absolute(a.Env.WorkDir, v)
		}
	}
	return values
}

// unknownSetting is the usage error for a key that no setting has.
func unknownSetting(key string) error {
	var names []string
	for _, k := range config.Keys() {
		names = append(names, k.Name)
	}
	hint := "rpcctl context set --help lists the settings"
	if near := discovery.Nearest(key, names, 1); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %s?", near[0])
	}
	return problem.Usage(fmt.Errorf("%q: no such setting", key), hint)
}

// absoluteProgram replaces a program that is named relative to the working folder by its
// absolute path, since the user's contexts run it from any folder.
func absoluteProgram(a *app.App, command string) string {
	program, rest, _ := strings.Cut(command, " ")
	if !strings.ContainsAny(program, `/\`) || strings.ContainsAny(program, "\"'$`~|&;<>()*?") ||
		!fileExists(absolute(a.Env.WorkDir, program)) {
		return command
	}
	path := absolute(a.Env.WorkDir, program)
	if strings.ContainsAny(path, " \t\"'$`~|&;<>()*?") {
		return command
	}
	return strings.TrimRight(path+" "+rest, " ")
}

// headerEdits reads headers.NAME=VALUE, .NAME.env=VARIABLE and .NAME.file=PATH.
func headerEdits(path []string, name, value string) ([]config.Edit, error) {
	ref := ""
	for _, r := range []config.Ref{config.Env, config.InFile} {
		if n, ok := strings.CutSuffix(name, "."+string(r)); ok && n != "" {
			name, ref = n, string(r)
		}
	}
	name = strings.ToLower(name)
	if !invoke.ValidKey(name) {
		return nil, problem.Usage(fmt.Errorf("headers.%s: not the name of a header", name), "")
	}
	at := append(path, "headers", name)
	remove := config.Edit{Path: at}
	switch {
	case value == "":
		return []config.Edit{remove}, nil
	case ref != "":
		// The old value may be a text, or a reference of the other kind.
		return []config.Edit{remove, {Path: append(slices.Clone(at), ref), Values: []string{value}}}, nil
	case secret.Request(name, value):
		return nil, problem.Usage(fmt.Errorf("headers.%s: a secret is not kept, only where it is", name),
			fmt.Sprintf("headers.%s.env=VARIABLE or headers.%s.file=PATH", name, name))
	}
	return []config.Edit{remove, {Path: at, Values: []string{value}}}, nil
}

// checkValue parses a value with the flag of its setting, so that a context is never saved
// with a value that cannot be used.
func checkValue(a *app.App, k config.Key, value string) error {
	g, f, err := globals.Parse(a.Env, app.UserAgent(), nil)
	if err != nil {
		return err
	}
	(&callOptions{}).add(f)
	if k.Kind == config.Switch && value != "true" && value != "false" {
		return problem.Usage(fmt.Errorf("%s: %q is not true or false", k.Name, value), "")
	}
	flag := f.Lookup(k.Name)
	if flag == nil {
		return nil
	}
	if err := flag.Value.Set(value); err != nil {
		return problem.Usage(fmt.Errorf("%s: %w", k.Name, usage.PlainValue(err)), "")
	}
	if strings.HasSuffix(k.Name, "-env") && !credential.IsVariable(value) {
		return problem.Usage(credential.NotVariable(k.Name), "give the name, and keep the secret in the variable")
	}
	if k.Name == "output" {
		if _, err := formatters.ParseFormat(value); err != nil {
			return problem.Usage(fmt.Errorf("output: %w", err), "")
		}
	}
	if k.Name == "addr" {
		if _, err := g.Target(); err != nil {
			return err
		}
	}
	return nil
}
