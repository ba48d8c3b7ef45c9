package fanout_test

import (
	"runtime"
	"testing"
)

// The garbage of a call among many is a good part of its cost. The server of the test counts,
// too: it makes about a third of it.
func TestACallMakesLittleGarbage(t *testing.T) {
	const n = 2000
	_, v := start(t, nil)
	var before, after runtime.MemStats
	for _, measured := range []bool{false, true} { // the first run connects and fills the pools
		run, _ := begin(t, v, &numbers{n: n}, 8)
		runtime.ReadMemStats(&before)
		if sum, err := run.Do(t.Context()); err != nil || sum.Answered != n {
			t.Fatalf("%+v, %v", sum, err)
		}
		runtime.ReadMemStats(&after)
		if !measured {
			continue
		}
		// Bytes are not compared: under the race detector pools lose what they hold.
		if allocs := (after.Mallocs - before.Mallocs) / n; allocs > maxCallAllocs {
			t.Errorf("%d allocations a call, want %d at most", allocs, maxCallAllocs)
		}
	}
}

// maxCallAllocs is the number that was seen, and a twentieth.
const maxCallAllocs = 195
