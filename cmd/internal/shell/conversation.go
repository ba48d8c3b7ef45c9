package shell

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/rpcctl/rpcctl/formatters"
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
		select { // what was typed before the end is sent first
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

// prompt is what stands before the messages of a method.
func (c *conversation) prompt(method string) string {
	if c.closed() {
		return formatters.CleanLine(method) + " (closed for sending) "
	}
	return formatters.CleanLine(method) + "> "
}

const notReading = "(the server is not reading)"
