package app

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
)

// AddTimeout defines the limit of a command that asks a server for no more than its
// schema.
func AddTimeout(f *pflag.FlagSet, timeout *flags.Seconds) {
	f.Var(timeout, "timeout", "limit for the whole command: 2.5 (seconds), 200ms")
	flags.AddAlias(f, "max-time", "timeout")
}

// Within gives a command its limit. The function that it returns ends it.
func Within(c *cobra.Command, timeout flags.Seconds) func() {
	ctx, cancel := Limited(c.Context(), timeout.Duration())
	c.SetContext(ctx)
	return cancel
}

// Limited returns a context with a limit; 0 means none. Reading the input before a call is
// subject to the limit of the call.
func Limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}
