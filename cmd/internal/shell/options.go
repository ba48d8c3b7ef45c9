package shell

import (
	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/spf13/cobra"
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
