package cmd

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addTimeout defines the limit of a command that asks a server for no more than its
// schema.
func addTimeout(f *pflag.FlagSet, timeout *seconds) {
	f.Var(timeout, "timeout", "limit of the whole: 2.5 (seconds), 200ms")
	addAlias(f, "max-time", "timeout")
}

// within gives a command its limit. The function that it returns ends it.
func within(c *cobra.Command, timeout seconds) func() {
	if timeout <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(c.Context(), durationOf(timeout))
	c.SetContext(ctx)
	return cancel
}
