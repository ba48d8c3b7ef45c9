package cmd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// care says what is done around each call to a target: who calls, waiting and trying
// again. Who calls is found out for each target, and put into its calls alone: all
// that the metadata of a call has of it is session.Later.
func (a *app) care(t *invoke.Target) (session.Care, error) {
	g := &a.globals
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
	if err := g.auth.check(); err != nil {
		return c, err
	}
	c.Withhold = a.withheld(t)
	a.sayWithheld(t, c.Withhold)
	if slices.Contains(c.Withhold, "authorization") || len(g.auth.chosen()) == 0 {
		return c, nil
	}
	value, err := g.auth.authorization(a.env, t)
	switch {
	case err != nil && t != nil && a.severalTargets:
		// One target says nothing of another: the call to this one fails.
		c.Authorize = func(context.Context, bool) (string, error) { return "", err }
	case err != nil:
		return c, err
	case value == session.Later:
		c.Authorize = g.auth.authorizer(a.env, t)
	default:
		c.Authorization = value
	}
	return c, nil
}

// withheld returns the headers of the context in force that are not sent to a target:
// its credentials are for the target that it names, and for no other. The header
// authorization stands for the flags that say who calls as well.
func (a *app) withheld(t *invoke.Target) []string {
	if !a.foreign(t) {
		return nil
	}
	var names []string
	if slices.ContainsFunc(a.globals.auth.chosen(), func(name string) bool { return a.context.used[name] }) {
		names = append(names, "authorization")
	}
	for _, s := range a.context.headers {
		if secret.Request(s.Key, s.Values[0]) || s.Ref != "" {
			names = append(names, s.Key)
		}
	}
	return names
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

// sayWithheld tells that the credentials of the context stay behind.
func (a *app) sayWithheld(t *invoke.Target, names []string) {
	if len(names) == 0 || a.context.toldWithheld {
		return
	}
	a.context.toldWithheld = true
	a.say(fmt.Sprintf("the credentials of the context %s are for %s, and are not sent to %s",
		a.context.context.Name, a.context.context.Get("addr"), t))
}

// say tells a person on standard error what goes on.
func (a *app) say(text string) {
	fmt.Fprintf(a.env.Stderr, "rpcctl: %s\n", formatters.Clean(text, false))
}
