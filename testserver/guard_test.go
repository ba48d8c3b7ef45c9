package testserver

import (
	"context"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// A process with too much memory in use closes its connections, and answers again when it has
// less.
func TestGuard(t *testing.T) {
	runtime.GC()
	address, server := listen(t, Options{MaxMemory: inUse() + 128<<20})
	conn := dial(t, address)
	greets(t, conn)
	ended := make(chan error, 1)
	go func() {
		_, err := demov1.NewLabClient(conn).Slow(within(t), &demov1.SlowRequest{Duration: durationpb.New(maxSleep)})
		ended <- err
	}()
	if err := server.Wait(within(t), func(s Stats) bool { return s.Calls["/rpcctl.demo.v1.Lab/Slow"].Started == 1 }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * guardEach) // nothing happens while there is enough
	select {
	case err := <-ended:
		t.Fatal(err)
	default:
	}
	ballast := make([]byte, 256<<20)
	for i := range ballast[:len(ballast)/4096] {
		ballast[i*4096] = 1
	}
	if err := <-ended; status.Code(err) != codes.Unavailable {
		t.Errorf("%v, want the end of the connection", err)
	}
	runtime.KeepAlive(ballast)
	ballast = nil
	greets(t, conn)
}

// What is known to be large is refused before: streams whose messages wait, and deep samples.
func TestGreatAnswers(t *testing.T) {
	address, _ := listen(t, Options{})
	conn := dial(t, address)
	const most = callBudget / (sendingCost * maxPayload)
	refused := make(chan string, most+10)
	ctx := within(t)
	for range most + 10 {
		stream, err := demov1.NewLabClient(conn).Count(ctx, &demov1.CountRequest{N: proto.Int64(1000), PayloadBytes: maxPayload})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := stream.Header() // and nothing is read
			if err == nil {
				_, err = stream.Recv()
			}
			if err != nil {
				refused <- status.Convert(err).Message()
			}
		}()
	}
	for range 10 {
		select {
		case message := <-refused:
			same(t, message, busyText)
		case <-ctx.Done():
			t.Fatal("all are taken in")
		}
	}
	_, err := demov1.NewLabClient(conn).Sample(ctx, &demov1.SampleRequest{Depth: maxDepth})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%v for a deep sample beside them", err)
	}
}

// Replies and statuses that are made count until their calls end, and are refused beyond the
// budget; those that were counted before they were made do not count again.
func TestMadeAnswersCount(t *testing.T) {
	const size = 1 << 20
	great := &demov1.CountReply{Payload: make([]byte, size)}
	for name, handler := range map[string]grpc.UnaryHandler{
		"reply": func(context.Context, any) (any, error) { return great, nil },
		"status": func(context.Context, any) (any, error) {
			return nil, status.Error(codes.NotFound, string(great.Payload))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := outgo{&budget{total: 1 << 40}, &room{total: callBudget}}
			var calls []*intake
			answer := func(counted bool) bool {
				i := &intake{room: o.calls}
				i.replies.Store(counted)
				calls = append(calls, i)
				_, err := o.unary(context.WithValue(t.Context(), intakeKey{}, i), nil, nil, handler)
				return status.Convert(err).Message() != busyText
			}
			answered := 0
			for range callBudget/size + 10 {
				if answer(false) {
					answered++
				}
			}
			if answered < callBudget/size-1 || answered > callBudget/size {
				t.Errorf("%d are answered", answered)
			}
			if !answer(true) {
				t.Error("one that counted before is refused")
			}
			for _, i := range calls {
				i.end()
			}
			if !answer(false) {
				t.Error("one is refused when all have ended")
			}
		})
	}
}
