package shell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// schema returns the schema of the lines without flags of their own, and its types.
func (s *shell) schema(ctx context.Context, a *app.App) (discovery.Source, invoke.Types, error) {
	g, f, err := globals.Parse(a.Env, app.UserAgent(), s.base)
	if err != nil {
		return nil, nil, err
	}
	if err := g.LoadContext(f); err != nil {
		return nil, nil, err
	}
	a.Globals = g
	source, err := a.Source(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	types, err := a.Session.Types(s.ctx) // which outlive the line
	return source, types, err
}

// qualify looks a short name up in the services and packages in use first. A name that one
// service shares only with gRPC's own, such as health, is that of the service.
func (s *shell) qualify(ctx context.Context, name string) (string, error) {
	source, _, err := s.schema(ctx, s.newApp(s.env, nil))
	if errors.As(err, new(*boundfile.WaitError)) {
		return "", err // the call would wait for the file once more
	}
	if err != nil {
		return name, nil // the call tells
	}
	for _, used := range slices.Backward(s.used) {
		if m, err := discovery.FindMethod(ctx, source, used+"."+name); err == nil {
			return string(m.FullName()), nil
		}
	}
	var many *discovery.AmbiguousError
	if _, err := discovery.FindMethod(ctx, source, name); unreached(err) {
		return "", err // the call would wait for the server once more
	} else if !errors.As(err, &many) {
		return name, nil
	}
	others := slices.DeleteFunc(slices.Clone(many.Candidates), complete.OfProtocol)
	if len(others) == 1 {
		return others[0], nil
	}
	return name, nil
}

// unreached reports whether an error is that a connection was waited for in vain.
func unreached(err error) bool {
	var ce *connect.Error
	return errors.As(err, &ce) && ce.Kind == connect.TimedOut
}

// load reads the schema while the prompt is open, and prints what is in it.
func (s *shell) load() { s.background(s.loadSchema) }

// loadSchema opens the first session and makes the index.
func (s *shell) loadSchema() {
	began := s.env.Now()
	env := *s.env
	a := s.newApp(&env, nil)
	source, types, err := s.schema(s.ctx, a)
	if a.Session != nil && a.Session.Settings().Target != nil {
		where := a.Session.Settings().Target.String()
		s.reached.Store(&where) // a context may have named the target
		s.production.Store(a.Globals.Production())
		if s.editor != nil {
			s.editor.Refresh()
		}
	}
	if errors.Is(err, session.ErrNoTarget) {
		return
	}
	if err != nil {
		s.say("no schema: " + formatters.CleanLine(human.FirstLine((&problem.Reporter{Env: &env}).Explain(err))))
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	ix, err := complete.NewIndex(ctx, source, types)
	if err != nil {
		text := human.FirstLine((&problem.Reporter{Env: &env}).Explain(err))
		for _, h := range a.Reporter().Hints(err) {
			text += "; " + h
		}
		s.say("no schema: " + formatters.CleanLine(text))
		return
	}
	s.assistant.Index.Store(ix)
	if s.o.Quiet {
		return
	}
	s.sayAside(fmt.Sprintf("schema: %s, %s, %s", human.Count(len(ix.Services), "service"),
		human.Count(len(ix.Methods), "method"), human.Duration(s.env.Now().Sub(began))))
}
