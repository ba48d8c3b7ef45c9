package grpcwire

import (
	"io"
	"sync"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // the coding for gzip is grpc-go's own

	"github.com/rpcctl/rpcctl/invoke/compress"
)

// registerCodings registers the codings with grpc-go. It has one list for the process, which
// must be complete before it is used: so this runs with the first Transport, and not when the
// process starts.
var registerCodings = sync.OnceFunc(func() {
	for _, c := range compress.Codings() {
		if encoding.GetCompressor(c.Name()) == nil {
			encoding.RegisterCompressor(coding{c})
		}
	}
})

// A coding is a content coding with the methods that grpc-go needs.
type coding struct{ *compress.Coding }

// Decompress returns a reader, which grpc-go closes since it has the method.
func (c coding) Decompress(r io.Reader) (io.Reader, error) { return c.Coding.Decompress(r) }
