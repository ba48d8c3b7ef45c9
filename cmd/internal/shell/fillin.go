package shell

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/repl"
)

// FillIn is a shell for one call.
func FillIn(a *app.App, c *cobra.Command, line repl.Line, tree commandTree) error {
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	s := newShell(ctx, a.Env, &Options{Quiet: true}, flagsOf(c), tree)
	defer s.close()
	s.interactive = true
	s.control.Own()
	if err := s.openEditor(a.Colored(true)); err != nil {
		return problem.Usage(errors.New("-i fills the request in at a terminal that can be drawn on"),
			"--edit writes it in $EDITOR")
	}
	s.once = true
	s.editor.Put(line)
	if err := editorLoop(s); err != nil || s.called {
		return err
	}
	return problem.Exit(problem.Interrupted) // nothing was sent, which is no success
}
