package discovery

import (
	"time"

	"github.com/rpcctl/rpcctl/invoke"
)

// halfCloseAfter is how long a server over HTTP/1.1 may take to answer before the request is
// ended.
const halfCloseAfter = 500 * time.Millisecond

// halfCloseSoon half-closes a stream on which no answer comes and which may be one of
// HTTP/1.1: some servers there say nothing before the request has ended, not even that they
// have no reflection. From then on each question ends its request at once. The caller must
// call stop when the answer is there.
func (a *asker) halfCloseSoon(s *reflectStream) (stop func()) {
	switch a.transport.Wire(invoke.Method{}).HTTP {
	case "2", "3":
		return func() {}
	}
	limit := halfCloseAfter
	if a.separate {
		limit = 0
	}
	closed := make(chan struct{})
	timer := time.AfterFunc(limit, func() {
		defer close(closed)
		_ = s.stream.CloseSend() // an error of this is returned by Recv
	})
	return func() {
		if !timer.Stop() {
			<-closed
			s.closed, a.separate = true, true
		}
	}
}
