package cmd

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

// The soft limit of memory is there as long as it can be kept.
func TestMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	held := make([]byte, mostLive+1<<20)
	for _, want := range []int64{math.MaxInt64, softMemory} {
		runtime.GC()
		limitMemory()
		if got := debug.SetMemoryLimit(-1); got != want {
			t.Errorf("with %d bytes in use the limit is %d, want %d", len(held), got, want)
		}
		runtime.KeepAlive(held)
		held = nil
	}
}
