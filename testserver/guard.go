package testserver

import (
	"maps"
	"runtime/metrics"
	"slices"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// guardEach is how often the memory in use is looked at.
const guardEach = 20 * time.Millisecond

// guard closes all connections whenever the process has more memory in use than most, in
// bytes, until done. The budgets bound what calls are known to take; this bounds the rest.
func (c *connections) guard(most uint64, done <-chan struct{}) {
	tick := time.NewTicker(guardEach)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if inUse() > most {
			c.cutOff()
		}
	}
}

// inUse is the memory of what the last collection of garbage left, and of stacks, in bytes.
func inUse() uint64 {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}

// cutOff closes every open connection.
func (c *connections) cutOff() {
	c.mu.Lock()
	open, quics := slices.Collect(maps.Keys(c.open)), slices.Collect(maps.Keys(c.quics))
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close() // The peer is being cut off: nothing it was sent matters now.
	}
	for _, conn := range quics {
		// as above
		_ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), "the demo has no memory left")
	}
}
