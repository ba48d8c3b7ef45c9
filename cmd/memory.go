package cmd

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// Percentages for debug.SetGCPercent.
const (
	gcLate   = 400 // the first collection comes at a heap of 16 MiB, not 4: most calls end before it
	gcUsual  = 100
	gcStream = 50  // little of a message among many stays alive; this saves a stream some MB
	gcMany   = 110 // more of a call among many stays alive, and its cost counts
)

// softMemory is the soft limit of memory, in bytes: beyond it garbage is collected before the
// heap has doubled. A message of the greatest size leaves as much garbage as it needs memory,
// and without the limit both would be there at once. With more than that in use the limit is a
// quarter above what is in use, so that the collector does not run all the time; from mostLive
// bytes on there is none.
const (
	softMemory = 160 << 20
	mostLive   = 280 << 20
)

// unlimited is set when there is to be no soft limit.
var unlimited atomic.Bool

// Served is set by a process that serves others: its soft limit stays however much is in use.
var Served atomic.Bool

// collectLate delays the first garbage collection, and keeps the soft limit after each one. It
// respects GOGC and GOMEMLIMIT.
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

// limitMemory sets the soft limit according to the memory in use.
func limitMemory() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live := int64(sample[0].Value.Uint64())
	limit := max(softMemory, live+live/4)
	if (live > mostLive || unlimited.Load()) && !Served.Load() {
		limit = math.MaxInt64
	}
	if debug.SetMemoryLimit(-1) != limit {
		debug.SetMemoryLimit(limit)
	}
}

// unlimitMemory removes the soft limit, for a user who accepts greater messages than it is
// made for.
func unlimitMemory() {
	unlimited.Store(true)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// collectGarbage sets how often garbage is collected, for work that is longer than one call.
func collectGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
