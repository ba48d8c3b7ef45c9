package httpwire

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/rpcctl/rpcctl/invoke"
)

// A tooLarge is a message that the server announced and that is not received.
type tooLarge struct{ size, limit int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("the server sent a message of %d bytes, and the limit is %d", e.size, e.limit)
}

// Unwrap says what it is to callers of the Invoker.
func (e *tooLarge) Unwrap() error { return invoke.ErrTooLarge }

// A framedBody is the body of a stream's response, cut off before a message that is
// too large: the library would read all of it first, as long as that takes.
//
// A message has a prefix of five bytes, a flag and its size (gRPC-Web and Connect
// have that of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
type framedBody struct {
	io.ReadCloser
	limit  int64
	refuse func(*tooLarge)

	prefix [5]byte
	have   int   // bytes of prefix
	left   int64 // bytes of the message
	err    error
}

// Read reads, and looks at the prefixes of messages as they pass.
func (b *framedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		skip := min(b.left, int64(len(rest)))
		b.left -= skip
		rest = rest[skip:]
		if len(rest) == 0 {
			break
		}
		m := copy(b.prefix[b.have:], rest)
		b.have += m
		rest = rest[m:]
		if b.have < len(b.prefix) {
			break
		}
		b.have, b.left = 0, int64(binary.BigEndian.Uint32(b.prefix[1:]))
		if b.left > b.limit {
			e := &tooLarge{size: b.left, limit: b.limit}
			b.refuse(e)
			b.err = e
			// What came before it is whole, and the library needs no more than the
			// part of the prefix that is missing now to give up.
			return n - len(rest) - m, e
		}
	}
	return n, err
}
