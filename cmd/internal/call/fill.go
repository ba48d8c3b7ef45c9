package call

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/repl"
)

// FillIn implements call -i: the user fills the request in at a prompt and sends it from
// there.
func FillIn(a *app.App, c *cobra.Command, o *Options) error {
	if err := a.Runner.Prompts(a); err != nil {
		return err
	}
	done, err := a.TodaysSchema(c.Context())
	if err != nil {
		return err
	}
	m, types, err := FindMethod(c.Context(), a.Session, o.Method, o.Timeout.Duration())
	done()
	if err != nil {
		return err
	}
	text, err := complete.Fill(c.Context(), m, types, o.Parts(), complete.Form{ASCII: !a.Env.Unicode()})
	if err != nil {
		return err
	}
	head, err := callLine(a, c, o)
	if err != nil {
		return err
	}
	if !repl.Sole(repl.Fill(head+text), "") {
		return errors.New(complete.Untypeable)
	}
	return a.Runner.FillIn(a, c, complete.AtFirstHole(head+text))
}

// callLine is the beginning of the line that makes the call, with the flags that were given.
func callLine(a *app.App, c *cobra.Command, o *Options) (string, error) {
	var b strings.Builder
	name, set := a.Runner.Typed(o.Method)
	var untyped []string
	typed := func(text string) string {
		word, ok := repl.Quote(text)
		if !ok {
			untyped = append(untyped, text)
		}
		return word
	}
	own := c.LocalNonPersistentFlags()
	own.VisitAll(func(f *pflag.Flag) {
		if !f.Changed || f.Name == "interactive" || f.Name == "data" || set[f.Name] != "" &&
			set[f.Name] == f.Value.String() {
			return
		}
		values := []string{f.Value.String()}
		if many, ok := f.Value.(pflag.SliceValue); ok {
			values = many.GetSlice()
		}
		for _, v := range values {
			b.WriteString(" --" + f.Name + "=" + typed(v))
		}
	})
	name = typed(name)
	switch {
	case len(untyped) > 0:
		return "", problem.Usage(fmt.Errorf("%q cannot be typed at a prompt", untyped[0]), "without -i it can be given")
	case b.Len() == 0:
		return name + " ", nil
	}
	return "call" + b.String() + " " + name + " ", nil
}
