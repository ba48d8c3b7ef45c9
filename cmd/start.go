package cmd

import (
	"io"
	"log"

	"github.com/rpcctl/rpcctl/invoke/grpcwire"
)

// This file reduces what each start of the process costs, which for one call is most of its
// cost.

// A frame is more than any command needs of its stack.
type frame [48 << 10]byte

// onLargeStack runs a function on a stack that has already grown, while there was nothing on
// it. Otherwise the stack grows several times under the frames of cobra, and each time the
// runtime reads tables from all over the binary to move the frames: some megabytes of memory
// at every start. ¶
//
//go:noinline
func onLargeStack(run func() int) int {
	if run == nil {
		return fill(frame{}) // never reached, but its argument occupies room in this frame
	}
	return run()
}

//go:noinline
func fill(f frame) int { return int(f[0]) }

// silenceLibraries keeps the lines of libraries from standard error: net/http has some about
// connections of clients, and grpc-go many. What concerns a user is in our own errors.
func silenceLibraries() {
	log.SetOutput(io.Discard)
	grpcwire.Silence()
}
