package globals

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

// around returns what the session does around each call to a target: it waits for the server,
// tries again, and adds the credentials. Credentials are found for each target by itself and
// go into its calls only: the metadata of a call has session.Later in their place.
func (g *Flags) around(ctx context.Context, t *invoke.Target) (session.CallPolicy, error) {
	c := session.CallPolicy{
		Wait:                 g.reach.wait.Duration(),
		Retry:                g.reach.retry,
		PlaintextCredentials: g.auth.Plaintext,
		Secret:               g.headers.secret,
		Say:                  func(text string) { g.env.Say(g.env.Secrets.MaskWords(text)) },
		Jitter:               rand.Float64,
	}
	if f := g.chosen.context; f != nil && !f.File.Trusted {
		c.Untrusted = f.File.Path
	}
	if err := g.auth.Check(); err != nil {
		return c, err
	}
	foreign := g.foreign(t)
	lent := foreign && slices.ContainsFunc(g.auth.Chosen(), g.lends)
	g.headers.skipContext = foreign && !g.several
	g.headers.authorization = ""
	if len(g.auth.Chosen()) > 0 && (!lent || g.several) {
		g.headers.authorization = session.Later
	}
	c.Fills = len(g.auth.Chosen()) > 0 || len(g.chosen.headers) > 0
	if foreign {
		g.sayWithheld(t, lent || slices.ContainsFunc(g.chosen.headers, secretSetting))
	} else {
		var err error
		if c.Own, err = g.headers.contextSecrets(ctx, g.env); err != nil {
			return c, err
		}
	}
	if lent || len(g.auth.Chosen()) == 0 {
		return c, nil
	}
	return c, g.authorize(ctx, &c, t)
}

// authorize sets the credential for a target, or the function that asks for it at the call.
func (g *Flags) authorize(ctx context.Context, c *session.CallPolicy, t *invoke.Target) error {
	value, err := g.auth.Authorization(ctx, g.env, t)
	switch {
	case err != nil && t != nil && g.several:
		// The settings of the other targets are fine: only the call to this one fails.
		c.Authorize = func(context.Context, bool) (string, error) { return "", err }
	case err != nil:
		return err
	case value == session.Later:
		c.Authorize = g.auth.Authorizer(g.env, t)
	case value != "":
		if c.Own == nil {
			c.Own = map[string]string{}
		}
		c.Own["authorization"] = value
	}
	return nil
}

// lends reports whether the context has set a credential flag. Such credentials are for the
// target of the context and no other. --netrc is an exception: it has credentials for each
// host.
func (g *Flags) lends(flag string) bool { return g.chosen.used[flag] && flag != "netrc" }

// secretSetting reports whether a header of a context is a secret.
func secretSetting(s config.Setting) bool {
	return s.Ref != config.Literal || secret.Request(s.Key, s.Values[0])
}

// foreign reports whether a target is not the one that the context in use names.
func (g *Flags) foreign(t *invoke.Target) bool {
	if t == nil || g.chosen.context == nil {
		return false
	}
	addr := g.chosen.context.Get("addr")
	named, err := invoke.ParseTarget(addr)
	return addr != "" && (err != nil || !named.Same(*t))
}

// sayWithheld says once that credentials of the context are not sent to a target.
func (g *Flags) sayWithheld(t *invoke.Target, any bool) {
	if any {
		g.env.SayOnce(fmt.Sprintf("the credentials of the context %s are for %s, and are not sent to %s",
			g.chosen.context.Name, g.chosen.context.Get("addr"), t))
	}
}
