package testserver

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

type greeter struct {
	demov1.UnimplementedGreeterServer
}

// greeting says hello in one of a few languages, which take turns.
func greeting(i int, name string) string {
	if name == "" {
		name = "world"
	}
	hellos := [...]string{"Hello", "Bonjour", "Guten Tag", "Hola", "こんにちは", "Γειά σου", "Salaam", "Jambo"}
	return fmt.Sprintf("%s, %s!", hellos[i%len(hellos)], name)
}

func (*greeter) SayHello(_ context.Context, r *demov1.HelloRequest) (*demov1.HelloReply, error) {
	return &demov1.HelloReply{Message: greeting(0, r.GetName())}, nil
}

func (*greeter) StreamGreetings(
	r *demov1.StreamGreetingsRequest, stream grpc.ServerStreamingServer[demov1.HelloReply],
) error {
	p, err := newPace(r.Count, 5, r.GetDelayMs())
	if err != nil {
		return err
	}
	return p.each(stream.Context(), func(i int) error {
		return stream.Send(&demov1.HelloReply{Message: greeting(i, r.GetName())})
	})
}
