package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/cmd/internal/version"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
)

// newRoot builds a fresh command tree. Building one for each command line keeps
// flags from leaking from one to the next.
func newRoot(a *app.App) *cobra.Command {
	root := &cobra.Command{
		Use:   "rpcctl",
		Short: "The terminal for remote procedures",
		Long: `rpcctl finds a server's procedures, calls them, and prints what they answer.

  rpcctl -a localhost:50051 list
  rpcctl -a localhost:50051 describe shop.v1.Shop
  rpcctl -a localhost:50051 call Shop.PlaceOrder '{"id":"17"}'
  rpcctl -a localhost:50051 call Shop.PlaceOrder id=17 kind=TOY

To try it with no server: the target demo: is one inside rpcctl.

  rpcctl -a demo: call Greeter.SayHello name=World

Exit codes: 0 done, 1 failed outside an RPC, or a stream ended before its input,
2 usage or bad input, 64 + code for an RPC status (69 is NOT_FOUND), 130
interrupted outside a call.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              noCommand,
		PersistentPreRunE: func(c *cobra.Command, args []string) error { return useContext(a, c, args) },

		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
		Version: version.String(),
	}
	root.SetIn(a.Env.Stdin)
	root.SetOut(a.Env.Stdout)
	root.SetErr(a.Env.Stderr)
	root.SetFlagErrorFunc(usage.FlagError)
	a.Globals.Add(root.PersistentFlags())
	root.AddCommand(newCall(a), newList(a), newDescribe(a), newConvert(a), newHealth(a), newDiagnose(a), newContext(a),
		newCache(a), newExport(a), newDemo(a), newShellCommand(a), newVersion(a))
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}

// noCommand explains a first word that is no command but a target or a method, which people
// who know other tools type.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("%q: no such command", invoke.MaskTarget(args[0]))
	if t, terr := invoke.ParseTarget(args[0]); terr == nil {
		rest := strings.Join(args[1:], " ")
		if len(args) > 1 && !usage.IsCommand(c, args[1]) {
			rest = "call " + rest
		}
		return problem.Usage(err, strings.TrimSpace(fmt.Sprintf("a target goes behind -a: rpcctl -a %s %s", t, rest)))
	}
	if _, _, merr := discovery.ParseMethod(args[0]); merr == nil && strings.ContainsAny(args[0], "./") {
		return problem.Usage(err, "to call a method: rpcctl call "+args[0])
	}
	return usage.NoSuchCommand(c, args[0])
}

// withoutContext are the commands that use no context. Each line of a shell does so by
// itself.
var withoutContext = []string{
	"version", "help", "demo", "completion", "context", "cache", "shell",
	cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd,
}

// useContext fills in the flags that were not given from the context in use. It runs before
// every command.
func useContext(a *app.App, c *cobra.Command, args []string) error {
	if c.Parent() == nil {
		return nil // it prints help
	}
	for p := c; p != nil; p = p.Parent() {
		if slices.Contains(withoutContext, p.Name()) {
			return nil
		}
	}
	if c.Name() == "diagnose" && len(args) == 1 {
		if a.Globals.AddressGiven(c.Flags()) {
			return problem.Usage(fmt.Errorf("%s and --addr both name a target", args[0]), "")
		}
		if err := c.Flags().Set("addr", args[0]); err != nil {
			return err
		}
	}
	return a.Globals.LoadContext(c.Flags())
}
