package discovery

import (
	"context"
	"runtime"
	"sync"

	"github.com/rpcctl/rpcctl/internal/fault"
)

// inParallel calls a function for each number below n, on all processors, and
// returns when the calls have ended. The rest is left out when ctx is done.
func inParallel(ctx context.Context, n int, fn func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			defer fault.Exit()
			for i := range next {
				fn(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
}
