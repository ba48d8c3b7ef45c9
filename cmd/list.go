package cmd

import (
	"bufio"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func (a *app) newList() *cobra.Command {
	return &cobra.Command{
		Use:     "list [SERVICE | PATTERN]",
		Aliases: []string{"ls"},
		Short:   "List services, or the methods of a service",
		Long: `List the services of a server or of schema files, or the methods of one service.

  rpcctl -a localhost:50051 list
  rpcctl -a localhost:50051 list Shop
  rpcctl -a localhost:50051 list 'shop.*'
  rpcctl --protoset shop.binpb list

One full name a line, sorted. In a PATTERN, * stands for anything and ? for one
character.`,
		Args: words(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			names, err := a.list(c, args)
			if err != nil {
				return err
			}
			return a.print(func(w *bufio.Writer) error {
				for _, n := range names {
					w.WriteString(formatters.Clean(n, false))
					w.WriteByte('\n')
				}
				return nil // errors of w are kept until it is flushed
			})
		},
	}
}

func (a *app) list(c *cobra.Command, args []string) ([]string, error) {
	source, err := a.source(c)
	if err != nil {
		return nil, err
	}
	if len(args) == 1 && !strings.ContainsAny(args[0], "*?") {
		return listMethods(c.Context(), source, args[0])
	}
	services, err := source.Services(c.Context())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range services {
		if len(args) == 0 || matches(args[0], string(s)) {
			names = append(names, string(s))
		}
	}
	if len(args) == 1 && len(names) == 0 {
		return nil, usage(fmt.Errorf("%q: no service matches", args[0]), "rpcctl list shows all of them")
	}
	return names, nil
}

// matches tells whether a name fits a pattern in which * stands for anything and
// ? for one character; the name of a package has no other marks.
func matches(pattern, name string) bool {
	ok, err := path.Match(strings.NewReplacer(`\`, `\\`, "[", `\[`).Replace(pattern), name)
	return err == nil && ok
}

// listMethods returns the full names of a service's methods, with dots.
func listMethods(ctx context.Context, source discovery.Source, name string) ([]string, error) {
	d, err := discovery.FindSymbol(ctx, source, name)
	if err != nil {
		return nil, err
	}
	service, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, usage(fmt.Errorf("%s: not a service", d.FullName()), fmt.Sprintf("rpcctl describe %s", d.FullName()))
	}
	var names []string
	for i := range service.Methods().Len() {
		names = append(names, string(service.Methods().Get(i).FullName()))
	}
	return names, nil
}
