// Command rpcctl is the terminal for remote procedures: it lists, describes and
// calls them.
package main

import (
	"os"

	"github.com/rpcctl/rpcctl/cmd"
)

func main() { os.Exit(cmd.Main()) }
