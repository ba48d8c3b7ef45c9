// Package memory sets when garbage is collected, and the soft limit of memory, for the kind
// of work that a command does.
package memory

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
	gcLate = 400 // the first collection comes at a heap of 16 MiB, not 4: most calls end before it
	Usual  = 100
	Stream = 50  // little of a message among many stays alive; this saves a stream some MB
	Many   = 110 // more of a call among many stays alive, and its cost counts
)

// Soft is the soft limit of memory, in bytes: beyond it garbage is collected before the heap
// has doubled. A message of the greatest size leaves as much garbage as it needs memory, and
// without the limit both would be there at once. When more than that is in use, the limit is a
// quarter above it, so that the collector does not run all the time; when more than mostLive
// bytes are, there is no limit.
const (
	Soft     = 160 << 20
	mostLive = 280 << 20
)

// LeastMessage is the limit of a message, in bytes, below which no call goes, however many
// there are at the same time.
const LeastMessage = 1 << 20

// Unlimited is set when there is to be no soft limit.
var Unlimited atomic.Bool

// Served is set by a process that serves others: its soft limit stays, whatever is in use.
var Served atomic.Bool

// CollectLate delays the first garbage collection, and keeps the soft limit after each one. It
// respects GOGC and GOMEMLIMIT.
func CollectLate() {
	late, soft := os.Getenv("GOGC") == "", os.Getenv("GOMEMLIMIT") == ""
	if late {
		debug.SetGCPercent(gcLate)
	}
	if soft {
		debug.SetMemoryLimit(Soft)
	}
	afterCollections(func() {
		if late {
			late = false
			if now := debug.SetGCPercent(Usual); now != gcLate {
				debug.SetGCPercent(now) // a percentage that collectGarbage has set stays
			}
		}
		if soft {
			limit()
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

// limit sets the soft limit according to the memory in use.
func limit() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live := int64(sample[0].Value.Uint64())
	soft := max(Soft, live+live/4)
	if (live > mostLive || Unlimited.Load()) && !Served.Load() {
		soft = math.MaxInt64
	}
	if debug.SetMemoryLimit(-1) != soft {
		debug.SetMemoryLimit(soft)
	}
}

// Unlimit removes the soft limit, for a user who accepts greater messages than it is
// made for.
func Unlimit() {
	Unlimited.Store(true)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// Collect sets how often garbage is collected, for work that is longer than one call.
func Collect(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
