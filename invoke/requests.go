package invoke

import (
	"context"
	"io"
)

// A Requests yields request messages one at a time: decoded text, a prompt, a pipe. Next
// returns the encoded message, which is the caller's until the next call of Next; io.EOF after
// the last one; and ctx.Err() soon after ctx is done, even while it waits for input.
type Requests interface {
	Next(ctx context.Context) ([]byte, error)
}

// Messages yields the given encoded messages in order.
func Messages(wire ...[]byte) Requests {
	m := messages(wire)
	return &m
}

type messages [][]byte

func (m *messages) Next(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(*m) == 0 {
		return nil, io.EOF
	}
	first := (*m)[0]
	*m = (*m)[1:]
	return first, nil
}
