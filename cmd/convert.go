package cmd

import (
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/redaction"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// convertOptions are the flags and words of convert.
type convertOptions struct {
	in           flags.Choice
	maxSend      flags.Size
	allowUnknown bool
	stream       bool
	output       output.Options
}

func newConvert(a *app.App) *cobra.Command {
	o := &convertOptions{}
	var timeout flags.Seconds
	c := &cobra.Command{
		Use:   "convert TYPE [MESSAGE...]",
		Short: "Convert a message between formats, offline",
		Long: `Read messages of a type in one format and print them in another. Nothing is
called; the schema comes from files, or from the server's reflection.

  rpcctl --protoset shop.binpb convert shop.v1.Order --in raw -o json < order.bin
  rpcctl --protoset shop.binpb convert Order id=17 kind=TOY -o raw > order.bin
  rpcctl --protoset shop.binpb convert Order --stream @orders.ndjson -o yaml

Without a MESSAGE, standard input is read.`,
		Args: usage.Words(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			defer app.Within(c, timeout)()
			return convert(a, c, o, args[0], args[1:])
		},
	}
	app.AddTimeout(c.Flags(), &timeout)
	call.AddInputFlags(c.Flags(), &o.in, &o.maxSend, &o.allowUnknown)
	c.Flags().BoolVar(&o.stream, "stream", false,
		"any number of messages, each document its own; raw ones with their length before them")
	o.output.Add(c.Flags())
	return c
}

func convert(a *app.App, c *cobra.Command, o *convertOptions, name string, messages []string) error {
	format, err := o.output.Resolve(c.Flags(), "")
	if err != nil {
		return err
	}
	source, err := a.Source(c.Context(), c.Flags())
	if err != nil {
		return err
	}
	d, err := discovery.FindAny(c.Context(), source, name)
	if err != nil {
		return err
	}
	message, ok := d.(protoreflect.MessageDescriptor)
	if !ok {
		return problem.Usage(fmt.Errorf("%s: not a message", d.FullName()), "")
	}
	types, err := a.Session.Types(c.Context())
	if err != nil {
		return err
	}
	if len(messages) == 0 {
		messages = []string{"-"}
	}
	requests, err := input.New((&call.Options{Messages: messages}).Parts(), input.Options{
		ReadFile: boundfile.Reader(c.Context()),
		Message:  message, Types: types, Streams: o.stream, Format: input.Format(o.in.Value),
		AllowUnknown: o.allowUnknown, MaxSize: int64(o.maxSend), Stdin: a.Env.Stdin, Now: a.Env.Now,
		Secrets: redaction.OfInput(message),
	})
	if err != nil {
		return err
	}
	method, err := call.MakeMethod("rpcctl.internal.offline.Offline", "Convert", message, o.stream, o.stream)
	if err != nil {
		return err
	}
	out, err := o.output.Open(c.Context(),
		output.Printing{Env: a.Env, Globals: a.Globals, Format: format, Types: types})
	if err != nil {
		return err
	}
	_, err = call.PrintRequests(c.Context(), c.Context(),
		&invoke.Call{Method: method, Types: types, Requests: requests}, out, nil)
	return out.Close(err)
}
