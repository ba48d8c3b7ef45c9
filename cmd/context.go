package cmd

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/formatters"
)

// contextOptions are the flags of the context commands.
type contextOptions struct {
	output  flags.Choice
	project bool
	none    bool
	revoke  bool
	yes     bool
}

func newContext(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "context",
		Short: "Named targets with their settings",
		Long: `Keep targets with their settings under a name, and use them by it.

  rpcctl context set staging addr=shop.example.com:443 bearer-env=STAGING_TOKEN
  rpcctl context use staging
  rpcctl call Shop.GetOrder id=17
  rpcctl --context staging health
  rpcctl context show

Contexts live in config.yaml in the folder rpcctl of the user's configuration, and
in a file .rpcctl.yaml in a project's folder or above, which is found from there.
A setting has the name of a flag, without its dashes. Flags count before the
environment, and that before the current context. With -a or RPCCTL_ADDR no context
is in force, that of RPCCTL_CONTEXT included, unless --context names one: its target
counts before RPCCTL_ADDR, and -a before its target.

Secrets are not kept, only where they are: bearer-env, bearer-file, auth-command,
headers.NAME.env, headers.NAME.file. A project file may say where things are, but
before rpcctl context trust it gets no secret, runs no program, repeats no call, and
takes precedence over no context of the user's: a name that both have is an error.`,
		Args: usage.Words(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newContextList(a), newContextShow(a), newContextSet(a), newContextUse(a),
		newContextRemove(a), newContextTrust(a), newContextSchema(a))
	return c
}

func textOrJSON() flags.Choice { return flags.Choice{Value: "text", Allowed: []string{"text", "json"}} }

// loadContexts loads the contexts of the user and of the project.
func loadContexts(a *app.App) (*config.Store, *config.Contexts, error) {
	store, err := globals.ContextStore(a.Env)
	if err != nil {
		return nil, nil, err
	}
	c, err := store.Load()
	if err != nil {
		return nil, nil, globals.UsageIfSyntax(err)
	}
	if c.PassedOver != nil {
		a.Env.Say(c.PassedOver.Error())
	}
	for _, f := range []*config.File{c.User, c.Project} {
		if f == nil {
			continue
		}
		for _, w := range f.Warnings {
			a.Env.Say(fmt.Sprintf("%s:%d: %s", f.Path, w.Line, w.Text))
		}
	}
	return store, c, nil
}

func newContextList(a *app.App) *cobra.Command {
	o := &contextOptions{output: textOrJSON()}
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the contexts",
		Args:    usage.Words(0, 0),
		RunE:    func(*cobra.Command, []string) error { return contextList(a, o) },
	}
	c.Flags().VarP(&o.output, "output", "o", "format")
	return c
}

// contextRow is a context in a list.
type contextRow struct {
	Name    string `json:"name"`
	Addr    string `json:"addr"`
	File    string `json:"file"`
	Current bool   `json:"current"`
	Trusted bool   `json:"trusted"`
}

func contextList(a *app.App, o *contextOptions) error {
	_, c, err := loadContexts(a)
	if err != nil {
		return err
	}
	current, _ := c.Current()
	rows := []contextRow{}
	for _, f := range []*config.File{c.Project, c.User} {
		if f == nil {
			continue
		}
		for _, x := range f.Contexts {
			used, _ := c.Find(current) // when two contexts share a name and nobody chose one, neither is in use
			rows = append(rows, contextRow{x.Name, x.Get("addr"), f.Path, used == x, f.Trusted})
		}
	}
	if o.output.Value == "json" {
		return a.Env.PrintJSON(rows)
	}
	return a.Env.Print(func(w *bufio.Writer) error {
		name, addr := 0, 0
		for _, r := range rows {
			name, addr = max(name, len(r.Name)), max(addr, len(r.Addr))
		}
		for _, r := range rows {
			mark, trust := " ", ""
			if r.Current {
				mark = "*"
			}
			if !r.Trusted {
				trust = " (not trusted)"
			}
			fmt.Fprintf(w, "%s %s\n", mark,
				formatters.CleanLine(fmt.Sprintf("%-*s  %-*s  %s%s", name, r.Name, addr, r.Addr, r.File, trust)))
		}
		return nil
	})
}

func newContextUse(a *app.App) *cobra.Command {
	o := &contextOptions{}
	c := &cobra.Command{
		Use:   "use NAME",
		Short: "Make a context the current one",
		Args: func(c *cobra.Command, args []string) error {
			if o.none {
				return usage.Words(0, 0)(c, args)
			}
			return usage.Words(1, 1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			store, err := globals.ContextStore(a.Env)
			if err != nil {
				return err
			}
			err = store.Change(c.Context(), o.project, func(all *config.Contexts) ([]config.Edit, error) {
				e := config.Edit{Path: []string{"current"}}
				if !o.none {
					switch found, err := all.Find(args[0]); {
					case err != nil:
						return nil, globals.Clash(err)
					case found == nil:
						return nil, globals.UnknownContext(args[0], "context use", all)
					}
					e.Values = args
				}
				return []config.Edit{e}, nil
			})
			if err != nil {
				return globals.UsageIfSyntax(err)
			}
			a.Runner.ContextChanged()
			if !o.none && a.Env.Getenv("RPCCTL_ADDR") != "" {
				a.Env.Say(globals.AddrFirst("the current context"))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&o.project, "project", false, "for the project's folder alone, in its .rpcctl.yaml")
	c.Flags().BoolVar(&o.none, "none", false, "use none")
	return c
}

func newContextRemove(a *app.App) *cobra.Command {
	o := &contextOptions{}
	c := &cobra.Command{
		Use:     "remove NAME",
		Aliases: []string{"rm"},
		Short:   "Remove a context",
		Args:    usage.Words(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			store, err := globals.ContextStore(a.Env)
			if err != nil {
				return err
			}
			return globals.UsageIfSyntax(store.Change(c.Context(), o.project,
				func(all *config.Contexts) ([]config.Edit, error) {
					f := all.User
					if o.project {
						f = all.Project
					}
					elsewhere := all.User.Context(args[0])
					if elsewhere == nil {
						elsewhere = all.Project.Context(args[0])
					}
					switch {
					case f.Context(args[0]) != nil:
					case elsewhere == nil:
						return nil, globals.UnknownContext(args[0], "context remove", all)
					default:
						hint := "--project removes it there"
						if o.project {
							hint = "without --project it is removed there"
						}
						return nil, problem.Usage(fmt.Errorf("context remove: the context %s is in %s", args[0],
							elsewhere.File.Path), hint)
					}
					edits := []config.Edit{{Path: []string{"contexts", args[0]}}}
					if f.Current == args[0] {
						edits = append(edits, config.Edit{Path: []string{"current"}})
					}
					return edits, nil
				}))
		},
	}
	c.Flags().BoolVar(&o.project, "project", false, "from the project's file .rpcctl.yaml")
	return c
}

func newContextSchema(a *app.App) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of the files, for editors",
		Args:  usage.Words(0, 0),
		RunE: func(*cobra.Command, []string) error {
			text, err := config.Schema()
			if err != nil {
				return err
			}
			return a.Env.Print(func(w *bufio.Writer) error {
				w.Write(text)
				w.WriteByte('\n')
				return nil
			})
		},
	}
}

// contextNames are the names of the contexts.
func contextNames(a *app.App) []string {
	_, c, err := loadContexts(a)
	if err != nil {
		return nil
	}
	return c.Names()
}
