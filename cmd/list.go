package cmd

import (
	"bufio"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
)

func newList(a *app.App) *cobra.Command {
	format := &flags.Choice{Allowed: []string{"text", "table", "json"}}
	var timeout flags.Seconds
	c := &cobra.Command{
		Use:     "list [SERVICE | PATTERN]",
		Aliases: []string{"ls"},
		Short:   "List services, or the methods of a service",
		Long: `List the services of a server or of schema files, or the methods of one service.

  rpcctl -a localhost:50051 list
  rpcctl -a localhost:50051 list Shop
  rpcctl -a localhost:50051 list 'shop.*'
  rpcctl --protoset shop.binpb list -o table

One full name a line, sorted. In a PATTERN, * stands for anything and ? for one
character. With -v and -o table the kind, the types of a method, and what is
deprecated are shown too; -o json has the same for programs.`,
		Args: usage.Words(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			defer app.Within(c, timeout)()
			return list(a, c, args, format.Value)
		},
	}
	app.AddTimeout(c.Flags(), &timeout)
	c.Flags().VarP(format, "output", "o", "how to print it")
	return c
}

// A listed is a line of a list.
type listed struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"` // service, or the shape of a method
	Methods    *int   `json:"methods,omitempty"`
	Request    string `json:"request,omitempty"`
	Response   string `json:"response,omitempty"`
	Deprecated bool   `json:"deprecated,omitempty"`
}

func list(a *app.App, c *cobra.Command, args []string, format string) error {
	source, err := a.Source(c.Context(), c.Flags())
	if err != nil {
		return err
	}
	full := format == "table" || format == "json" || a.Globals.Verbose > 0
	var rows []listed
	var services []protoreflect.FullName
	var faults []error
	if len(args) == 1 && !strings.ContainsAny(args[0], "*?") {
		rows, err = listMethods(c.Context(), source, args[0])
	} else if services, err = listServices(c.Context(), source, args); err == nil && full {
		rows, faults, err = describeServices(c.Context(), source, services)
	}
	if err != nil {
		return err
	}
	for _, f := range discovery.Faults(source) {
		fmt.Fprintf(a.Env.Stderr, "rpcctl: passed over: %s\n", formatters.Clean(f.Error(), true))
	}
	err = a.Env.Print(func(w *bufio.Writer) error {
		if full {
			return printList(w, rows, format, a.Env.Width)
		}
		for _, r := range rows {
			printName(w, r.Name)
		}
		for _, s := range services {
			printName(w, string(s))
		}
		return nil
	})
	return problem.WithFaults(err, faults)
}

// listServices returns the full names of the services that fit the pattern, if there
// is one.
func listServices(ctx context.Context, source discovery.Source, args []string) ([]protoreflect.FullName, error) {
	services, err := source.Services(ctx)
	if err != nil || len(args) == 0 {
		return services, err
	}
	names := slices.DeleteFunc(services, func(s protoreflect.FullName) bool { return !matches(args[0], string(s)) })
	if len(names) == 0 {
		return nil, problem.Usage(fmt.Errorf("%q: no service matches", args[0]), "rpcctl list shows all of them")
	}
	return names, nil
}

// describeServices looks at services. Those that have no descriptor are listed by name, and
// are faults.
func describeServices(
	ctx context.Context, source discovery.Source, names []protoreflect.FullName,
) (rows []listed, faults []error, err error) {
	discovery.Prefetch(ctx, source, names)
	for _, n := range names {
		row := listed{Name: string(n), Kind: "service"}
		d, err := source.Find(ctx, n)
		switch sd, ok := d.(protoreflect.ServiceDescriptor); {
		case ok:
			methods := sd.Methods().Len()
			row.Methods, row.Deprecated = &methods, formatters.Deprecated(sd)
		case err != nil && !broken(err):
			return nil, nil, err
		case err != nil:
			faults = append(faults, err)
		}
		rows = append(rows, row)
	}
	return rows, faults, nil
}

// matches reports whether a name fits a pattern in which * stands for anything and
// ? for one character; the name of a package has no other marks.
func matches(pattern, name string) bool {
	ok, err := path.Match(strings.NewReplacer(`\`, `\\`, "[", `\[`).Replace(pattern), name)
	return err == nil && ok
}

// listMethods returns the methods of a service, by full names with dots.
func listMethods(ctx context.Context, source discovery.Source, name string) ([]listed, error) {
	d, err := discovery.FindSymbol(ctx, source, name)
	if err != nil {
		return nil, err
	}
	service, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, problem.Usage(fmt.Errorf("%s: not a service", d.FullName()),
			fmt.Sprintf("rpcctl describe %s", d.FullName()))
	}
	var rows []listed
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		rows = append(rows, listed{
			Name: string(m.FullName()), Kind: invoke.StreamKind(m), Deprecated: formatters.Deprecated(m),
			Request: string(m.Input().FullName()), Response: string(m.Output().FullName()),
		})
	}
	return rows, nil
}

// printList prints rows. Errors of w are kept until it is flushed.
func printList(w *bufio.Writer, rows []listed, format string, width int) error {
	switch format {
	case "json":
		for _, r := range rows {
			if err := formatters.WriteJSON(w, r); err != nil {
				return err
			}
		}
	default:
		head := []string{"name", "kind", "methods", "request", "response", ""}
		cells := make([][]string, len(rows))
		for i, r := range rows {
			cells[i] = r.cells()
		}
		if format != "table" {
			head = nil
		}
		return formatters.WriteGrid(w, head, cells, width)
	}
	return nil
}

// printName prints a line of a plain list. Errors of w are kept until it is flushed.
func printName(w *bufio.Writer, name string) {
	w.WriteString(formatters.CleanLine(name))
	w.WriteByte('\n')
}

func (r listed) cells() []string {
	methods, deprecated := "", ""
	if r.Methods != nil {
		methods = strconv.Itoa(*r.Methods)
	}
	if r.Deprecated {
		deprecated = "deprecated"
	}
	return []string{r.Name, r.Kind, methods, r.Request, r.Response, deprecated}
}
