package fanout

import (
	"context"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/invoke"
)

type taken []byte

func (*taken) Begin(int, *Request) {}

func (t *taken) Event(e *invoke.Event) error {
	*t = append(*t, e.Message.Wire...)
	return nil
}

// When much waits for its turn, an answer waits as it came: a copy would take as much memory
// again.
func TestNoCopyWaits(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := &run{Run: &Run{Everything: true}, ctx: ctx, stop: stop, parked: 2, budget: 1}
	r.moved.L = &r.mu
	var got taken
	s := &slot{r: r, sink: &got, index: 1}
	ended := make(chan error)
	go func() {
		ended <- s.Event(&invoke.Event{Kind: invoke.ResponseReceived, Message: &invoke.Message{Wire: []byte("x")}})
	}()
	for began := time.Now(); r.Counts.Messages.Load() == 0 && time.Since(began) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(10 * time.Millisecond)
	r.mu.Lock()
	if len(s.kept) > 0 {
		t.Errorf("%d events are kept, of %d bytes", len(s.kept), len(s.bytes))
	}
	r.head = 1
	r.moved.Broadcast()
	r.mu.Unlock()
	if err := <-ended; err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}
