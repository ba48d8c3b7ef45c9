package discovery

import (
	"time"

	"github.com/rpcctl/rpcctl/invoke"
)

// hurryAfter is how long a server over HTTP/1.1 may take before it is told that there
// are no more questions.
const hurryAfter = 500 * time.Millisecond

// halfCloseSoon half-closes a stream on which no answer comes, where it may be one of HTTP/1.1:
// there some servers say nothing before the request has ended, not even that they have
// no reflection. From then on each question ends its request at once. The function that
// it returns must be called when the answer is there.
func (a *asker) halfCloseSoon(s *reflectStream) (stop func()) {
	switch a.transport.Wire(invoke.Method{}).HTTP {
	case "2", "3":
		return func() {}
	}
	limit := hurryAfter
	if a.separate {
		limit = 0
	}
	closed := make(chan struct{})
	timer := time.AfterFunc(limit, func() {
		defer close(closed)
		_ = s.stream.CloseSend() // an error of this is what Recv returns
	})
	return func() {
		if !timer.Stop() {
			<-closed
			s.closed, a.separate = true, true
		}
	}
}
