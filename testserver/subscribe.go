package testserver

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// maxSubscriptions bounds how many of one stream tick at a time.
const maxSubscriptions = 100

func (*lab) Subscribe(stream grpc.BidiStreamingServer[demov1.Subscription, demov1.Tick]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	t := &ticker{ctx: ctx, stream: stream, places: make(chan struct{}, maxSubscriptions)}
	err := t.take()
	cancel()
	t.running.Wait()
	return err
}

// A ticker is one Subscribe call: the goroutine of the call reads subscriptions, and each of
// them has a goroutine that sends its ticks.
type ticker struct {
	ctx     context.Context // of the ticks; it ends before that of the stream
	stream  grpc.BidiStreamingServer[demov1.Subscription, demov1.Tick]
	running sync.WaitGroup
	places  chan struct{}
	send    sync.Mutex // a stream takes one Send at a time
}

// take reads subscriptions until the client has sent the last.
func (t *ticker) take() error {
	for {
		s, err := t.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		delay := int32(100)
		if s.DelayMs != nil {
			delay = s.GetDelayMs()
		}
		p, err := newPace(s.Count, 3, delay)
		if err != nil {
			return err
		}
		select {
		case t.places <- struct{}{}:
		default:
			return status.Errorf(codes.ResourceExhausted, "a stream has at most %d subscriptions at a time",
				maxSubscriptions)
		}
		t.running.Go(func() {
			defer func() { <-t.places }()
			t.tick(s.GetName(), p.count, p.delay)
		})
	}
}

// tick sends the ticks of one subscription. When that fails, the stream is over, which take
// notices by itself.
func (t *ticker) tick(name string, count int, delay time.Duration) {
	for i := range count {
		if sleep(t.ctx, delay) != nil {
			return
		}
		t.send.Lock()
		err := t.stream.Send(&demov1.Tick{Name: name, Seq: int32(i + 1)})
		t.send.Unlock()
		if err != nil {
			return
		}
	}
}
