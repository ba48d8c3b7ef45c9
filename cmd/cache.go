package cmd

import (
	"bufio"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/diskcache"
)

// newCache is "cache show" and "cache clear".
func newCache(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "cache show|clear",
		Short: "Show or clear what is remembered of schemas",
		Long: `What servers told of their schemas, and compiled .proto files, are remembered in
the cache folder of the user, so that a call needs not ask first. A schema that
has changed is noticed and asked for again; --no-cache does without.

  rpcctl cache show
  rpcctl cache clear`,
		Args: usage.Words(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			return problem.Usage(fmt.Errorf("cache: %q is neither show nor clear", args[0]), "rpcctl cache show")
		},
	}
	var format flags.Choice
	format.Allowed = []string{"text", "json"}
	show := &cobra.Command{
		Use:   "show",
		Short: "Show the folder, and what is remembered in it",
		Args:  usage.Words(0, 0),
		RunE:  func(*cobra.Command, []string) error { return showCache(a, format.Value == "json") },
	}
	show.Flags().VarP(&format, "output", "o", "how to print it")
	c.AddCommand(show, &cobra.Command{
		Use:   "clear",
		Short: "Forget all of it",
		Args:  usage.Words(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if err := diskcache.New(a.Env.CacheDir).Clear(); err != nil {
				return fmt.Errorf("clearing the cache: %w", err)
			}
			return nil
		},
	})
	return c
}

// A cachedGroup is what is remembered of one server, or of one tree of files.
type cachedGroup struct {
	Of      string    `json:"of"`
	Entries int       `json:"entries"`
	Bytes   int64     `json:"bytes"`
	At      time.Time `json:"confirmed"`
}

func showCache(a *app.App, asJSON bool) error {
	entries, err := diskcache.New(a.Env.CacheDir).Entries()
	if err != nil {
		return fmt.Errorf("reading the cache: %w", err)
	}
	groups := []*cachedGroup{}
	for _, e := range entries {
		if len(groups) == 0 || groups[len(groups)-1].Of != e.Group {
			groups = append(groups, &cachedGroup{Of: e.Group})
		}
		g := groups[len(groups)-1]
		g.Entries++
		g.Bytes += e.Bytes
		if e.At.After(g.At) {
			g.At = e.At.UTC().Truncate(time.Second)
		}
	}
	return a.Env.Print(func(w *bufio.Writer) error {
		if asJSON {
			return formatters.WriteJSON(w, map[string]any{"folder": a.Env.CacheDir, "groups": groups})
		}
		fmt.Fprintf(w, "folder  %s\n", formatters.CleanLine(a.Env.CacheDir))
		for _, g := range groups {
			of := strings.TrimPrefix(g.Of, session.TargetGroup)
			fmt.Fprintf(w, "%s  %d entries, %d bytes, %s\n", formatters.CleanLine(of), g.Entries, g.Bytes,
				g.At.Format(time.RFC3339))
		}
		return nil
	})
}
