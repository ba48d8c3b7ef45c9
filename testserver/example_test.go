package testserver_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// A test starts the server in memory, calls it as any other, and asks it what
// it has seen.
func ExampleStartMemory() {
	demo := testserver.StartMemory(testserver.Options{})
	conn, err := grpc.NewClient("passthrough:///demo",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return demo.Dial(ctx) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := demov1.NewGreeterClient(conn).SayHello(context.Background(), &demov1.HelloRequest{Name: "Ada"})
	fmt.Println(reply.GetMessage(), err)
	fmt.Println(conn.Close(), demo.Close())
	fmt.Println(demo.Server.Stats().Calls["/rpcctl.demo.v1.Greeter/SayHello"].Ended)
	// Output:
	// Hello, Ada! <nil>
	// <nil> <nil>
	// 1
}
