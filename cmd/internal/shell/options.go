package shell

import (
	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
)

// Options are the flags of shell.
type Options struct {
	Lines     []string // -c
	File      string   // -f
	Plain     bool
	Quiet     bool
	Echo      bool
	KeepGoing bool
	NoShell   bool
	NoHistory bool
}

// A commandTree builds the commands of the command line, for one line of the shell.
type commandTree func(*app.App) *cobra.Command
