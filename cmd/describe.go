package cmd

import (
	"bufio"
	"context"
	"errors"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
	"github.com/rpcctl/rpcctl/formatters"
)

// describeOptions are the flags of describe.
type describeOptions struct {
	skeleton    bool
	msgTemplate bool
	deps        bool
	format      flags.Choice
	export      exportOptions
	timeout     flags.Seconds
}

func newDescribe(a *app.App) *cobra.Command {
	o := &describeOptions{format: flags.Choice{Allowed: []string{"text", "json", "yaml"}}}
	c := &cobra.Command{
		Use:     "describe [SYMBOL...]",
		Aliases: []string{"desc"},
		Short:   "Describe services, methods, messages, enums and fields",
		Long: `Print the definition of symbols, with their comments, as proto source.

  rpcctl -a localhost:50051 describe Shop
  rpcctl -a localhost:50051 describe Order --deps
  rpcctl -a localhost:50051 describe -o json shop.v1.Order
  rpcctl -a localhost:50051 describe --skeleton Shop.PlaceOrder > order.json

Without a symbol all services are described. --skeleton prints a request to fill
in, for a message or for the request of a method: JSON with comments, which call
reads, or YAML with comments (-o yaml), or plain JSON (-o json).`,
		RunE: func(c *cobra.Command, args []string) error {
			defer app.Within(c, o.timeout)()
			return describe(a, c, o, args)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.skeleton, "skeleton", false, "print a request to fill in, and nothing else")
	f.BoolVar(&o.msgTemplate, "msg-template", false,
		"print the definition of a message and then a JSON request to fill in")
	f.BoolVar(&o.deps, "deps", false, "also describe the messages and enums that a symbol refers to")
	f.VarP(&o.format, "output", "o", "how to print it")
	o.export.add(f)
	app.AddTimeout(f, &o.timeout)
	return c
}

func describe(a *app.App, c *cobra.Command, o *describeOptions, names []string) error {
	if err := o.check(names); err != nil {
		return err
	}
	source, err := a.Source(c.Context(), c.Flags())
	if err != nil {
		return err
	}
	symbols, faults, err := describedSymbols(c.Context(), source, names)
	if err != nil {
		return err
	}
	types, err := a.Session.Types(c.Context())
	if err != nil {
		return err
	}
	if o.export.isSet() {
		if err := writeSchema(a, &o.export, discovery.Closure(symbols...), nil); err != nil {
			return err
		}
	}
	if o.deps {
		symbols = discovery.Reach(symbols...)
	}
	err = a.Env.Print(func(w *bufio.Writer) error {
		for i, d := range symbols {
			if i > 0 && o.format.Value != "json" {
				w.WriteByte('\n')
			}
			if err := o.describe(w, d,
				formatters.Options{Types: types, Color: a.Colored(a.Env.StdoutTTY), Width: a.Env.Width}); err != nil {
				return err
			}
		}
		return nil
	})
	return problem.WithFaults(err, faults)
}

// check returns a usage error for flags that do not go together.
func (o *describeOptions) check(names []string) error {
	switch {
	case o.format.Value == "yaml" && !o.skeleton:
		return problem.Usage(errors.New("-o yaml is for --skeleton"), "-o json describes for programs")
	case o.skeleton && len(names) == 0:
		return problem.Usage(errors.New("--skeleton needs a message or a method"), "")
	case o.export.protoset == "-":
		return problem.Usage(errors.New("describe writes what it describes to standard output"),
			"export --protoset-out - writes a descriptor set there")
	}
	return nil
}

// describedSymbols finds the symbols that are named, or all services. Of all
// services, one that has no descriptor does not hide the others: it is a fault.
func describedSymbols(
	ctx context.Context, source discovery.Source, names []string,
) (symbols []protoreflect.Descriptor, faults []error, err error) {
	if len(names) > 0 {
		symbols, err = findSymbols(ctx, source, names)
		return symbols, nil, err
	}
	services, err := source.Services(ctx)
	if err != nil {
		return nil, nil, err
	}
	discovery.Prefetch(ctx, source, services)
	for _, s := range services {
		d, err := source.Find(ctx, s)
		switch {
		case err == nil:
			symbols = append(symbols, d)
		case broken(err):
			faults = append(faults, err)
		default:
			return nil, nil, err
		}
	}
	return symbols, faults, nil
}

// broken reports whether an error is that of one file or symbol, and not of the way
// to the schema.
func broken(err error) bool {
	return errors.Is(err, discovery.ErrNotFound) || errors.As(err, new(*discovery.DescriptorError)) ||
		errors.As(err, new(*discovery.SyntaxError)) || errors.As(err, new(*discovery.ImportError))
}

// describe prints one symbol.
func (o *describeOptions) describe(w *bufio.Writer, d protoreflect.Descriptor, fo formatters.Options) error {
	message, isMessage := d.(protoreflect.MessageDescriptor)
	switch {
	case o.skeleton:
		return o.writeRequest(w, d)
	case o.format.Value == "json":
		return formatters.WriteDescriptorJSON(w, d, fo)
	}
	if err := formatters.WriteDescriptor(w, d, fo); err != nil {
		return err
	}
	if !o.msgTemplate || !isMessage {
		return nil
	}
	w.WriteString("\nMessage template:\n")
	return writeSkeleton(w, message)
}

// writeRequest prints a request to fill in: of a message, or of what a method takes.
func (o *describeOptions) writeRequest(w *bufio.Writer, d protoreflect.Descriptor) error {
	if method, ok := d.(protoreflect.MethodDescriptor); ok {
		d = method.Input()
	}
	message, ok := d.(protoreflect.MessageDescriptor)
	if !ok {
		return problem.Usage(errors.New(string(d.FullName())+": has no request to fill in"),
			"name a message or a method")
	}
	if o.format.Value != "json" {
		return writeTemplate(w, message, o.format.Value)
	}
	return writeSkeleton(w, message)
}

// writeSkeleton prints a JSON request to fill in.
func writeSkeleton(w *bufio.Writer, message protoreflect.MessageDescriptor) error {
	request, err := skeleton.Of(message)
	if err != nil {
		return err
	}
	w.Write(formatters.CleanJSON(request))
	if len(request) > 0 && request[len(request)-1] != '\n' {
		w.WriteByte('\n')
	}
	return nil
}

// writeTemplate prints a request to fill in, with comments.
func writeTemplate(w *bufio.Writer, message protoreflect.MessageDescriptor, format string) error {
	form := skeleton.JSON
	if format == "yaml" {
		form = skeleton.YAML
	}
	text, err := skeleton.Commented(message, form)
	if err != nil {
		return err
	}
	_, err = w.Write(formatters.CleanJSON(text))
	return err
}
