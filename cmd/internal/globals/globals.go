// Package globals has the flags that every command has: the target and its security, the schema,
// credentials and headers, the protocol. It makes the settings of a session of them, of the
// environment, and of the context in use, and decides which credential goes to which target.
package globals

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/credential"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
)

// Flags are the flags that every command has: the target, the schema, and how calls are
// made. The context in use fills in the flags that were not given.
type Flags struct {
	env       *env.Env
	userAgent string // for servers, unless a flag names another

	Addr, unix                    string
	contextFlag, contextState     string
	plaintext, tls, insecure      bool
	cacert, cert, key, servername string
	authority                     string
	connectTimeout                flags.Seconds
	MaxRecv                       flags.Size // the greatest message to receive, in bytes; 0: the default

	protos, importPaths, protosets []string
	useReflection, noCache         bool
	headers                        headerFlags
	auth                           *credential.Flags
	reach                          reachFlags
	protocol                       protocolFlags

	Color   flags.Choice // auto, always or never
	Verbose int          // how many times -v was given

	chosen  chosenContext
	names   []string // of all flags, in the order of the help
	several bool     // these are the flags of one target of --targets
}

// New returns the flags before any was given.
func New(env *env.Env, userAgent string) *Flags {
	return &Flags{env: env, userAgent: userAgent, auth: &credential.Flags{}, headers: newHeaderFlags()}
}

// Hidden reports whether the values of a request header are secret because they came from a
// file or the environment. name is in lower case.
func (g *Flags) Hidden(name string) bool { return g.headers.hidden(name) }

// Secret reports whether a request header is a credential, which is neither shown nor sent
// without TLS. name is in lower case.
func (g *Flags) Secret(name, value string) bool { return g.headers.secret(name, value) }

// Metadata returns the request metadata of calls. Files that the flags name are read until
// ctx is done.
func (g *Flags) Metadata(ctx context.Context) (invoke.Metadata, error) {
	return g.headers.metadata(ctx, g.env, slices.Concat(g.headers.both, g.headers.rpc))
}

// Headers returns what -H, --rpc-header and --reflect-header say, as it was typed.
func (g *Flags) Headers() []string {
	return slices.Concat(g.headers.both, g.headers.rpc, g.headers.reflect)
}

// Wait returns how long to wait for a server to come up, 0 for not at all.
func (g *Flags) Wait() time.Duration { return g.reach.wait.Duration() }

// CheckGet returns a usage error when --get would call a method that may have effects.
func (g *Flags) CheckGet(c *invoke.Call) error { return g.protocol.checkGet(c) }

// OfTarget returns the settings for one of several targets. Credentials of the context are
// used for its own target only. When they cannot be had for a target, the call to that target
// fails.
func (g *Flags) OfTarget(ctx context.Context, f *pflag.FlagSet, name string) (session.Settings, error) {
	one := *g
	one.Addr, one.unix, one.several = name, "", true
	return one.Settings(ctx, f)
}

// TokenProgram returns the program that prints the token, as a flag or the context names it.
func (g *Flags) TokenProgram() env.Program {
	return env.Program{Command: string(g.auth.Command), Dir: g.env.ProgramDir}
}

// Unattended keeps the settings from asking a person and from running a program that a flag
// names. What a trusted context names may still run. A completion is such a use: only a line
// that was entered may do either.
func (g *Flags) Unattended(f *pflag.FlagSet) {
	if f.Changed("auth-command") {
		g.auth.Command = ""
	}
	quiet := *g.env
	quiet.ReadPassword = nil
	g.env = &quiet
}

// Peek returns the target that the context in use names for commands with these flags, nil
// for none, and whether it is marked as production. It prints nothing.
func (g *Flags) Peek(f *pflag.FlagSet) (target *invoke.Target, production bool) {
	loud := g.env
	g.env = g.env.Quiet()
	defer func() { g.env = loud }()
	if g.LoadContext(f) != nil || g.chosen.context == nil {
		return nil, false
	}
	target, err := g.Target()
	if err != nil || target == nil {
		return nil, false
	}
	return target, g.Production()
}

// Add defines the flags.
func (g *Flags) Add(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&g.Addr, "addr", "a", "", "the `TARGET`: host:port, http://…, https://…, unix:PATH, dns:///…, demo:")
	f.StringVar(&g.contextFlag, "context", "", "use the context `NAME`; '' for none (rpcctl context)")
	f.StringVar(&g.contextState, contextState, "", "")
	f.Lookup(contextState).Hidden = true
	f.BoolVar(&g.plaintext, "plaintext", false, "no TLS")
	f.BoolVar(&g.tls, "tls", false, "TLS")
	f.BoolVarP(&g.insecure, "insecure", "k", false, "TLS without verifying the server's certificate")
	f.StringVar(&g.cacert, "cacert", "", "trust the PEM certificates in `FILE` instead of the system's")
	f.StringVar(&g.cert, "cert", "", "client certificate, a PEM `FILE`")
	f.StringVar(&g.key, "key", "", "key of the client certificate, a PEM `FILE`")
	f.StringVar(&g.servername, "servername", "", "the `NAME` that the server's certificate must have")
	f.StringVar(&g.authority, "authority", "", "the `NAME` to claim as :authority")
	f.StringVar(&g.unix, "unix", "", "the target is the socket at `PATH`")
	f.Var(&g.connectTimeout, "connect-timeout", "limit for connecting (default 10s)")
	f.Var(&g.MaxRecv, "max-recv-size",
		"greatest message to receive (default 64MiB; calls at the same time share 80, 32 for each at most)")
	f.Var((*flags.Repeated)(&g.protos), "proto", "take the schema from a .proto `FILE` (repeatable)")
	f.VarP((*flags.Repeated)(&g.importPaths), "import-path", "I",
		"`DIR` in which .proto files and their imports are found (repeatable)")
	f.Var((*flags.Repeated)(&g.protosets), "protoset", "take the schema from a descriptor set `FILE` (repeatable)")
	f.BoolVar(&g.useReflection, "use-reflection", true,
		"ask the server for its schema; with files, only where it is given")
	f.BoolVar(&g.noCache, "no-cache", false, "remember nothing of the schema, and use nothing that is remembered")
	f.VarP((*flags.Repeated)(&g.headers.both), "header", "H",
		"request metadata `'NAME: VALUE'` or @FILE, for reflection too (repeatable)")
	f.Var((*flags.Repeated)(&g.headers.rpc), "rpc-header", "request metadata for the call alone (repeatable)")
	f.Var((*flags.Repeated)(&g.headers.reflect), "reflect-header", "request metadata for reflection alone (repeatable)")
	f.BoolVar(&g.headers.expand, "expand-headers", false, "replace ${NAME} in header values by environment variables")
	g.auth.Add(f)
	g.reach.add(f)
	g.Color = flags.Choice{Value: "auto", Allowed: []string{"auto", "always", "never"}}
	f.Var(&g.Color, "color", "colours")
	f.CountVarP(&g.Verbose, "verbose", "v",
		"show metadata, trailers, sizes and timing on stderr; -vv: lookups and the connection too")
	g.protocol.add(f)
	for _, alias := range [][2]string{{"certkey", "key"}, {"max-msg-sz", "max-recv-size"}, {"unix-socket", "unix"}} {
		flags.AddAlias(f, alias[0], alias[1])
	}
	f.VisitAll(func(flag *pflag.Flag) { g.names = append(g.names, flag.Name) })
}

// Parse returns the flags that words give, and the set of them.
func Parse(env *env.Env, userAgent string, words []string) (*Flags, *pflag.FlagSet, error) {
	g, f := New(env, userAgent), pflag.NewFlagSet("", pflag.ContinueOnError)
	g.Add(f)
	if err := f.Parse(words); err != nil {
		return nil, nil, problem.Usage(err, "")
	}
	return g, f, nil
}

// Key returns the flags that make a session what it is, as one text. Command lines with the same
// key can share a session. f are the flags as parsed.
func (g *Flags) Key(f *pflag.FlagSet) string {
	var b strings.Builder
	for _, name := range g.names {
		if flag := f.Lookup(name); flag != nil && flag.Changed && name != "color" && name != "verbose" {
			fmt.Fprintf(&b, "%s=%q ", name, flag.Value.String())
		}
	}
	return b.String()
}

// Settings returns the settings of a session: what the flags, the environment and the context
// in use say. f are the flags as parsed. Files that they name are read until ctx is done.
func (g *Flags) Settings(ctx context.Context, f *pflag.FlagSet) (session.Settings, error) {
	s := session.Settings{
		TLS:            connect.TLSOptions{CACert: g.cacert, Cert: g.cert, Key: g.key, ServerName: g.servername, Insecure: g.insecure},
		Authority:      g.authority,
		UserAgent:      g.userAgent,
		ConnectTimeout: g.connectTimeout.Duration(),
		MaxRecv:        int(g.MaxRecv),
		Protos:         g.protos,
		ImportPaths:    g.importPaths,
		Protosets:      g.protosets,
		Reflection:     g.useReflection && f.Changed("use-reflection"),
		NoCache:        g.noCache,
		PassedOver:     func(err error) { g.env.SayOnce(err.Error()) },
	}
	if g.MaxRecv > grpcwire.DefaultMaxRecv {
		memory.Unlimit()
	}
	if err := g.check(); err != nil {
		return s, err
	}
	for _, text := range append([]string{g.env.Getenv("HTTPS_PROXY"), g.env.Getenv("https_proxy")}, g.protosets...) {
		g.env.Secrets.AddURL(text)
	}
	target, err := g.Target()
	if err != nil {
		return s, err
	}
	if flags.Changed(f, "targets") && !g.several {
		target = nil // each target has settings of its own
	}
	if target != nil {
		if err := g.applySecurity(target); err != nil {
			return s, err
		}
	}
	s.Target = target
	if err := g.reach.apply(ctx, &s, g.env); err != nil {
		return s, err
	}
	if s.Policy, err = g.around(ctx, target); err != nil {
		return s, err
	}
	if g.foreign(target) && g.chosen.used["cert"] {
		s.TLS.Cert, s.TLS.Key = "", ""
	}
	if s.Wire, err = g.protocol.settings(target); err != nil {
		return s, err
	}
	s.ReflectMetadata, err = g.headers.metadata(ctx, g.env, slices.Concat(g.headers.both, g.headers.reflect))
	return s, err
}

// check returns a usage error for flags that need another.
func (g *Flags) check() error {
	if !g.useReflection && len(g.protos)+len(g.protosets) == 0 {
		return problem.Usage(errors.New("--use-reflection=false leaves no schema"),
			"give one with --proto or --protoset")
	}
	if (g.cert == "") != (g.key == "") {
		return problem.Usage(errors.New("--cert and --key go together"), "")
	}
	return nil
}

// Target returns the target that a flag or RPCCTL_ADDR names, or nil.
func (g *Flags) Target() (*invoke.Target, error) {
	text, from := g.Addr, "--addr"
	switch {
	case g.unix != "" && text != "":
		return nil, problem.Usage(errors.New("--addr and --unix both name a target"), "")
	case g.unix != "":
		text, from = "unix:"+g.unix, "--unix"
	case text == "":
		text, from = g.env.Getenv("RPCCTL_ADDR"), "RPCCTL_ADDR"
	}
	if text == "" {
		return nil, nil
	}
	t, err := invoke.ParseTarget(text)
	if err != nil {
		if secret.Value(text) {
			err = errors.New("this is a credential, not a target")
		}
		hint := "a target is host:port, http://host, https://host, unix:PATH or demo:"
		switch {
		case text == "demo":
			hint = "the demo inside rpcctl is demo: with a colon"
		case errors.Is(err, invoke.ErrNoPort):
			text := invoke.MaskTarget(text)
			hint = fmt.Sprintf("%s:443 for TLS, %s:80 for plaintext, or another port", text, text)
		}
		return nil, problem.Usage(fmt.Errorf("%s: %w", from, err), hint)
	}
	return &t, nil
}

// applySecurity sets the security of a target by the flags about TLS. Flags that have no
// meaning without TLS ask for it.
func (g *Flags) applySecurity(t *invoke.Target) error {
	impliesTLS := ""
	for _, f := range []struct {
		isSet bool
		name  string
	}{{g.tls, "--tls"}, {g.insecure, "--insecure"}, {g.cacert != "", "--cacert"}, {
		g.cert != "",
		"--cert",
	}, {g.servername != "", "--servername"}} {
		if f.isSet {
			impliesTLS = f.name
			break
		}
	}
	plain := ""
	if t.Security == invoke.SecurityPlaintext && t.Network == "tcp" {
		plain = "http://"
	}
	if g.plaintext {
		plain = "--plaintext"
	}
	switch {
	case plain != "" && impliesTLS != "":
		return problem.Usage(fmt.Errorf("%s and %s contradict each other", plain, impliesTLS), "")
	case g.plaintext && t.Security == invoke.SecurityTLS:
		return problem.Usage(errors.New("https:// and --plaintext contradict each other"), "")
	case impliesTLS != "":
		t.Security = invoke.SecurityTLS
	case g.plaintext:
		t.Security = invoke.SecurityPlaintext
	}
	return nil
}
