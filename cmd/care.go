package cmd

import (
	"fmt"
	"math/rand/v2"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
)

// care says what is done around each call: who calls, waiting and trying again.
func (a *app) care(t *invoke.Target) (session.Care, error) {
	g := &a.globals
	value, err := g.auth.authorization(a.env, t)
	if err != nil {
		return session.Care{}, err
	}
	g.headers.authorization = value
	c := session.Care{
		Wait:                 durationOf(g.reach.wait),
		Retry:                g.reach.retry,
		PlaintextCredentials: g.auth.plaintext,
		Secret:               g.headers.secret,
		Say:                  a.say,
		Jitter:               rand.Float64,
	}
	if f := a.context.context; f != nil && !f.File.Trusted {
		c.Untrusted = f.File.Path
	}
	if value == session.Later {
		c.Authorize = g.auth.authorizer(a.env)
	}
	return c, nil
}

// say tells a person on standard error what goes on.
func (a *app) say(text string) {
	fmt.Fprintf(a.env.Stderr, "rpcctl: %s\n", formatters.Clean(text, false))
}
