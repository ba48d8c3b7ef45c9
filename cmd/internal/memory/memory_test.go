package memory

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

// The soft limit of memory is there as long as it can be kept, and leaves room for the garbage
// of what is in use.
func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct{ held, least, most int64 }{
		{mostLive + 1<<20, math.MaxInt64, math.MaxInt64},
		{200 << 20, 250 << 20, 300 << 20},
		{0, Soft, Soft},
	} {
		held := make([]byte, c.held)
		runtime.GC()
		limit()
		if got := debug.SetMemoryLimit(-1); got < c.least || got > c.most {
			t.Errorf("with %d bytes in use the limit is %d, want %d to %d", c.held, got, c.least, c.most)
		}
		runtime.KeepAlive(held)
	}
	Served.Store(true)
	defer Served.Store(false)
	held := make([]byte, mostLive+1<<20)
	runtime.GC()
	if limit(); debug.SetMemoryLimit(-1) == math.MaxInt64 {
		t.Error("there is no limit while others are served")
	}
	runtime.KeepAlive(held)
}
