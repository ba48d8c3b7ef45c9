package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// demo starts the demo server in memory and returns it with a transport to it.
func demo(t *testing.T) (*testserver.Memory, *grpcwire.Transport) {
	t.Helper()
	server := testserver.StartMemory(testserver.Options{})
	transport, err := grpcwire.New(t.Context(),
		invoke.Target{Network: invoke.NetworkDemo, Address: "demo", Security: invoke.SecurityPlaintext},
		grpcwire.Options{Connect: connect.Dialer{
			Net: func(ctx context.Context, _, _ string) (net.Conn, error) { return server.Dial(ctx) },
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(transport.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	return server, transport
}

func method(t testing.TB, service, name string) protoreflect.MethodDescriptor {
	t.Helper()
	for _, file := range []protoreflect.FileDescriptor{
		demov1.File_rpcctl_demo_v1_greeter_proto, demov1.File_rpcctl_demo_v1_shop_proto, demov1.File_rpcctl_demo_v1_lab_proto,
	} {
		if s := file.Services().ByName(protoreflect.Name(service)); s != nil {
			if m := s.Methods().ByName(protoreflect.Name(name)); m != nil {
				return m
			}
		}
	}
	t.Fatalf("no method %s.%s", service, name)
	return nil
}

func wire(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorder keeps the events of a call, a word for each.
type recorder struct {
	words   []string
	status  *invoke.Status
	ends    int
	on      func(e *invoke.Event) error
	trailer invoke.Metadata
}

func (r *recorder) Event(e *invoke.Event) error {
	word := e.Kind.String()
	if e.Kind == invoke.RequestSent || e.Kind == invoke.ResponseReceived {
		word = fmt.Sprint(word, " ", e.Seq)
	}
	if e.Kind == invoke.Finished {
		word += " " + invoke.CodeName(e.Status.Code)
		r.status, r.trailer = e.Status, e.Metadata
		r.ends++
	}
	r.words = append(r.words, word)
	if r.on != nil {
		return r.on(e)
	}
	return nil
}

func TestEventOrder(t *testing.T) {
	_, transport := demo(t)
	invoker := &invoke.Invoker{Transport: transport}
	for _, tt := range []struct {
		name            string
		service, method string
		requests        [][]byte
		want            []string
	}{
		{
			"unary", "Greeter", "SayHello",
			[][]byte{wire(t, &demov1.HelloRequest{Name: "World"})},
			[]string{"opened", "request-sent 0", "requests-done", "headers-received", "response-received 0", "finished OK"},
		},
		{
			"server stream", "Lab", "Count",
			[][]byte{wire(t, &demov1.CountRequest{N: proto.Int64(2)})},
			[]string{"opened", "request-sent 0", "requests-done", "headers-received", "response-received 0", "response-received 1", "finished OK"},
		},
		{
			"failure before any answer", "Lab", "Fail",
			[][]byte{wire(t, &demov1.FailRequest{Code: proto.Int32(5)})},
			[]string{"opened", "request-sent 0", "requests-done", "finished NOT_FOUND"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				r := &recorder{}
				c := &invoke.Call{Method: method(t, tt.service, tt.method), Requests: invoke.Messages(tt.requests...)}
				err := invoker.Do(t.Context(), c, r)
				if diff := cmp.Diff(tt.want, r.words); diff != "" {
					t.Fatalf("events (-want +got):\n%s", diff)
				}
				if (err == nil) != (r.status.Code == codes.OK) {
					t.Fatalf("Do returned %v for %v", err, r.status.Code)
				}
			}
		})
	}
}

// lockstep yields a request whenever the answer to the one before has come.
type lockstep struct {
	next chan []byte
}

func (l *lockstep) Next(ctx context.Context) ([]byte, error) {
	select {
	case b, ok := <-l.next:
		if !ok {
			return nil, io.EOF
		}
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestBidiAnswersWhileSending(t *testing.T) {
	_, transport := demo(t)
	l := &lockstep{next: make(chan []byte, 1)}
	l.next <- wire(t, &demov1.ChatMessage{Text: "one"})
	r := &recorder{on: func(e *invoke.Event) error {
		if e.Kind != invoke.ResponseReceived {
			return nil
		}
		if e.Seq == 2 {
			close(l.next)
			return nil
		}
		l.next <- wire(t, &demov1.ChatMessage{Text: "more"})
		return nil
	}}
	c := &invoke.Call{Method: method(t, "Shop", "Chat"), Requests: l, Timeout: 10 * time.Second}
	if err := (&invoke.Invoker{Transport: transport}).Do(t.Context(), c, r); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, w := range r.words {
		counts[w[:4]]++
	}
	if want := map[string]int{"open": 1, "requ": 4, "head": 1, "resp": 3, "fini": 1}; !cmp.Equal(want, counts) {
		t.Errorf("got %v events, want %v: %v", counts, want, r.words)
	}
}

func TestSinkErrorCancels(t *testing.T) {
	server, transport := demo(t)
	full := errors.New("the disk is full")
	r := &recorder{on: func(e *invoke.Event) error {
		if e.Kind == invoke.ResponseReceived && e.Seq == 5 {
			return full
		}
		return nil
	}}
	c := &invoke.Call{Method: method(t, "Lab", "Count"), Requests: invoke.Messages(wire(t, &demov1.CountRequest{N: proto.Int64(10_000_000)}))}
	if err := (&invoke.Invoker{Transport: transport}).Do(t.Context(), c, r); !errors.Is(err, full) {
		t.Errorf("Do returned %v, want the sink's error", err)
	}
	if r.ends != 0 {
		t.Errorf("the sink was called again after its error: %v", r.words)
	}
	cancelled := func(s testserver.Stats) bool { return s.Calls["/rpcctl.demo.v1.Lab/Count"].Cancelled == 1 }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := server.Server.Wait(ctx, cancelled); err != nil {
		t.Errorf("the server never saw the cancellation: %v", err)
	}
}

// failing is requests that end in an error after some messages.
type failing struct {
	before int
	err    error
}

func (f *failing) Next(context.Context) ([]byte, error) {
	if f.before == 0 {
		return nil, f.err
	}
	f.before--
	return nil, nil
}

func TestBadRequestsAbandonTheCall(t *testing.T) {
	_, transport := demo(t)
	bad := errors.New("not JSON")
	var abandoned error
	r := &recorder{on: func(e *invoke.Event) error {
		abandoned = e.Abandoned
		return nil
	}}
	c := &invoke.Call{Method: method(t, "Shop", "Upload"), Requests: &failing{before: 2, err: bad}}
	if err := (&invoke.Invoker{Transport: transport}).Do(t.Context(), c, r); !errors.Is(err, bad) {
		t.Errorf("Do returned %v, want the requests' error", err)
	}
	if r.ends != 1 || !errors.Is(abandoned, bad) {
		t.Errorf("%d ends, abandoned for %v; want one, for the requests' error", r.ends, abandoned)
	}
}

func TestDeadlineAndCancellation(t *testing.T) {
	_, transport := demo(t)
	slow := func() *invoke.Call {
		return &invoke.Call{
			Method:   method(t, "Lab", "Slow"),
			Requests: invoke.Messages(wire(t, &demov1.SlowRequest{Duration: durationpb.New(time.Minute)})),
		}
	}
	t.Run("deadline", func(t *testing.T) {
		c := slow()
		c.Timeout = 50 * time.Millisecond
		r := &recorder{}
		err := (&invoke.Invoker{Transport: transport}).Do(t.Context(), c, r)
		if r.status.Code != codes.DeadlineExceeded || r.ends != 1 {
			t.Errorf("got %v, status %+v", err, r.status)
		}
		// The server knows the deadline, too, and may report first that it has passed.
		if r.status.Origin != invoke.OriginServer && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, which does not match", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := &recorder{on: func(e *invoke.Event) error {
			if e.Kind == invoke.RequestsDone {
				cancel()
			}
			return nil
		}}
		err := (&invoke.Invoker{Transport: transport}).Do(ctx, slow(), r)
		if !errors.Is(err, context.Canceled) || r.status.Code != codes.Canceled || r.ends != 1 {
			t.Errorf("got %v, status %+v, %d ends", err, r.status, r.ends)
		}
	})
}

// Messages that have arrived, and the status behind them, are dropped when the call is
// cancelled or out of time while an earlier one is reported: reading them may take as long as
// the server likes.
func TestWhatWaitsAtTheEndIsLeft(t *testing.T) {
	server, transport := demo(t)
	const timeout = 300 * time.Millisecond
	for name, tt := range map[string]struct {
		timeout time.Duration
		want    codes.Code
		cause   error
	}{
		"deadline":  {timeout, codes.DeadlineExceeded, context.DeadlineExceeded},
		"cancelled": {0, codes.Canceled, context.Canceled},
	} {
		for over, transport := range map[string]invoke.Transport{"gRPC": transport, "any": &generous{transport}} {
			t.Run(name+" "+over, func(t *testing.T) {
				before := server.Server.Stats().Calls["/rpcctl.demo.v1.Lab/Count"].Ended
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answers := 0
				r := &recorder{on: func(e *invoke.Event) error {
					if e.Kind != invoke.ResponseReceived {
						return nil
					}
					if answers++; tt.timeout > 0 {
						time.Sleep(2 * timeout)
						return nil
					}
					defer cancel()
					return server.Server.Wait(ctx, func(s testserver.Stats) bool { return s.Calls["/rpcctl.demo.v1.Lab/Count"].Ended > before })
				}}
				c := &invoke.Call{Method: method(t, "Lab", "Count"), Timeout: tt.timeout, Requests: invoke.Messages(wire(t, &demov1.CountRequest{N: proto.Int64(20)}))}
				err := (&invoke.Invoker{Transport: transport}).Do(ctx, c, r)
				if answers > 1 || r.status.Code != tt.want || !errors.Is(err, tt.cause) || r.ends != 1 || r.trailer != nil {
					t.Errorf("got %v after %d answers, trailers %v; want %v after one", err, answers, r.trailer, tt.want)
				}
			})
		}
	}
}

// generous is a transport that has answers, and a status of OK, after the end of a call's context.
type generous struct{ invoke.Transport }

func (g *generous) Open(ctx context.Context, m invoke.Method, md invoke.Metadata) (invoke.Stream, error) {
	return g.Transport.Open(context.WithoutCancel(ctx), m, md)
}

func TestFinishedComesWithoutAConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	transport, err := grpcwire.New(t.Context(), invoke.Target{Network: "tcp", Address: address}, grpcwire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	r := &recorder{}
	c := &invoke.Call{Method: method(t, "Greeter", "SayHello"), Requests: invoke.Messages(nil)}
	err = (&invoke.Invoker{Transport: transport}).Do(t.Context(), c, r)
	var ce *connect.Error
	if !errors.As(err, &ce) || ce.Kind != connect.Refused {
		t.Errorf("got %v, want a refused connection", err)
	}
	if diff := cmp.Diff([]string{"opened", "finished UNAVAILABLE"}, r.words); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOne(t *testing.T) {
	_, transport := demo(t)
	m, err := (&invoke.Invoker{Transport: transport}).One(t.Context(), &invoke.Call{
		Method: method(t, "Greeter", "SayHello"), Requests: invoke.Messages(wire(t, &demov1.HelloRequest{Name: "you"})),
	})
	if err != nil {
		t.Fatal(err)
	}
	var reply demov1.HelloReply
	if err := proto.Unmarshal(m.Wire, &reply); err != nil || reply.GetMessage() == "" {
		t.Errorf("reply %v, %v", &reply, err)
	}
}

func ExampleInvoker() {
	server := testserver.StartMemory(testserver.Options{})
	defer server.Close()
	transport, err := grpcwire.New(context.Background(),
		invoke.Target{Network: invoke.NetworkDemo, Address: "demo", Security: invoke.SecurityPlaintext},
		grpcwire.Options{Connect: connect.Dialer{
			Net: func(ctx context.Context, _, _ string) (net.Conn, error) { return server.Dial(ctx) },
		}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer transport.Close()

	call := &invoke.Call{
		Method:   demov1.File_rpcctl_demo_v1_greeter_proto.Services().ByName("Greeter").Methods().ByName("SayHello"),
		Requests: invoke.Messages(nil),
	}
	err = (&invoke.Invoker{Transport: transport}).Do(context.Background(), call, invoke.SinkFunc(func(e *invoke.Event) error {
		fmt.Println(e.Kind)
		return nil
	}))
	fmt.Println(err)
	// Output:
	// opened
	// request-sent
	// requests-done
	// headers-received
	// response-received
	// finished
	// <nil>
}
