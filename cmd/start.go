package cmd

import (
	"io"
	"log"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"

	"github.com/rpcctl/rpcctl/invoke/grpcwire"
)

// This file keeps down what each start of the process costs, which for one call is
// most of what it costs at all.

// A frame is more than any command needs of its stack.
type frame [48 << 10]byte

// onLargeStack runs a function on a stack that has already grown, while there was
// nothing on it. Otherwise it grows again and again under the frames of cobra, and
// for each frame that moves the runtime reads tables from all over the binary: some
// megabytes of memory at every start.
//
//go:noinline
func onLargeStack(run func() int) int {
	if run == nil {
		return fill(frame{}) // never: but what it is given has its place in this frame
	}
	return run()
}

//go:noinline
func fill(f frame) int { return int(f[0]) }

// Percentages as runtime/debug.SetGCPercent has them.
const (
	gcLate   = 400 // the first collection comes with a heap of 16 MiB, not 4: most calls, and what compiles for one, end before
	gcUsual  = 100
	gcStream = 50  // a message among many leaves little behind that lives; this takes some MB off a stream
	gcMany   = 110 // a call among many leaves more, and what it costs counts
)

// softMemory is the memory, in bytes, from which garbage is collected before the heap has
// doubled: a message of the greatest size leaves as much behind as it needs, and the two
// together would be twice what it takes. With much in use, the limit is a quarter above that,
// so that the collector does not run all the time; with more than mostLive nothing is gained
// by a limit any more.
const (
	softMemory = 160 << 20
	mostLive   = 280 << 20
)

// memoryUnlimited tells that there is to be no soft limit.
var memoryUnlimited atomic.Bool

// memoryServed tells that others are served: then the soft limit stays, however much is in use.
var memoryServed atomic.Bool

// collectLate puts off the first garbage collection. After it the collector goes on
// as it does anywhere, but for what softMemory says.
func collectLate() {
	late, soft := os.Getenv("GOGC") == "", os.Getenv("GOMEMLIMIT") == ""
	if late {
		debug.SetGCPercent(gcLate)
	}
	if soft {
		debug.SetMemoryLimit(softMemory)
	}
	afterCollections(func() {
		if late {
			late = false
			if now := debug.SetGCPercent(gcUsual); now != gcLate {
				debug.SetGCPercent(now) // a percentage that collectGarbage has set stays
			}
		}
		if soft {
			limitMemory()
		}
	})
}

// afterCollections calls a function after each garbage collection.
func afterCollections(call func()) {
	canary := new([32]byte)
	runtime.AddCleanup(canary, func(struct{}) {
		call()
		afterCollections(call)
	}, struct{}{})
}

// limitMemory sets the soft limit by what is in use.
func limitMemory() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live := int64(sample[0].Value.Uint64())
	limit := max(softMemory, live+live/4)
	if (live > mostLive || memoryUnlimited.Load()) && !memoryServed.Load() {
		limit = math.MaxInt64
	}
	if debug.SetMemoryLimit(-1) != limit {
		debug.SetMemoryLimit(limit)
	}
}

// unlimitMemory takes the soft limit away, where the user lets more come in than it is made
// for.
func unlimitMemory() {
	memoryUnlimited.Store(true)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// collectGarbage sets how often garbage is collected, for what runs longer than one call.
func collectGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// silenceLibraries keeps the lines of libraries from standard error: net/http has some about
// connections of clients, and grpc-go many. What concerns a user is in our own errors.
func silenceLibraries() {
	log.SetOutput(io.Discard)
	grpcwire.Silence()
}
