package cmd

import (
	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/spf13/cobra"
)

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
			o.method, o.messages = args[0], args[1:]
			return runCall(a, c, o)
		},
	}
	o.add(c.Flags())
	return c
}
