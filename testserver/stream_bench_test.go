package testserver

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// One iteration is one message of a stream, client and server together. What the
// server's counting costs shows here.
func BenchmarkCount(b *testing.B) {
	m := StartMemory(Options{})
	b.Cleanup(func() {
		if err := m.Close(); err != nil {
			b.Error(err)
		}
	})
	lab := demov1.NewLabClient(dialMemory(b, m))
	b.ReportAllocs()
	b.ResetTimer()
	stream, err := lab.Count(b.Context(), &demov1.CountRequest{N: proto.Int64(int64(b.N)), PayloadBytes: 100})
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		if _, err := stream.Recv(); err != nil {
			b.Fatal(err)
		}
	}
}
