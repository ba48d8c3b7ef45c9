package testserver

import (
	"context"
	"time"

	"google.golang.org/grpc/status"
)

// Limits of what a request may ask of a stream.
const (
	maxCount   = 1_000_000
	maxDelayMS = 60_000
)

// A pace is how many messages a stream sends, and the time between them.
type pace struct {
	count int
	delay time.Duration
}

// newPace reads the two fields that streaming requests share; or is the count
// when the request has none.
func newPace(count *int32, or, delayMS int32) (pace, error) {
	var f faults
	if count == nil {
		count = &or
	}
	f.within("count", int64(*count), 0, maxCount)
	f.within("delay_ms", int64(delayMS), 0, maxDelayMS)
	return pace{count: int(*count), delay: time.Duration(delayMS) * time.Millisecond}, f.err()
}

// each calls send with 0 to count-1, the delay apart, until it fails or ctx
// ends.
func (p pace) each(ctx context.Context, send func(i int) error) error {
	for i := range p.count {
		if i > 0 {
			if err := sleep(ctx, p.delay); err != nil {
				return err
			}
		}
		if err := send(i); err != nil {
			return err
		}
	}
	return nil
}

// sleep waits for d, and returns a status when ctx ends before that.
func sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return status.FromContextError(err).Err()
	}
	return nil
}
