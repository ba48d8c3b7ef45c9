package shell

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke/job"
	"github.com/rpcctl/rpcctl/repl"
)

// A lineRunner runs a line of the shell.
type lineRunner struct {
	s *shell
	l *line // nil for what the shell does between lines
}

// Session implements Runner. The session is that of all lines with the same flags.
func (r lineRunner) Session(
	ctx context.Context, a *app.App, f *pflag.FlagSet, settings session.Settings,
) (*session.Session, error) {
	open, err := r.s.pool.Session(ctx, a.Globals.Key(f), settings)
	if err != nil {
		return nil, err
	}
	if a.Globals.CurrentContext() && settings.Target != nil { // the target may be another one than before
		where := settings.Target.String()
		r.s.reached.Store(&where)
		r.s.production.Store(a.Globals.Production())
	}
	return open, nil
}

// LockSchema implements Runner: lines and jobs share the session.
func (r lineRunner) LockSchema(ctx context.Context) (unlock func(), err error) {
	return r.s.pool.LockSchema(ctx)
}

// Run implements Runner: the call is a job.
func (r lineRunner) Run(ctx context.Context, a *app.App, c app.Call) error {
	if r.l.st.Background && a.Globals.MaxRecv == 0 {
		c.Call.MaxRecv = shareOfMessages(r.s, r.l)
	}
	return r.s.drive(ctx, r.l, c.Invoker, c.Call, c.Sink, c.Again, c.Do)
}

// RunMany implements Runner: in the background the calls are one job.
func (r lineRunner) RunMany(ctx context.Context, a *app.App, m app.Calls) error {
	l := r.l
	if !l.st.Background || l.job != nil {
		return m.Do(ctx, nil)
	}
	s := r.s
	l.ran = true
	w := &task{
		Job: job.Start(s.ctx, s.keeps(), m.Do), name: m.Name, again: m.Again, redirected: l.redirect,
		assign: l.st.Assign, shown: l.pages.show, session: m.Session,
	}
	s.jobs.add(w)
	s.say(fmt.Sprintf("[%%%d] %s", w.number, formatters.CleanLine(w.name)))
	live(s, w)
	s.notify(w)
	return nil
}

// ContextChanged implements Runner. It drops the credentials of lines without a target of
// their own: they now go to the target of another context.
func (r lineRunner) ContextChanged() {
	_, addr := r.s.flag("addr")
	_, unix := r.s.flag("unix")
	if !addr && !unix {
		r.s.dropCredentials(r.l, "")
	}
}

// Shell implements Runner.
func (lineRunner) Shell() bool { return true }

// Prompts implements Prompter.
func (r lineRunner) Prompts(*app.App) error {
	if r.s.editor == nil || !r.s.interactive {
		return problem.Usage(errors.New("-i fills the request in at a prompt that can be drawn on, and there is none"),
			"")
	}
	return nil
}

// Typed implements Prompter.
func (r lineRunner) Typed(method string) (string, map[string]string) {
	if word, ok := r.l.positional(1); ok {
		method = word.Text
	}
	return method, r.s.settings
}

// FillIn implements Prompter: the line stands in the next prompt.
func (r lineRunner) FillIn(_ *app.App, _ *cobra.Command, l repl.Line) error {
	r.l.ran = true
	r.s.editor.Put(l)
	return nil
}
