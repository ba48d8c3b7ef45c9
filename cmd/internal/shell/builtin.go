package shell

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/usage"
)

// builtin is a command that makes sense only in the shell.
func builtin(use, short string, least, most int, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: usage.Words(least, most),
		RunE: func(c *cobra.Command, args []string) error {
			return run(c.Context(), args)
		},
	}
}
