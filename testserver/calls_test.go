package testserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// Calls that never end share a bound, beyond which others are refused; these are answered when
// the calls are gone.
func TestCallsWithoutEnd(t *testing.T) {
	const header = 100 << 10
	const calls, most = 400, callBudget / (metadataWeight * header)
	for name, call := range map[string]func(ctx context.Context, address string, conn *grpc.ClientConn) string{
		"grpc": func(ctx context.Context, _ string, conn *grpc.ClientConn) string {
			stream, err := demov1.NewLabClient(conn).EchoStream(metadata.AppendToOutgoingContext(ctx, "filling", strings.Repeat("x", header)))
			if err == nil {
				_, err = stream.Recv()
			}
			return err.Error()
		},
		"connect": func(ctx context.Context, address string, _ *grpc.ClientConn) string {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				return err.Error()
			}
			context.AfterFunc(ctx, func() { conn.Close() })
			fmt.Fprintf(conn, "POST /rpcctl.demo.v1.Lab/Echo HTTP/1.1\r\nHost: demo\r\nContent-Type: application/json\r\nContent-Length: 9\r\nFilling: %s\r\n\r\n{",
				strings.Repeat("x", header))
			b := make([]byte, 1000)
			n, err := conn.Read(b)
			if n == 0 && ctx.Err() == nil {
				return busyText // there was no room for the connection
			}
			return fmt.Sprint(string(b[:n]), err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := listen(t, Options{})
			conn := dial(t, address)
			ctx, hangUp := context.WithCancel(within(t))
			answers := make(chan string, calls)
			for range calls {
				go func() { answers <- call(ctx, address, conn) }()
			}
			for range calls - most {
				select {
				case a := <-answers:
					if !strings.Contains(a, busyText) {
						t.Fatal(a)
					}
				case <-ctx.Done():
					t.Fatal("all are taken in")
				}
			}
			hangUp()
			greets(t, dial(t, address))
		})
	}
}

// A client that makes more calls at a time than one connection may have waits with the rest.
func TestMoreCallsThanStreams(t *testing.T) {
	address, server := listen(t, Options{})
	conn := dial(t, address)
	const calls = maxStreams + 200
	ctx, hangUp := context.WithCancel(within(t))
	failed := make(chan error, calls)
	for range calls {
		go func() {
			_, err := demov1.NewLabClient(conn).Slow(ctx, &demov1.SlowRequest{Duration: durationpb.New(maxSleep)})
			if ctx.Err() == nil {
				failed <- err
			}
		}()
	}
	running := func(s Stats) bool { return s.Calls["/rpcctl.demo.v1.Lab/Slow"].Started == maxStreams }
	if err := server.Wait(ctx, running); err != nil {
		t.Error(err)
	}
	select {
	case err := <-failed:
		t.Error(err)
	default:
	}
	hangUp()
}

// greets fails the test unless a call comes to be answered.
func greets(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		r, err := demov1.NewGreeterClient(conn).SayHello(within(t), &demov1.HelloRequest{Name: "Ada"})
		if err == nil {
			same(t, r.GetMessage(), "Hello, Ada!")
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// dial connects until the test ends.
func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn := ok[*grpc.ClientConn](t)(grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials())))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Connections have a bound, too.
func TestManyConnections(t *testing.T) {
	address, server := listen(t, Options{})
	const most = callBudget / connectionWeight
	conns := make([]net.Conn, most+20)
	for i := range conns {
		conns[i] = ok[net.Conn](t)(net.Dial("tcp", address))
	}
	closed := make(chan bool, len(conns))
	for _, conn := range conns {
		go func() {
			_, err := conn.Read(make([]byte, 1))
			closed <- err == io.EOF
		}()
	}
	for range len(conns) - most {
		if !<-closed {
			t.Error("it is not closed by the server")
		}
	}
	if n := server.Stats().Open; n != most {
		t.Errorf("%d connections are open, want %d", n, most)
	}
	for _, conn := range conns {
		conn.Close()
	}
	if err := server.Wait(within(t), func(s Stats) bool { return s.Open == 0 }); err != nil {
		t.Fatal(err)
	}
	greets(t, dial(t, address))
}
