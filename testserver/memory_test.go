package testserver_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/testserver"
)

// A closed connection holds no memory, whatever deadline it had.
func TestMemoryOfClosedConnections(t *testing.T) {
	server := testserver.StartMemory(testserver.Options{})
	t.Cleanup(func() { server.Close() })
	inUse := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	const connections, most = 100, 10 << 20 // they have 512 KiB each
	before := inUse()
	for range connections {
		conn, err := server.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		if conn.SetDeadline(time.Now().Add(time.Hour)) == nil {
			t.Fatal("a closed connection takes a deadline")
		}
	}
	after := inUse()
	for end := time.Now().Add(10 * time.Second); after > before+most && time.Now().Before(end); after = inUse() {
		time.Sleep(10 * time.Millisecond) // the server closes its ends by itself
	}
	if after > before+most {
		t.Errorf("%d bytes for %d closed connections", after-before, connections)
	}
}
