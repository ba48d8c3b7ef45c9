package cmd

import (
	"io"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
)

// With a limit above the default there is no soft limit of memory.
func TestNoMemoryLimit(t *testing.T) {
	if os.Getenv("GOMEMLIMIT") != "" {
		t.Skip("the limit is the user's")
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	before := debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetMemoryLimit(before)
		memory.Unlimited.Store(false)
		memory.Served.Store(false)
	}()
	for _, c := range []struct {
		args []string
		want int64
	}{
		{[]string{"call", "SayHello", "-a", "demo:", "--max-recv-size", "64MiB"}, memory.Soft},
		{[]string{"call", "SayHello", "-a", "demo:", "--max-recv-size", "65MiB"}, math.MaxInt64},
		{[]string{"demo", "--listen", "nowhere"}, memory.Soft},
	} {
		debug.SetMemoryLimit(memory.Soft)
		memory.Unlimited.Store(false)
		env := env.Process()
		env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), io.Discard, io.Discard
		Run(t.Context(), env, c.args)
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("%q: the limit is %d, want %d", c.args, got, c.want)
		}
		if got := memory.Unlimited.Load(); got != (c.want == math.MaxInt64) {
			t.Errorf("%q: unlimited %v", c.args, got)
		}
	}
}
