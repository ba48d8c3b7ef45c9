package invoke_test

import (
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// A method that answers with one message has no answer when there are none or
// two, or when the call failed after all.
func TestNumberOfAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		sends int
		ends  error
		want  []string
	}{
		{"none", 0, nil, []string{"opened", "request-sent 0", "requests-done", "finished UNIMPLEMENTED"}},
		{"one", 1, nil, []string{"opened", "request-sent 0", "requests-done", "headers-received", "response-received 0", "finished OK"}},
		{"two", 2, nil, []string{"opened", "request-sent 0", "requests-done", "headers-received", "finished UNIMPLEMENTED"}},
		{"one and a failure", 1, status.Error(codes.DataLoss, "oops"), []string{"opened", "request-sent 0", "requests-done", "headers-received", "finished DATA_LOSS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
				for range tt.sends {
					if err := s.SendMsg(&demov1.HelloReply{Message: "hi"}); err != nil {
						return err
					}
				}
				return tt.ends
			}))
			go server.Serve(l)
			defer server.Stop()
			transport, err := grpcwire.New(t.Context(), invoke.Target{Network: "tcp", Address: l.Addr().String()}, grpcwire.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer transport.Close()
			r := &recorder{}
			c := &invoke.Call{Method: method(t, "Greeter", "SayHello"), Requests: invoke.Messages(nil)}
			err = (&invoke.Invoker{Transport: transport}).Do(t.Context(), c, r)
			if diff := cmp.Diff(tt.want, r.words); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if (err == nil) != (r.status.Code == codes.OK) {
				t.Errorf("Do returned %v for %v", err, r.status.Code)
			}
		})
	}
}
