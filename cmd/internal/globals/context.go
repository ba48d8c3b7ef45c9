package globals

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/header"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
)

// A chosenContext is the context that a command line uses.
type chosenContext struct {
	context *config.Context // nil: none
	from    string          // what chose it: --context, RPCCTL_CONTEXT, or the path of a file
	used    map[string]bool // the settings that take effect; the others were given otherwise
	headers []config.Setting
}

// Production reports whether the context in use is marked as production.
func (g *Flags) Production() bool {
	return g.chosen.context != nil && g.chosen.context.Get("production") == "true"
}

// CurrentContext reports whether the context in use is the current one of a file, and not one
// that a flag or a variable names.
func (g *Flags) CurrentContext() bool { return filepath.IsAbs(g.chosen.from) }

// ContextStore returns the store of the contexts.
func ContextStore(env *env.Env) (*config.Store, error) {
	dir, err := env.ConfigDir()
	if err != nil {
		return nil, err
	}
	return &config.Store{Dir: dir, WorkDir: env.WorkDir}, nil
}

// LoadContext finds the context to use and sets the flags that were not given.
func (g *Flags) LoadContext(f *pflag.FlagSet) error {
	found, from, err := g.findContext(f)
	if err != nil || found == nil {
		return err
	}
	g.chosen = chosenContext{context: found, from: from, used: map[string]bool{}}
	for _, w := range found.File.Warnings {
		g.env.Say(fmt.Sprintf("%s:%d: %s", found.File.Path, w.Line, w.Text))
	}
	addr := found.Get("addr")
	own := addr != "" && !g.AddressGiven(f)
	if elsewhere := g.env.Getenv("RPCCTL_ADDR"); own && elsewhere != "" && elsewhere != addr {
		g.env.SayOnce(fmt.Sprintf("the target is that of the context %s, not RPCCTL_ADDR", found.Name))
	}
	if !found.File.Trusted {
		if asks := append(found.Asks(own), found.Strays()...); len(asks) > 0 {
			return untrusted(found, asks)
		}
	}
	if !found.File.Trusted && own {
		g.env.SayOnce(fmt.Sprintf("the target %s is named by %s, which is not trusted (rpcctl context trust)",
			invoke.MaskTarget(addr), found.File.Path))
	}
	return g.applyContext(f, found)
}

// findContext returns the context to use, nil for none, and what chose it.
func (g *Flags) findContext(f *pflag.FlagSet) (found *config.Context, from string, err error) {
	name, from := g.ContextName(f)
	if name == "" && from != "" {
		return nil, "", nil // a flag or variable names a target, so no file is read
	}
	store, err := ContextStore(g.env)
	if err != nil && name == "" {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	contexts, err := store.Load()
	if err != nil {
		return nil, "", UsageIfSyntax(err)
	}
	if contexts.PassedOver != nil {
		g.env.SayOnce(contexts.PassedOver.Error())
	}
	if name == "" {
		var file *config.File
		name, file = contexts.Current()
		g.SayOverlooked(contexts, name)
		if name == "" {
			return nil, "", nil
		}
		from = file.Path
	}
	found, err = contexts.Find(name)
	switch {
	case err != nil:
		return nil, "", Clash(err)
	case found == nil:
		return nil, "", UnknownContext(name, from, contexts)
	}
	return found, from, nil
}

// Clash returns the usage error for a name that both the user and a project file use.
func Clash(err error) error {
	return problem.Usage(err, "give one of them another name, or let the project's count: rpcctl context trust")
}

// AddrFirst returns the warning that RPCCTL_ADDR, which people forget, overrides something.
func AddrFirst(before string) string {
	return "RPCCTL_ADDR is set, and comes before " + before + ": unset it, or name a context with --context"
}

// ContextName returns the name of the context that was asked for, and what asked for it. When
// the name is "" and from is not, from is what excludes any context.
func (g *Flags) ContextName(f *pflag.FlagSet) (name, from string) {
	if f.Changed("context") {
		return g.contextFlag, "--context"
	}
	// A variable that was exported long ago must not give its credentials to another target.
	name = g.env.Getenv("RPCCTL_CONTEXT")
	switch {
	case g.AddressGiven(f):
		return "", "--addr"
	case g.env.Getenv("RPCCTL_ADDR") != "":
		if name != "" {
			g.env.SayOnce(AddrFirst("RPCCTL_CONTEXT"))
		}
		return "", "RPCCTL_ADDR"
	case name != "":
		return name, "RPCCTL_CONTEXT"
	}
	return "", ""
}

// AddressGiven reports whether a flag names a target.
func (g *Flags) AddressGiven(f *pflag.FlagSet) bool {
	return flags.Changed(f, "addr") || flags.Changed(f, "unix") || flags.Changed(f, "targets")
}

// SayOverlooked says once that the current context of an untrusted project file is not used.
func (g *Flags) SayOverlooked(c *config.Contexts, current string) {
	if p := c.Project; p != nil && !p.Trusted && p.Current != "" && p.Current != current {
		g.env.SayOnce(fmt.Sprintf("%s is not trusted, so its context %s is not the current one (rpcctl context trust)",
			p.Path, p.Current))
	}
}

// UnknownContext returns the usage error for a name that no context has. from is where it stands.
func UnknownContext(name, from string, c *config.Contexts) error {
	hint := "rpcctl context list shows what there is"
	if near := discovery.Nearest(name, c.Names(), 1); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %s?", near[0])
	}
	return problem.Usage(fmt.Errorf("%s: no context %q", from, name), hint)
}

// untrusted returns the usage error for a context whose file asks for what needs trust.
func untrusted(c *config.Context, asks []config.Setting) error {
	var lines []string
	for _, s := range asks {
		lines = append(lines, fmt.Sprintf("  %s: %s %s", c.Place(s.Line), s.Key, SettingText(s)))
	}
	return problem.Usage(fmt.Errorf("the context %s asks for what a file must be trusted for:\n%s", c.Name,
		strings.Join(lines, "\n")),
		"if you know who wrote the file: rpcctl context trust")
}

// UsageIfSyntax makes a syntax error of a file a usage error.
func UsageIfSyntax(err error) error {
	var syntax *config.SyntaxError
	if errors.As(err, &syntax) {
		return problem.Usage(err, "")
	}
	return err
}

// TLSSettings are the settings, and the flags, that ask for TLS.
var TLSSettings = []string{"tls", "insecure", "cacert", "cert", "servername"}

// overrides are the settings that a flag overrides besides the one of its own name.
var overrides = []struct {
	flags, settings []string
}{
	{[]string{"addr", "unix", "targets"}, []string{"addr"}},
	{[]string{"plaintext"}, TLSSettings},
	{TLSSettings, []string{"plaintext"}},
	{[]string{"bearer-file", "bearer-env", "basic", "netrc", "auth-command"}, []string{"bearer-file", "bearer-env", "basic", "password-file", "password-env", "netrc", "auth-command", "headers.authorization"}},
	{[]string{"password-file", "password-env"}, []string{"password-file", "password-env"}},
	{[]string{"lb", "service-config"}, []string{"lb", "service-config"}},
	{[]string{"plaintext"}, []string{"key"}},
	{[]string{"format"}, []string{"output"}},
}

// applyContext sets the flags that the user did not give to the settings of a context.
func (g *Flags) applyContext(f *pflag.FlagSet, c *config.Context) error {
	overridden := g.Overridden(f)
	for _, s := range c.Settings {
		name, isHeader := strings.CutPrefix(s.Key, "headers.")
		switch {
		case overridden[s.Key]:
			continue
		case isHeader:
			s.Key, s.Values = name, c.Resolve(s)
			g.chosen.headers = append(g.chosen.headers, s)
			g.chosen.used["headers."+name] = true
			continue
		}
		g.chosen.used[s.Key] = true
		if f.Lookup(s.Key) == nil {
			continue // a flag of another command
		}
		for _, v := range c.Resolve(s) {
			if err := f.Set(s.Key, v); err != nil {
				if cause := errors.Unwrap(err); cause != nil {
					err = cause // without the name of the flag, which nobody typed
				}
				return problem.Usage(fmt.Errorf("%s: %s: %w", c.Place(s.Line), s.Key, err), "")
			}
		}
	}
	g.headers.context = g.chosen.headers
	if g.chosen.used["auth-command"] {
		env := *g.env
		env.ProgramDir = filepath.Dir(c.File.Path)
		g.env = &env
	}
	// The shell tells connections apart by their flags, and so by the context too.
	return errors.Join(f.Set("context", c.Name), f.Set(contextState, c.State()))
}

// contextState is the name of a hidden flag that holds the state of the context in use.
const contextState = "context-state"

// Overridden returns the settings that the command line has set otherwise.
func (g *Flags) Overridden(f *pflag.FlagSet) map[string]bool {
	given := map[string]bool{}
	for _, k := range config.Keys() {
		given[k.Name] = flags.Changed(f, k.Name)
	}
	for _, r := range overrides {
		if slices.ContainsFunc(r.flags, func(name string) bool { return flags.Changed(f, name) }) {
			for _, s := range r.settings {
				given[s] = true
			}
		}
	}
	for _, text := range slices.Concat(g.headers.both, g.headers.rpc) {
		if name, _, err := header.Parse(text); err == nil && name == "authorization" {
			for _, s := range overrides[3].settings {
				given[s] = true
			}
		}
	}
	return given
}

// SettingText returns a setting for people. A reference stays a reference.
func SettingText(s config.Setting) string {
	text := strings.Join(s.Values, ", ")
	if s.Ref != config.Literal {
		return fmt.Sprintf("{%s: %s}", s.Ref, text)
	}
	return text
}
