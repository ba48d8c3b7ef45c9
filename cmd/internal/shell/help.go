package shell

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/assist"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/repl"
)

const shellHelp = `A line is a call or a command; Tab completes both.

  Greeter.SayHello name=World        a method, and the fields of its request
  PlaceOrder {"id": "7", kind: TOY}  or the request as JSON, loosely written
  PlaceOrder @order.json id=8        or a file, with a field changed
  PlaceOrder $_:request id=9         or the last request, with a field changed
  GetOrder id=$_.id | jq .stage      a field of the last answer; a program
  Watch count=100 > events.json      a file
  Watch count=100 &                  in the background: jobs, fg, wait, cancel, log
  $o = GetOrder id=7                 a variable: $o.shipTo.city
  Chat                               type messages while answers come
  PlaceOrder?                        what it takes

`

// helpCommand is the help of the shell.
func helpCommand(s *shell, l *line) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND | keys]", Short: "What there is to type",
		RunE: func(c *cobra.Command, args []string) error {
			w := tabwriter.NewWriter(l.env.Stdout, 0, 0, 2, ' ', 0)
			switch {
			case len(args) == 0:
				if _, err := fmt.Fprint(l.env.Stdout, shellHelp); err != nil {
					return err
				}
				for _, sub := range c.Root().Commands() {
					if sub.IsAvailableCommand() && sub.Name() != "help" {
						fmt.Fprintf(w, "  %s\t%s\n", sub.Name(), sub.Short)
					}
				}
				fmt.Fprintf(w, "  help keys\tThe keys of the prompt\n")
			case args[0] == "keys":
				for _, h := range repl.KeyHelp() {
					fmt.Fprintf(w, "  %s\t%s\n", h.Keys, h.Does)
				}
				for _, h := range assist.KeyHelp {
					fmt.Fprintf(w, "  %s\t%s\n", h.Keys, h.Does)
				}
			default:
				sub, _, err := c.Root().Find(args)
				if err != nil || sub == c.Root() {
					return about(c.Context(), s, l, args[0])
				}
				return sub.Help()
			}
			return w.Flush()
		},
	}
}

// about prints what a name is: the definition, and for a method its request and one to fill
// in.
func about(ctx context.Context, s *shell, l *line, name string) error {
	a := s.newApp(l.env, l)
	l.app = a
	source, types, err := s.schema(ctx, a)
	if err != nil {
		return err
	}
	name, err = s.qualify(ctx, name)
	if err != nil {
		return err
	}
	d, err := discovery.FindAny(ctx, source, name)
	if err != nil {
		return err
	}
	return a.Env.Print(func(w *bufio.Writer) error {
		fo := formatters.Options{Types: types, Color: a.Colored(l.env.StdoutTTY), Width: l.env.Width}
		if err := formatters.WriteDescriptor(w, d, fo); err != nil {
			return err
		}
		m, ok := d.(protoreflect.MethodDescriptor)
		if !ok {
			return nil
		}
		w.WriteByte('\n')
		if err := formatters.WriteDescriptor(w, m.Input(), fo); err != nil {
			return err
		}
		request, err := skeleton.Of(m.Input())
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s %s\n", m.Name(), bytes.TrimSpace(formatters.CleanJSON(request)))
		return nil
	})
}
