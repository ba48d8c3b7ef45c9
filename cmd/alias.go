package cmd

import "github.com/rpcctl/rpcctl/cmd/internal/env"

// Env is the outside world of one command line: streams, terminal facts, environment and
// clock. Run takes one.
type Env = env.Env
