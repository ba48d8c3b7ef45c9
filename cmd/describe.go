package cmd

import (
	"bufio"
	"context"
	"errors"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// describeOptions are the flags of describe.
type describeOptions struct {
	skeleton    bool
	msgTemplate bool
}

func (a *app) newDescribe() *cobra.Command {
	o := &describeOptions{}
	c := &cobra.Command{
		Use:     "describe [SYMBOL...]",
		Aliases: []string{"desc"},
		Short:   "Describe services, methods, messages, enums and fields",
		Long: `Print the definition of symbols, with their comments, as proto source.

  rpcctl -a localhost:50051 describe Shop
  rpcctl -a localhost:50051 describe shop.v1.Order
  rpcctl -a localhost:50051 describe --skeleton Shop.PlaceOrder > order.json

Without a symbol all services are described. --skeleton prints a JSON request to
fill in, for a message or for the request of a method.`,
		RunE: func(c *cobra.Command, args []string) error { return a.describe(c, o, args) },
	}
	c.Flags().BoolVar(&o.skeleton, "skeleton", false, "print a JSON request to fill in, and nothing else")
	c.Flags().BoolVar(&o.msgTemplate, "msg-template", false, "print the definition of a message and then a JSON request to fill in")
	return c
}

func (a *app) describe(c *cobra.Command, o *describeOptions, names []string) error {
	source, err := a.source(c)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		if o.skeleton {
			return usage(errors.New("--skeleton needs a message or a method"), "")
		}
		if names, err = serviceNames(c.Context(), source); err != nil {
			return err
		}
	}
	var symbols []protoreflect.Descriptor
	for _, name := range names {
		d, err := findSymbol(c.Context(), source, name)
		if err != nil {
			return err
		}
		symbols = append(symbols, d)
	}
	types, err := a.session.Types(c.Context())
	if err != nil {
		return err
	}
	return a.print(func(w *bufio.Writer) error {
		for i, d := range symbols {
			if i > 0 {
				w.WriteByte('\n')
			}
			if err := o.describe(w, d, formatters.Options{Types: types, Color: a.colour(a.env.StdoutTTY), Width: a.env.Width}); err != nil {
				return err
			}
		}
		return nil
	})
}

// findSymbol finds a symbol, or the method that call would find under the name.
func findSymbol(ctx context.Context, source discovery.Source, name string) (protoreflect.Descriptor, error) {
	d, err := discovery.FindSymbol(ctx, source, name)
	if !errors.Is(err, discovery.ErrNotFound) {
		return d, err
	}
	m, merr := discovery.FindMethod(ctx, source, name)
	if merr == nil || errors.As(merr, new(*discovery.AmbiguousError)) {
		return m, merr
	}
	return nil, err
}

func serviceNames(ctx context.Context, source discovery.Source) ([]string, error) {
	services, err := source.Services(ctx)
	var names []string
	for _, s := range services {
		names = append(names, string(s))
	}
	return names, err
}

// describe prints one symbol.
func (o *describeOptions) describe(w *bufio.Writer, d protoreflect.Descriptor, fo formatters.Options) error {
	message, isMessage := d.(protoreflect.MessageDescriptor)
	if method, ok := d.(protoreflect.MethodDescriptor); ok && o.skeleton {
		message, isMessage = method.Input(), true
	}
	if o.skeleton && !isMessage {
		return usage(errors.New(string(d.FullName())+": has no request to fill in"), "name a message or a method")
	}
	if !o.skeleton {
		if err := formatters.WriteDescriptor(w, d, fo); err != nil {
			return err
		}
	}
	if !o.skeleton && !(o.msgTemplate && isMessage) {
		return nil
	}
	skeleton, err := discovery.Skeleton(message)
	if err != nil {
		return err
	}
	if o.msgTemplate && !o.skeleton {
		w.WriteString("\nMessage template:\n")
	}
	w.Write(skeleton)
	if len(skeleton) > 0 && skeleton[len(skeleton)-1] != '\n' {
		w.WriteByte('\n')
	}
	return nil
}
