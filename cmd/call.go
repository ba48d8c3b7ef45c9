package cmd

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/many"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
)

// callOptions are the flags of call.
type callOptions struct {
	call call.Options
	many many.Options
}

// add defines the flags.
func (o *callOptions) add(f *pflag.FlagSet) {
	o.call.Add(f)
	o.many.Add(f, &o.call)
}

func newCall(a *app.App) *cobra.Command {
	o := &callOptions{}
	c := &cobra.Command{
		Use:   "call METHOD [MESSAGE...]",
		Short: "Call a procedure",
		Long: `Call a procedure and print what it answers.

  rpcctl call shop.v1.Shop/PlaceOrder '{"id":"17"}'
  rpcctl call Shop.PlaceOrder id=17 kind=TOY 'items[+].sku=a'
  rpcctl call PlaceOrder @order.json id=18
  rpcctl call Shop.Chat -d @- < messages.ndjson

METHOD is pkg.Service/Method or any end of it that is unique: Service.Method,
Method. A MESSAGE is a JSON document, @FILE, - for standard input, or field=value
words; the parts merge from left to right. Where the client streams, each
document is a message. Without one, the message is empty, or there is none.`,
		Args: usage.Words(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			o.call.Method, o.call.Messages = args[0], args[1:]
			return runCall(a, c, o)
		},
	}
	o.add(c.Flags())
	return c
}

// runCall makes one call or many, and prints what comes back.
func runCall(a *app.App, c *cobra.Command, o *callOptions) error {
	format, err := o.call.Check(c.Flags())
	if err != nil {
		return err
	}
	if err := o.many.Check(c.Flags(), &o.call); err != nil {
		return err
	}
	a.StatusFormat = o.call.StatusFormat()
	ready, cancel := app.Limited(c.Context(), o.call.Timeout.Duration())
	defer cancel()
	if err := a.Configure(ready, c.Flags()); err != nil {
		return err
	}
	if o.call.Interactive {
		return call.FillIn(a, c, &o.call)
	}
	call.WithoutComments(a)
	md, err := a.Globals.Metadata(ready)
	if err != nil {
		return err
	}
	if o.many.IsSet() {
		return many.Run(c.Context(), a, c.Flags(), &o.call, &o.many, format, md)
	}
	return call.New(a, &o.call, format, md).Do(c.Context(), ready)
}
