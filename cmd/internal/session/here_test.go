package session

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// elsewhere is a connection to this machine that says that it leads to another.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 9), Port: 80} }

// A name that ends in localhost counts as this machine only when the connected address does:
// otherwise no secret goes there in plaintext and, without a flag for the security, nothing
// does.
func TestLocalNamesThatLeadElsewhere(t *testing.T) {
	secret := invoke.Metadata{"authorization": {"Bearer s3cr3t"}}
	for _, protocol := range []string{ProtocolGRPC, "connect", "grpc-web"} {
		for name, tt := range map[string]struct {
			target string
			away   bool
			allow  bool
			calls  []invoke.Metadata // one after the other, over the same transport
			want   []codes.Code
			sent   int32 // calls that the server gets
		}{
			"here":                     {"http://api.localhost:80", false, false, []invoke.Metadata{secret, nil}, []codes.Code{codes.OK, codes.OK}, 2},
			"here, not said how":       {"api.localhost:80", false, false, []invoke.Metadata{secret}, []codes.Code{codes.OK}, 1},
			"a secret elsewhere":       {"http://api.localhost:80", true, false, []invoke.Metadata{secret}, []codes.Code{codes.FailedPrecondition}, 0},
			"a secret later":           {"http://api.localhost:80", true, false, []invoke.Metadata{nil, secret, nil}, []codes.Code{codes.OK, codes.FailedPrecondition, codes.OK}, 2},
			"said outright":            {"http://api.localhost:80", true, true, []invoke.Metadata{secret}, []codes.Code{codes.OK}, 1},
			"elsewhere, not said how":  {"localhost:80", true, false, []invoke.Metadata{nil}, []codes.Code{codes.Unavailable}, 0},
			"elsewhere, with a secret": {"localhost:80", true, false, []invoke.Metadata{secret}, []codes.Code{codes.Unavailable}, 0},
		} {
			t.Run(protocol+" "+name, func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				var got atomic.Int32
				server := testserver.New(testserver.Options{OnCall: func(testserver.Call) { got.Add(1) }})
				go server.Serve(l)
				t.Cleanup(server.Close)
				target, err := invoke.ParseTarget(tt.target)
				if err != nil {
					t.Fatal(err)
				}
				s := New(World{Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
					c, err := (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
					if err == nil && tt.away {
						c = elsewhere{c}
					}
					return c, err
				}})
				s.Configure(Settings{Target: &target, Wire: Wire{Protocol: protocol}, Policy: CallPolicy{
					PlaintextCredentials: tt.allow, Secret: func(name, _ string) bool { return name == "authorization" },
				}})
				defer s.Close()
				transport, err := s.Transport(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for i, md := range tt.calls {
					code := codes.OK
					var se *invoke.StatusError
					if _, err := hello(t, transport, md); errors.As(err, &se) {
						code = se.Status.Code
					} else if err != nil {
						t.Fatal(err)
					}
					if code != tt.want[i] {
						t.Errorf("call %d: %s, want %s (%v)", i, code, tt.want[i], se)
					}
				}
				if got.Load() != tt.sent {
					t.Errorf("the server got %d calls, want %d", got.Load(), tt.sent)
				}
			})
		}
	}
}

// hello calls a method that does nothing.
func hello(t *testing.T, transport invoke.Transport, md invoke.Metadata) (*invoke.Message, error) {
	t.Helper()
	m := demov1.File_rpcctl_demo_v1_greeter_proto.Services().ByName("Greeter").Methods().ByName("SayHello")
	return (&invoke.Invoker{Transport: transport}).One(t.Context(), &invoke.Call{Method: m, Metadata: md, Requests: invoke.Messages(nil)})
}
