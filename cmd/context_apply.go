package cmd

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/header"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// inForce is the context that a command line uses.
type inForce struct {
	context *config.Context // nil: none
	from    string          // what chose it: --context, RPCCTL_CONTEXT, or a file
	used    map[string]bool // the settings that count; the others were given otherwise
	headers []config.Setting
}

// production tells whether care is due.
func (i *inForce) production() bool {
	return i.context != nil && i.context.Get("production") == "true"
}

// store is where contexts are.
func contextStore(env *env.Env) (*config.Store, error) {
	dir, err := env.ConfigDir()
	if err != nil {
		return nil, err
	}
	return &config.Store{Dir: dir, Work: env.WorkDir}, nil
}

// withoutContext are the commands that never look at contexts. The shell's lines do,
// each for itself.
var withoutContext = []string{"version", "help", "demo", "completion", "context", "cache", "shell", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}

// useContext puts the settings of the context in force in the place of the flags
// that were not given. It is run before every command.
func (a *app) useContext(c *cobra.Command, args []string) error {
	if c.Parent() == nil {
		return nil // it prints help
	}
	for p := c; p != nil; p = p.Parent() {
		if slices.Contains(withoutContext, p.Name()) {
			return nil
		}
	}
	if c.Name() == "diagnose" && len(args) == 1 {
		if a.addressGiven(c.Flags()) {
			return problem.Usage(fmt.Errorf("%s and --addr both name a target", args[0]), "")
		}
		if err := c.Flags().Set("addr", args[0]); err != nil {
			return err
		}
	}
	return a.loadContext(c.Flags())
}

// loadContext finds the context in force and applies it.
func (a *app) loadContext(f *pflag.FlagSet) error {
	name, from := a.contextName(f)
	if name == "" && from != "" {
		return nil // what was said outright needs no file
	}
	store, err := contextStore(a.env)
	if err != nil {
		if name != "" {
			return err
		}
		return nil
	}
	contexts, err := store.Load()
	if err != nil {
		return usageIfSyntax(err)
	}
	if contexts.PassedOver != nil {
		a.env.SayOnce(contexts.PassedOver.Error())
	}
	if name == "" {
		var file *config.File
		name, file = contexts.Current()
		a.sayOverlooked(contexts, name)
		if name == "" {
			return nil
		}
		from = file.Path
	}
	found, err := contexts.Find(name)
	if err != nil {
		return clash(err)
	}
	if found == nil {
		return unknownContext(name, from, contexts)
	}
	a.context = inForce{context: found, from: from, used: map[string]bool{}}
	for _, w := range found.File.Warnings {
		a.env.Say(fmt.Sprintf("%s:%d: %s", found.File.Path, w.Line, w.Text))
	}
	addr := found.Get("addr")
	own := addr != "" && !a.addressGiven(f)
	if elsewhere := a.env.Getenv("RPCCTL_ADDR"); own && elsewhere != "" && elsewhere != addr {
		a.env.SayOnce(fmt.Sprintf("the target is that of the context %s, not RPCCTL_ADDR", found.Name))
	}
	if !found.File.Trusted {
		if asks := append(found.Asks(own), found.Strays()...); len(asks) > 0 {
			return untrusted(found, asks)
		}
	}
	if !found.File.Trusted && own {
		a.env.SayOnce(fmt.Sprintf("the target %s is named by %s, which is not trusted (rpcctl context trust)", invoke.MaskTarget(addr), found.File.Path))
	}
	return a.applyContext(f, found)
}

// clash is the error for a name that stands for the user's context, or for a stranger's.
func clash(err error) error {
	return problem.Usage(err, "give one of them another name, or let the project's count: rpcctl context trust")
}

// addrFirst warns of a variable that people forget, and of what it comes before.
func addrFirst(before string) string {
	return "RPCCTL_ADDR is set, and comes before " + before + ": unset it, or name a context with --context"
}

// contextName returns the context that was named, and what named it. With a name of "", from is
// what said that there be none.
func (a *app) contextName(f *pflag.FlagSet) (name, from string) {
	if f.Changed("context") {
		return a.globals.context, "--context"
	}
	// What was exported long ago does not lend its credentials to another target.
	name = a.env.Getenv("RPCCTL_CONTEXT")
	switch {
	case a.addressGiven(f):
		return "", "--addr"
	case a.env.Getenv("RPCCTL_ADDR") != "":
		if name != "" {
			a.env.SayOnce(addrFirst("RPCCTL_CONTEXT"))
		}
		return "", "RPCCTL_ADDR"
	case name != "":
		return name, "RPCCTL_CONTEXT"
	}
	return "", ""
}

func (a *app) addressGiven(f *pflag.FlagSet) bool {
	return flags.Changed(f, "addr") || flags.Changed(f, "unix") || flags.Changed(f, "targets")
}

// sayOverlooked tells that a project names another context, and why it does not count.
func (a *app) sayOverlooked(c *config.Contexts, current string) {
	if p := c.Project; p != nil && !p.Trusted && p.Current != "" && p.Current != current {
		a.env.SayOnce(fmt.Sprintf("%s is not trusted, so its context %s is not the current one (rpcctl context trust)", p.Path, p.Current))
	}
}

func unknownContext(name, from string, c *config.Contexts) error {
	hint := "rpcctl context list shows what there is"
	if near := discovery.Nearest(name, c.Names(), 1); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %s?", near[0])
	}
	return problem.Usage(fmt.Errorf("%s: no context %q", from, name), hint)
}

// untrusted is the error for a project file that asks for what it must not have yet.
func untrusted(c *config.Context, asks []config.Setting) error {
	var lines []string
	for _, s := range asks {
		lines = append(lines, fmt.Sprintf("  %s: %s %s", c.Place(s.Line), s.Key, settingText(s)))
	}
	return problem.Usage(fmt.Errorf("the context %s asks for what a file must be trusted for:\n%s", c.Name, strings.Join(lines, "\n")),
		"if you know who wrote the file: rpcctl context trust")
}

// usageIfSyntax makes a file that cannot be read an error of usage.
func usageIfSyntax(err error) error {
	var syntax *config.SyntaxError
	if errors.As(err, &syntax) {
		return problem.Usage(err, "")
	}
	return err
}

// tlsSettings are the settings, and the flags, that ask for TLS.
var tlsSettings = []string{"tls", "insecure", "cacert", "cert", "servername"}

// rivals are settings that a flag puts out of force besides the one of its name.
var rivals = []struct {
	flags, settings []string
}{
	{[]string{"addr", "unix", "targets"}, []string{"addr"}},
	{[]string{"plaintext"}, tlsSettings},
	{tlsSettings, []string{"plaintext"}},
	{[]string{"bearer-file", "bearer-env", "basic", "netrc", "auth-command"}, []string{"bearer-file", "bearer-env", "basic", "password-file", "password-env", "netrc", "auth-command", "headers.authorization"}},
	{[]string{"password-file", "password-env"}, []string{"password-file", "password-env"}},
	{[]string{"lb", "service-config"}, []string{"lb", "service-config"}},
	{[]string{"plaintext"}, []string{"key"}},
	{[]string{"format"}, []string{"output"}},
}

// applyContext sets the flags that the user did not give.
func (a *app) applyContext(f *pflag.FlagSet, c *config.Context) error {
	given := a.given(f)
	for _, s := range c.Settings {
		name, isHeader := strings.CutPrefix(s.Key, "headers.")
		switch {
		case given[s.Key]:
			continue
		case isHeader:
			s.Key, s.Values = name, c.Resolve(s)
			a.context.headers = append(a.context.headers, s)
			a.context.used["headers."+name] = true
			continue
		}
		a.context.used[s.Key] = true
		if f.Lookup(s.Key) == nil {
			continue // another command's flag, or none
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
	a.globals.headers.context = a.context.headers
	if a.context.used["auth-command"] {
		env := *a.env
		env.ProgramDir = filepath.Dir(c.File.Path)
		a.env = &env
	}
	// To the shell they are part of what makes one connection differ from another.
	return errors.Join(f.Set("context", c.Name), f.Set(contextState, c.State()))
}

// contextState is a flag that nobody gives, for what the context in force says now.
const contextState = "context-state"

// given returns the settings that the command line has already said otherwise.
func (a *app) given(f *pflag.FlagSet) map[string]bool {
	given := map[string]bool{}
	for _, k := range config.Keys() {
		given[k.Name] = flags.Changed(f, k.Name)
	}
	for _, r := range rivals {
		if slices.ContainsFunc(r.flags, func(name string) bool { return flags.Changed(f, name) }) {
			for _, s := range r.settings {
				given[s] = true
			}
		}
	}
	for _, text := range slices.Concat(a.globals.headers.both, a.globals.headers.rpc) {
		if name, _, err := header.Parse(text); err == nil && name == "authorization" {
			for _, s := range rivals[3].settings {
				given[s] = true
			}
		}
	}
	return given
}

// settingText is a setting as people read it: what is a reference stays one.
func settingText(s config.Setting) string {
	text := strings.Join(s.Values, ", ")
	if s.Ref != config.Literal {
		return fmt.Sprintf("{%s: %s}", s.Ref, text)
	}
	return text
}
