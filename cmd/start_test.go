package cmd

import (
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
)

// The soft limit of memory is there as long as it can be kept, and leaves room for the garbage
// of what is in use.
func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct{ held, least, most int64 }{
		{mostLive + 1<<20, math.MaxInt64, math.MaxInt64},
		{200 << 20, 250 << 20, 300 << 20},
		{0, softMemory, softMemory},
	} {
		held := make([]byte, c.held)
		runtime.GC()
		limitMemory()
		if got := debug.SetMemoryLimit(-1); got < c.least || got > c.most {
			t.Errorf("with %d bytes in use the limit is %d, want %d to %d", c.held, got, c.least, c.most)
		}
		runtime.KeepAlive(held)
	}
	memoryServed.Store(true)
	defer memoryServed.Store(false)
	held := make([]byte, mostLive+1<<20)
	runtime.GC()
	if limitMemory(); debug.SetMemoryLimit(-1) == math.MaxInt64 {
		t.Error("there is no limit while others are served")
	}
	runtime.KeepAlive(held)
}

// Who lets greater messages come in than the default has no soft limit.
func TestNoMemoryLimit(t *testing.T) {
	if os.Getenv("GOMEMLIMIT") != "" {
		t.Skip("the limit is the user's")
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	before := debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetMemoryLimit(before)
		memoryUnlimited.Store(false)
		memoryServed.Store(false)
	}()
	for _, c := range []struct {
		args []string
		want int64
	}{
		{[]string{"call", "SayHello", "-a", "demo:", "--max-recv-size", "64MiB"}, softMemory},
		{[]string{"call", "SayHello", "-a", "demo:", "--max-recv-size", "65MiB"}, math.MaxInt64},
		{[]string{"demo", "--listen", "nowhere"}, softMemory},
	} {
		debug.SetMemoryLimit(softMemory)
		memoryUnlimited.Store(false)
		env := env.Process()
		env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), io.Discard, io.Discard
		Run(t.Context(), env, c.args)
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("%q: the limit is %d, want %d", c.args, got, c.want)
		}
		if got := memoryUnlimited.Load(); got != (c.want == math.MaxInt64) {
			t.Errorf("%q: unlimited %v", c.args, got)
		}
	}
}
