package shell

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
)

// queueMax is how many messages may wait for a server that does not read.
const queueMax = 100

// A conversation is a call whose requests are typed while it runs. It is the Requests of that
// call.
type conversation struct {
	queue  chan []byte
	ended  chan struct{} // closed when nothing more is sent
	once   sync.Once
	leave  atomic.Bool // Ctrl-Z: the call goes on in the background
	stuck  atomic.Bool // messages wait, since the server does not read
	looks  atomic.Bool // somebody looks for that
	method string
}

// Next returns the next message that was typed.
func (c *conversation) Next(ctx context.Context) ([]byte, error) {
	select {
	case m := <-c.queue:
		return m, nil
	default:
	}
	select {
	case m := <-c.queue:
		return m, nil
	case <-c.ended:
		select { // what was typed before the end goes first
		case m := <-c.queue:
			return m, nil
		default:
			return nil, io.EOF
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close says that nothing more is sent.
func (c *conversation) close() { c.once.Do(func() { close(c.ended) }) }

func (c *conversation) closed() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func (c *conversation) prompt(w *work) string {
	if c.closed() {
		return formatters.CleanLine(w.name) + " (closed for sending) "
	}
	return formatters.CleanLine(w.name) + "> "
}

// stuckTime is how long a message may wait before that is told.
const stuckTime = time.Second

const notReading = "(the server is not reading)"

// watchSending tells of messages that wait to be sent, once for as long as they do.
func watchSending(s *shell, w *work) {
	c := w.talk
	if !c.looks.CompareAndSwap(false, true) {
		return
	}
	s.background(func() {
		defer c.looks.Store(false)
		defer c.stuck.Store(false)
		tick := time.NewTicker(stuckTime)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-w.Done():
				return
			}
			waiting := len(c.queue)
			if waiting == 0 {
				return
			}
			if !c.stuck.Swap(true) {
				s.sayAside(human.Count(waiting, "message") + " " + s.env.Sign("sending… ", "sending... ") + notReading)
			}
		}
	})
}
