package grpcwire

import (
	"io"
	"sync"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // grpc-go's own is the one for gzip

	"github.com/rpcctl/rpcctl/invoke/compress"
)

// registerCodings makes the codings known to grpc-go, which has one list for the
// process and wants it complete before it is used: so with the first Transport, and
// not when the process starts.
var registerCodings = sync.OnceFunc(func() {
	for _, c := range compress.Codings() {
		if encoding.GetCompressor(c.Name()) == nil {
			encoding.RegisterCompressor(coding{c})
		}
	}
})

// A coding is a content coding as grpc-go wants it.
type coding struct{ *compress.Coding }

// Decompress returns a reader, which grpc-go closes, as it does with all that can
// be closed.
func (c coding) Decompress(r io.Reader) (io.Reader, error) { return c.Coding.Decompress(r) }
