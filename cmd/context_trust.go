package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/formatters"
)

func newContextTrust(a *app.App) *cobra.Command {
	o := &contextOptions{}
	c := &cobra.Command{
		Use:   "trust",
		Short: "Let the project's file name programs and secrets",
		Long: `Vouch for the file .rpcctl.yaml that is found from the working folder: its contexts
may then run programs, name secrets, have them sent where they say, repeat calls, and
take precedence over the user's own of the same name. All that it says is shown first, and what
has changed since it was last trusted; then it is asked whether that is right.

What is trusted are the bytes that were shown. When the file is changed by anything but
rpcctl, it has to be trusted anew. A file of another user, or one that others may write
to, is not read at all. rpcctl context show tells what a file asks for without trusting
it.`,
		Args: usage.Words(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return contextTrust(a, c, o) },
	}
	c.Flags().BoolVar(&o.revoke, "revoke", false, "vouch for it no longer")
	c.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	return c
}

func contextTrust(a *app.App, c *cobra.Command, o *contextOptions) error {
	store, all, err := loadContexts(a)
	if err != nil {
		return err
	}
	p := all.Project
	switch {
	case p == nil && all.PassedOver != nil:
		// the reason stands above it on standard error
		return problem.Usage(errors.New("there is no file to trust"), "")
	case p == nil:
		return problem.Usage(errors.New("there is no "+config.ProjectFile+" in the working folder or above"),
			"change to the project's folder; rpcctl context set --project NAME addr=HOST:PORT makes the file here")
	case o.revoke:
		if err := store.Trust(c.Context(), nil); err != nil {
			return globals.UsageIfSyntax(err)
		}
		return a.Env.PrintLine("%s is not trusted any more", p.Path)
	}
	if err := a.Env.Print(func(w *bufio.Writer) error {
		writeAsks(w, p)
		writeChange(w, store, all)
		return nil
	}); err != nil {
		return err
	}
	if !o.yes {
		if err := confirm(c.Context(), a, "trust "+p.Path); err != nil {
			return err
		}
	}
	if err := store.Trust(c.Context(), p); err != nil {
		return globals.UsageIfSyntax(err)
	}
	return a.Env.PrintLine("%s is trusted as shown", p.Path)
}

// errRefused is a question that was not answered with yes.
var errRefused = errors.New("nothing was changed")

// confirm asks the person at the terminal for leave. Any answer but yes is an error.
func confirm(ctx context.Context, a *app.App, what string) error {
	if !a.Env.StdinTTY || a.Env.ReadPassword == nil {
		return problem.Usage(fmt.Errorf("%s: there is no terminal to ask on", what),
			"--yes trusts what was shown without a question")
	}
	answer, err := a.Env.ReadPassword(ctx, formatters.CleanLine(what)+"? [y/N] ")
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.Canceled):
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errRefused
}

// writeAsks writes all that a project file says, in its order.
func writeAsks(w io.Writer, f *config.File) {
	line := func(text string) { fmt.Fprintf(w, "  %s\n", formatters.CleanLine(text)) }
	fmt.Fprintf(w, "%s asks for:\n", formatters.CleanLine(f.Path))
	if f.Current != "" {
		line("current: " + f.Current)
	}
	for _, x := range f.Contexts {
		for _, s := range x.Settings {
			line(fmt.Sprintf("%s: %s %s (line %d)", x.Name, s.Key, globals.SettingText(s), s.Line))
		}
	}
	if f.Current == "" && len(f.Contexts) == 0 {
		line("nothing")
	}
}

// writeChange writes how a file differs from what the user has vouched for.
func writeChange(w io.Writer, store *config.Store, all *config.Contexts) {
	was, ever := all.Vouched(store)
	if !ever || all.Project.Trusted {
		return
	}
	if was == nil {
		fmt.Fprintln(w, "it has changed since it was trusted; what it was is not known any more")
		return
	}
	fmt.Fprintln(w, "it has changed since it was trusted:")
	for text := range strings.Lines(string(diff.Diff("trusted", was, "now", all.Project.Text()))) {
		fmt.Fprintf(w, "  %s\n", formatters.CleanLine(strings.TrimRight(text, "\r\n")))
	}
}
