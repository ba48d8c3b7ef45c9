package cmd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// care says what is done around each call to a target: who calls, waiting and trying
// again. Who calls is found out for each target, and put into its calls alone: all
// that the metadata of a call has of it is session.Later.
func (a *app) care(ctx context.Context, t *invoke.Target) (session.Care, error) {
	g := &a.globals
	c := session.Care{
		Wait:                 g.reach.wait.Duration(),
		Retry:                g.reach.retry,
		PlaintextCredentials: g.auth.Plaintext,
		Secret:               g.headers.secret,
		Say:                  func(text string) { a.env.Say(a.env.Secrets.MaskWords(text)) },
		Jitter:               rand.Float64,
	}
	if f := a.context.context; f != nil && !f.File.Trusted {
		c.Untrusted = f.File.Path
	}
	if err := g.auth.Check(); err != nil {
		return c, err
	}
	foreign := a.foreign(t)
	lent := foreign && slices.ContainsFunc(g.auth.Chosen(), a.lends)
	g.headers.skipContext = foreign && !a.severalTargets
	g.headers.authorization = ""
	if len(g.auth.Chosen()) > 0 && (!lent || a.severalTargets) {
		g.headers.authorization = session.Later
	}
	c.Fills = len(g.auth.Chosen()) > 0 || len(a.context.headers) > 0
	if foreign {
		a.sayWithheld(t, lent || slices.ContainsFunc(a.context.headers, secretSetting))
	} else {
		var err error
		if c.Own, err = g.headers.contextSecrets(ctx, a.env); err != nil {
			return c, err
		}
	}
	if lent || len(g.auth.Chosen()) == 0 {
		return c, nil
	}
	value, err := g.auth.Authorization(ctx, a.env, t)
	switch {
	case err != nil && t != nil && a.severalTargets:
		// One target says nothing of another: the call to this one fails.
		c.Authorize = func(context.Context, bool) (string, error) { return "", err }
	case err != nil:
		return c, err
	case value == session.Later:
		c.Authorize = g.auth.Authorizer(a.env, t)
	case value != "":
		if c.Own == nil {
			c.Own = map[string]string{}
		}
		c.Own["authorization"] = value
	}
	return c, nil
}

// lends reports whether a flag that says who calls is the context's, whose credentials
// are for the target that it names, and for no other. --netrc finds for each host its
// own.
func (a *app) lends(flag string) bool { return a.context.used[flag] && flag != "netrc" }

// secretSetting reports whether a header of a context is a secret.
func secretSetting(s config.Setting) bool {
	return s.Ref != config.Literal || secret.Request(s.Key, s.Values[0])
}

// foreign reports whether a target is another than the context in force names.
func (a *app) foreign(t *invoke.Target) bool {
	if t == nil || a.context.context == nil {
		return false
	}
	addr := a.context.context.Get("addr")
	named, err := invoke.ParseTarget(addr)
	return addr != "" && (err != nil || !named.Same(*t))
}

// sayWithheld tells once that there are credentials of the context that stay behind.
func (a *app) sayWithheld(t *invoke.Target, any bool) {
	if any {
		a.env.SayOnce(fmt.Sprintf("the credentials of the context %s are for %s, and are not sent to %s",
			a.context.context.Name, a.context.context.Get("addr"), t))
	}
}
