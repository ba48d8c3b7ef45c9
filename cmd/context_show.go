package cmd

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/config"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/header"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/secret"
)

func newContextShow(a *app.App) *cobra.Command {
	o := &contextOptions{output: textOrJSON()}
	c := &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show the settings in force, and where each comes from",
		Long: `Show the settings that a command would use here, or with the context NAME, and where
each comes from: a flag, the environment, a line of a file, or the default.

  rpcctl context show
  rpcctl context show staging
  rpcctl context show -a localhost:50051

Secrets are not looked at: what is shown is where they are.`,
		Args: usage.Words(0, 1),
		RunE: func(c *cobra.Command, args []string) error { return contextShow(a, c, o, args) },
	}
	c.Flags().VarP(&o.output, "output", "o", "format")
	return c
}

// settingRow is a setting in force.
type settingRow struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

// shown is what context show prints.
type shown struct {
	Context string       `json:"context"`
	From    string       `json:"from,omitempty"`
	File    string       `json:"file,omitempty"`
	Trusted bool         `json:"trusted"`
	Rows    []settingRow `json:"settings"`
}

func contextShow(a *app.App, c *cobra.Command, o *contextOptions, args []string) error {
	f := c.Flags()
	if len(args) == 1 {
		if err := f.Set("context", args[0]); err != nil {
			return err
		}
	}
	asked := flagRows(a, f)
	store, all, err := loadContexts(a)
	if err != nil {
		return err
	}
	found, from, err := chosenContext(a, f, all)
	if err != nil {
		return err
	}
	s := shown{Rows: asked}
	if found != nil {
		s.Context, s.From, s.File, s.Trusted = found.Name, from, found.File.Path, found.File.Trusted
		s.Rows = append(s.Rows, contextRows(a, f, found)...)
	}
	s.Rows = append(s.Rows, environmentRows(a, f, found)...)
	s.Rows = slices.Concat(s.Rows, defaultRows(f, s.Rows))
	slices.SortStableFunc(s.Rows, func(x, y settingRow) int { return keyOrder(x.Key) - keyOrder(y.Key) })
	if o.output.Value == "json" {
		return a.Env.PrintJSON(s)
	}
	return a.Env.Print(func(w *bufio.Writer) error {
		writeShown(w, s, store.Path())
		if found != nil && !found.File.Trusted {
			fmt.Fprintf(w, "\n%s is not trusted (rpcctl context trust)\n", formatters.CleanLine(found.File.Path))
			writeAsks(w, found.File)
		}
		return nil
	})
}

// chosenContext returns the context that a command with these flags would use.
func chosenContext(a *app.App, f *pflag.FlagSet, all *config.Contexts) (*config.Context, string, error) {
	name, from := a.Globals.ContextName(f)
	if name == "" && from != "" {
		if current, _ := all.Current(); current != "" && from == "RPCCTL_ADDR" && a.Env.Getenv("RPCCTL_CONTEXT") == "" {
			a.Env.Say(globals.AddrFirst("the current context"))
		}
		return nil, "", nil
	}
	if name == "" {
		var file *config.File
		if name, file = all.Current(); name == "" {
			return nil, "", nil
		}
		from = file.Path
		a.Globals.SayOverlooked(all, name)
	}
	found, err := all.Find(name)
	if err != nil {
		return nil, "", globals.Clash(err)
	}
	if found == nil {
		return nil, "", globals.UnknownContext(name, from, all)
	}
	return found, from, nil
}

// flagRows are the settings that flags give.
func flagRows(a *app.App, f *pflag.FlagSet) []settingRow {
	var rows []settingRow
	for _, k := range config.Keys() {
		if flag := f.Lookup(k.Name); flag != nil && k.Name != "output" && flags.Changed(f, k.Name) {
			rows = append(rows, settingRow{k.Name, flagText(flag), "flag --" + k.Name})
		}
	}
	for _, text := range a.Globals.Headers() {
		if path, isFile := strings.CutPrefix(text, "@"); isFile {
			rows = append(rows, settingRow{"headers", "@" + path, "flag --header"})
			continue
		}
		name, value, err := header.Parse(text)
		if err != nil {
			continue
		}
		if secret.Request(name, value) {
			value = secret.Mask
		}
		rows = append(rows, settingRow{"headers." + name, value, "flag --header"})
	}
	return rows
}

// flagText is the value of a flag; of a list its elements.
func flagText(flag *pflag.Flag) string {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ", ")
	}
	return flag.Value.String()
}

// contextRows are the settings that a context gives beside the flags.
func contextRows(a *app.App, f *pflag.FlagSet, c *config.Context) []settingRow {
	given := a.Globals.Overridden(f)
	var rows []settingRow
	for _, s := range c.Settings {
		if given[s.Key] && s.Key != "output" {
			continue
		}
		s.Values = c.Resolve(s)
		rows = append(rows, settingRow{s.Key, globals.SettingText(s), c.Place(s.Line)})
	}
	return rows
}

// environmentRows are the settings that the environment gives.
func environmentRows(a *app.App, f *pflag.FlagSet, c *config.Context) []settingRow {
	if addr := a.Env.Getenv("RPCCTL_ADDR"); addr != "" && !a.Globals.AddressGiven(f) &&
		(c == nil || c.Get("addr") == "") {
		return []settingRow{{"addr", addr, "environment RPCCTL_ADDR"}}
	}
	return nil
}

// defaultRows are the settings that nobody gave and that have a value all the same.
func defaultRows(f *pflag.FlagSet, said []settingRow) []settingRow {
	var rows []settingRow
	for _, k := range config.Keys() {
		if slices.ContainsFunc(said, func(r settingRow) bool { return r.Key == k.Name }) || k.Name == "output" {
			continue
		}
		flag := f.Lookup(k.Name)
		if flag == nil {
			continue
		}
		switch flag.DefValue {
		case "", "false", "0", "0s", "[]":
			continue
		}
		rows = append(rows, settingRow{k.Name, flag.DefValue, "default"})
	}
	return rows
}

// keyOrder is the position of a key for people.
func keyOrder(key string) int {
	name, _, _ := strings.Cut(key, ".")
	return slices.IndexFunc(config.Keys(), func(k config.Key) bool { return k.Name == name })
}

// writeShown writes the settings for people.
func writeShown(w io.Writer, s shown, userFile string) {
	switch {
	case s.Context != "":
		fmt.Fprintf(w, "context %s (%s)\n", formatters.CleanLine(s.Context), formatters.CleanLine(chosenBy(s.From)))
	default:
		fmt.Fprintf(w, "no context; contexts are kept in %s\n", formatters.CleanLine(userFile))
	}
	key, value := 0, 0
	for _, r := range s.Rows {
		key, value = max(key, len(r.Key)), max(value, min(len(r.Value), 60))
	}
	for _, r := range s.Rows {
		fmt.Fprintln(w, formatters.CleanLine(fmt.Sprintf("  %-*s  %-*s  %s", key, r.Key, value, r.Value, r.Origin)))
	}
}

// chosenBy says what made a context the one in force.
func chosenBy(from string) string {
	if filepath.IsAbs(from) {
		return "current in " + from
	}
	return "named by " + from
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
