package testserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// Every method answers an empty request, or says what it needs.
func TestEmptyRequests(t *testing.T) {
	special := map[protoreflect.FullName]codes.Code{
		"rpcctl.demo.v1.Shop.DeleteOrder": codes.InvalidArgument,
		"rpcctl.demo.v1.Lab.Fail":         codes.FailedPrecondition,
		"rpcctl.demo.v1.Lab.FailAfter":    codes.FailedPrecondition,
		"rpcctl.demo.v1.Lab.Secret":       codes.Unauthenticated,
		"rpcctl.demo.v1.Lab.Flaky":        codes.Unavailable,
		"rpcctl.demo.v1.Lab.Slow":         codes.DeadlineExceeded,
		"rpcctl.demo.v1.Warehouse.Stock":  codes.Unavailable,
	}
	for _, file := range []protoreflect.FileDescriptor{
		demov1.File_rpcctl_demo_v1_greeter_proto, demov1.File_rpcctl_demo_v1_shop_proto, demov1.File_rpcctl_demo_v1_lab_proto,
		demov1.File_rpcctl_demo_v1_warehouse_proto, demov1.File_rpcctl_demo_v1_modern_proto,
	} {
		methods := file.Services().Get(0).Methods()
		for i := range methods.Len() {
			method := methods.Get(i)
			t.Run(string(method.FullName()), func(t *testing.T) {
				_, conn := start(t, Options{})
				same(t, grpcCode(callEmpty(within(t), conn, method)), special[method.FullName()])
			})
		}
	}
}

// callEmpty sends one empty message and returns what the call ended with. Slow
// gets little time, the others all they want.
func callEmpty(ctx context.Context, conn *grpc.ClientConn, method protoreflect.MethodDescriptor) error {
	if method.Name() == "Slow" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true},
		"/"+string(method.Parent().FullName())+"/"+string(method.Name()))
	if err != nil {
		return err
	}
	if err := stream.SendMsg(dynamicpb.NewMessage(method.Input())); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		if err := stream.RecvMsg(dynamicpb.NewMessage(method.Output())); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func TestGreeter(t *testing.T) {
	_, conn := start(t, Options{})
	greeter := demov1.NewGreeterClient(conn)
	same(t, ok[*demov1.HelloReply](t)(greeter.SayHello(within(t), &demov1.HelloRequest{})).GetMessage(), "Hello, world!")
	same(t, ok[*demov1.HelloReply](t)(greeter.SayHello(within(t), &demov1.HelloRequest{Name: "日本"})).GetMessage(), "Hello, 日本!")
	got, err := received(t, ok[grpc.ServerStreamingClient[demov1.HelloReply]](t)(greeter.StreamGreetings(within(t), &demov1.StreamGreetingsRequest{
		Name: "Ada", Count: proto.Int32(3), DelayMs: 1,
	})))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []*demov1.HelloReply{{Message: "Hello, Ada!"}, {Message: "Bonjour, Ada!"}, {Message: "Guten Tag, Ada!"}})
}

func TestHealth(t *testing.T) {
	_, conn := start(t, Options{})
	health := healthv1.NewHealthClient(conn)
	const serving, not = healthv1.HealthCheckResponse_SERVING, healthv1.HealthCheckResponse_NOT_SERVING
	for service, want := range map[string]healthv1.HealthCheckResponse_ServingStatus{
		"": serving, "rpcctl.demo.v1.Greeter": serving, "rpcctl.demo.v1.Shop": serving, "rpcctl.demo.v1.Lab": serving,
		"rpcctl.demo.v1.Editions": serving, "rpcctl.demo.v1.Warehouse": not,
	} {
		same(t, ok[*healthv1.HealthCheckResponse](t)(health.Check(within(t), &healthv1.HealthCheckRequest{Service: service})).GetStatus(), want)
	}
	_, err := health.Check(within(t), &healthv1.HealthCheckRequest{Service: "nobody"})
	same(t, grpcCode(err), codes.NotFound)

	watch := ok[grpc.ServerStreamingClient[healthv1.HealthCheckResponse]](t)(health.Watch(within(t), &healthv1.HealthCheckRequest{Service: "rpcctl.demo.v1.Warehouse"}))
	warehouse := demov1.NewWarehouseClient(conn)
	stock := func() codes.Code {
		_, err := warehouse.Stock(within(t), &demov1.StockRequest{})
		return grpcCode(err)
	}
	same(t, ok[*healthv1.HealthCheckResponse](t)(watch.Recv()).GetStatus(), not)
	same(t, stock(), codes.Unavailable)
	same(t, ok[*demov1.SetOpenReply](t)(warehouse.SetOpen(within(t), &demov1.SetOpenRequest{})).GetOpen(), true)
	same(t, ok[*healthv1.HealthCheckResponse](t)(watch.Recv()).GetStatus(), serving)
	same(t, stock(), codes.OK)
	same(t, ok[*demov1.StockReply](t)(warehouse.Stock(within(t), &demov1.StockRequest{Sku: "kite"})).GetQty(), map[string]int32{"kite": 40})
	_, err = warehouse.Stock(within(t), &demov1.StockRequest{Sku: "yacht"})
	same(t, grpcCode(err), codes.NotFound)
	same(t, ok[*demov1.SetOpenReply](t)(warehouse.SetOpen(within(t), &demov1.SetOpenRequest{Open: proto.Bool(false)})).GetOpen(), false)
	same(t, ok[*healthv1.HealthCheckResponse](t)(watch.Recv()).GetStatus(), not)
}

func TestStats(t *testing.T) {
	var mu sync.Mutex
	var calls []Call
	server, conn := start(t, Options{OnCall: func(c Call) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, c)
	}})
	same(t, server.Stats(), Stats{Calls: map[string]MethodStats{}})
	lab := demov1.NewLabClient(conn)
	ctx := metadata.AppendToOutgoingContext(within(t), "x-who", "ada")
	ok[*demov1.Everything](t)(lab.Echo(ctx, &demov1.Everything{}))
	if _, err := lab.Fail(ctx, &demov1.FailRequest{}); err == nil {
		t.Fatal("Fail did not")
	}
	if _, err := received(t, ok[grpc.ServerStreamingClient[demov1.CountReply]](t)(lab.Count(ctx, &demov1.CountRequest{}))); err != nil {
		t.Fatal(err)
	}
	// This stream is long enough for a client to leave it.
	leaving, leave := context.WithCancel(ctx)
	stream := ok[grpc.ServerStreamingClient[demov1.CountReply]](t)(lab.Count(leaving, &demov1.CountRequest{N: proto.Int64(maxNumbers)}))
	ok[*demov1.CountReply](t)(stream.Recv())
	leave()
	const count = "/rpcctl.demo.v1.Lab/Count"
	if err := server.Wait(within(t), func(s Stats) bool { return s.Calls[count].Ended == 2 }); err != nil {
		t.Fatal(err)
	}
	// Nothing is counted for a method that does not exist.
	if err := conn.Invoke(ctx, "/rpcctl.demo.v1.Lab/Nothing", &demov1.Everything{}, &demov1.Everything{}); grpcCode(err) != codes.Unimplemented {
		t.Error(err)
	}

	stats := server.Stats()
	sent := stats.Calls[count].Sent
	if sent < 11 {
		t.Errorf("sent %d", sent)
	}
	same(t, stats, Stats{Accepted: 1, Open: 1, Calls: map[string]MethodStats{
		"/rpcctl.demo.v1.Lab/Echo": {Started: 1, Ended: 1, Received: 1, Sent: 1},
		"/rpcctl.demo.v1.Lab/Fail": {Started: 1, Ended: 1, Received: 1},
		count:                      {Started: 2, Ended: 2, Cancelled: 1, Received: 2, Sent: sent},
	}})
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(within(t), func(s Stats) bool { return s.Open == 0 }); err != nil {
		t.Fatal(err)
	}

	server.Close() // No call is running any more, so no more are reported.
	mu.Lock()
	defer mu.Unlock()
	var got []Call
	for _, c := range calls {
		same(t, c.Metadata.Get("x-who"), []string{"ada"})
		c.Metadata = nil
		got = append(got, c)
	}
	same(t, got, []Call{
		{Method: "/rpcctl.demo.v1.Lab/Echo", Received: 1, Sent: 1},
		{Method: "/rpcctl.demo.v1.Lab/Fail", Code: codes.FailedPrecondition, Received: 1},
		{Method: count, Received: 1, Sent: 10},
		{Method: count, Code: codes.Canceled, Cancelled: true, Received: 1, Sent: sent - 10},
	})
}

func TestWaitGivesUp(t *testing.T) {
	server, _ := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Wait(ctx, func(Stats) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestMaxRecv(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		size    int
		want    codes.Code
	}{
		{"default", Options{}, 7 << 20, codes.OK},
		{"beyond the default", Options{}, 8 << 20, codes.ResourceExhausted},
		{"small", Options{MaxRecv: 100}, 90, codes.OK},
		{"beyond small", Options{MaxRecv: 100}, 101, codes.ResourceExhausted},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, conn := start(t, c.options)
			_, err := demov1.NewLabClient(conn).Echo(within(t), &demov1.Everything{BytesValue: make([]byte, c.size)})
			same(t, grpcCode(err), c.want)
		})
	}
}

func TestGzip(t *testing.T) {
	_, conn := start(t, Options{})
	m := &demov1.Everything{StringValue: strings.Repeat("tea ", 1000)}
	same(t, ok[*demov1.Everything](t)(demov1.NewLabClient(conn).Echo(within(t), m, grpc.UseCompressor(gzip.Name))), m)
}

// loopback serves on a port of this machine until the test ends.
func loopback(t *testing.T, s *Server) string {
	t.Helper()
	l := ok[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

func TestStop(t *testing.T) {
	const slow = "/rpcctl.demo.v1.Lab/Slow"
	// sleeper starts a call that runs until it is cut off or awake.
	sleeper := func(t *testing.T, s *Server, address string, d time.Duration) <-chan error {
		t.Helper()
		conn := ok[*grpc.ClientConn](t)(grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials())))
		t.Cleanup(func() { _ = conn.Close() }) // The server is gone by then.
		failed := make(chan error, 1)
		go func() {
			_, err := demov1.NewLabClient(conn).Slow(within(t), &demov1.SlowRequest{Duration: durationpb.New(d)})
			failed <- err
		}()
		if err := s.Wait(within(t), func(st Stats) bool { return st.Calls[slow].Started == 1 }); err != nil {
			t.Fatal(err)
		}
		return failed
	}
	t.Run("waits for what runs", func(t *testing.T) {
		s := New(Options{Grace: time.Hour})
		failed := sleeper(t, s, loopback(t, s), 50*time.Millisecond)
		s.Stop()
		same(t, s.Stats().Calls[slow], MethodStats{Started: 1, Ended: 1, Received: 1, Sent: 1})
		if err := <-failed; err != nil {
			t.Error(err)
		}
	})
	t.Run("and not for ever", func(t *testing.T) {
		s := New(Options{Grace: time.Millisecond})
		failed := sleeper(t, s, loopback(t, s), time.Hour)
		s.Stop()
		s.Stop()
		// The server cut it off, so nobody cancelled.
		same(t, s.Stats().Calls[slow], MethodStats{Started: 1, Ended: 1, Received: 1})
		same(t, grpcCode(<-failed), codes.Unavailable)
	})
	t.Run("nor for a client that never speaks", func(t *testing.T) {
		certs := ok[*Certs](t)(NewCerts(time.Now()))
		s := New(Options{TLS: certs.Server(false), Grace: time.Millisecond})
		conn := ok[net.Conn](t)(net.Dial("tcp", loopback(t, s)))
		if err := s.Wait(within(t), func(st Stats) bool { return st.Open == 1 }); err != nil {
			t.Fatal(err)
		}
		s.Stop()
		same(t, s.Stats(), Stats{Accepted: 1, Calls: map[string]MethodStats{}})
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("still connected")
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("before serving", func(t *testing.T) {
		s := New(Options{})
		s.Stop()
		l := ok[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
		if err := s.Serve(l); err != nil {
			t.Error(err)
		}
		if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
			t.Error("still listening")
			_ = conn.Close() // The test has failed already.
		}
	})
	t.Run("a listener that fails", func(t *testing.T) {
		l := ok[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := New(Options{}).Serve(l); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// Two listeners, one server, one state.
func TestServeTwice(t *testing.T) {
	s := New(Options{})
	for _, address := range []string{loopback(t, s), loopback(t, s)} {
		conn := ok[*grpc.ClientConn](t)(grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials())))
		ok[*demov1.HelloReply](t)(demov1.NewGreeterClient(conn).SayHello(within(t), &demov1.HelloRequest{}))
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	same(t, s.Stats().Calls["/rpcctl.demo.v1.Greeter/SayHello"].Ended, 2)
}

// No handler is left once a server in memory is closed, whatever ran.
func TestMemoryLeavesNothing(t *testing.T) {
	m := StartMemory(Options{})
	conn := dialMemory(t, m)
	lab := demov1.NewLabClient(conn)
	for range 3 {
		stream := ok[grpc.BidiStreamingClient[demov1.Subscription, demov1.Tick]](t)(lab.Subscribe(within(t)))
		if err := stream.Send(&demov1.Subscription{Count: proto.Int32(maxCount), DelayMs: proto.Int32(0)}); err != nil {
			t.Fatal(err)
		}
		ok[*demov1.Tick](t)(stream.Recv())
		// Nobody reads on, so the server is stuck in Send when it is closed.
		ok[grpc.ServerStreamingClient[demov1.CountReply]](t)(lab.Count(within(t), &demov1.CountRequest{N: proto.Int64(maxNumbers), PayloadBytes: 1000}))
	}
	idle := ok[net.Conn](t)(m.Dial(within(t)))
	if err := m.Server.Wait(within(t), func(s Stats) bool { return s.Open == 2 && s.Calls["/rpcctl.demo.v1.Lab/Count"].Started == 3 }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	var stacks bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	for _, stack := range strings.Split(stacks.String(), "\n\n") {
		if strings.Contains(stack, "testserver.(*lab)") || strings.Contains(stack, "testserver.(*ticker)") {
			t.Errorf("still running:\n%s", stack)
		}
	}
	if _, err := m.Dial(within(t)); err == nil {
		t.Error("dialled a closed server")
	}
	if err := idle.Close(); err != nil {
		t.Error(err)
	}
}

func TestDialGivesUp(t *testing.T) {
	m := StartMemory(Options{})
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Accept may be faster than the check of ctx; then the connection is good.
	if conn, err := m.Dial(ctx); err == nil {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	} else if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestMemoryWithTLS(t *testing.T) {
	certs := ok[*Certs](t)(NewCerts(time.Now()))
	m := StartMemory(Options{TLS: certs.Server(true)})
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	conn := ok[*grpc.ClientConn](t)(grpc.NewClient("passthrough:///localhost",
		grpc.WithTransportCredentials(credentials.NewTLS(certs.Client(true))),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return m.Dial(ctx) })))
	ok[*demov1.HelloReply](t)(demov1.NewGreeterClient(conn).SayHello(within(t), &demov1.HelloRequest{}))
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if raw, err := m.Dial(within(t)); err != nil {
		t.Error(err)
	} else {
		config := certs.Client(false)
		config.ServerName = "localhost"
		client := tls.Client(raw, config)
		// With TLS 1.3 the client notices that it is refused when it reads.
		err := client.HandshakeContext(within(t))
		if err == nil {
			_, err = client.Read(make([]byte, 1))
		}
		if err == nil || !strings.Contains(err.Error(), "certificate required") {
			t.Errorf("without a client's certificate: %v", err)
		}
		_ = raw.Close() // The server has closed it.
	}
}
