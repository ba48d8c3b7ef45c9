package session

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// versionOf makes a call and returns the version of HTTP that the answer came over.
func versionOf(t *testing.T, transport invoke.Transport) string {
	t.Helper()
	m := demov1.File_rpcctl_demo_v1_greeter_proto.Services().ByName("Greeter").Methods().ByName("SayHello")
	stream, err := transport.Open(t.Context(), (&invoke.Call{Method: m}).WireMethod(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Finish()
	if err := stream.Send(nil); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Error(err)
	}
	_, version := stream.(invoke.HTTPStream).HTTP()
	return version
}

// Each wire carries calls as it says: in its protocol and codec, over its version of HTTP.
func TestWires(t *testing.T) {
	got := make(chan testserver.Call, 1)
	target, _ := listen(t, testserver.Options{OnCall: func(c testserver.Call) { got <- c }})
	for _, tt := range []struct {
		name                              string
		wire                              Wire
		version, contentType, compression string
	}{
		{"the zero value", Wire{}, "2", "application/grpc", "identity"},
		{"gRPC", Wire{Protocol: "grpc"}, "2", "application/grpc", "identity"},
		{"gRPC, compressed", Wire{Protocol: "grpc", Compress: "gzip"}, "2", "application/grpc", "gzip"},
		{"gRPC, JSON", Wire{Protocol: "grpc", Codec: invoke.CodecJSON}, "2", "application/grpc+json", "identity"},
		{"Connect", Wire{Protocol: "connect"}, "2", "application/proto", "identity"},
		{"Connect over HTTP/1.1", Wire{Protocol: "connect", HTTP: "1.1"}, "1.1", "application/proto", "identity"},
		{"Connect, compressed", Wire{Protocol: "connect", Compress: "gzip"}, "2", "application/proto", "gzip"},
		{"Connect, JSON", Wire{Protocol: "connect", Codec: invoke.CodecJSON}, "2", "application/json", "identity"},
		{"Connect, by GET", Wire{Protocol: "connect", Get: true}, "2", "", "identity"},
		{"gRPC-Web", Wire{Protocol: "grpc-web"}, "2", "application/grpc-web+proto", "identity"},
		{"gRPC-Web over HTTP/1.1", Wire{Protocol: "grpc-web", HTTP: "1.1"}, "1.1", "application/grpc-web+proto", "identity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transport, err := begin(t, World{}, target, Settings{Wire: tt.wire}).Transport(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if version := versionOf(t, transport); version != tt.version {
				t.Errorf("got HTTP/%s, want HTTP/%s", version, tt.version)
			}
			if contentType := strings.Join((<-got).Metadata["content-type"], ", "); contentType != tt.contentType {
				t.Errorf("got the content type %q, want %q", contentType, tt.contentType)
			}
			if compression := transport.Wire(invoke.Method{}).Compression; compression != tt.compression {
				t.Errorf("got the compression %s, want %s", compression, tt.compression)
			}
		})
	}
}

// The server sees the names that the settings give, whatever the wire.
func TestWiresSendTheUserAgent(t *testing.T) {
	got := make(chan testserver.Call, 1)
	target, _ := listen(t, testserver.Options{OnCall: func(c testserver.Call) { got <- c }})
	for _, protocol := range []string{"grpc", "connect", "grpc-web"} {
		s := begin(t, World{}, target, Settings{Wire: Wire{Protocol: protocol}, UserAgent: "someone/1"})
		transport, err := s.Transport(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hello(t, transport, nil); err != nil {
			t.Fatal(err)
		}
		if agent := strings.Join((<-got).Metadata["user-agent"], ", "); !strings.HasPrefix(agent, "someone/1") {
			t.Errorf("%s: got the user agent %q", protocol, agent)
		}
	}
}

// An answer in JSON has the bound of one in protobuf's wire format.
func TestWiresBoundAnswers(t *testing.T) {
	target, _ := listen(t, testserver.Options{})
	for _, codec := range []string{invoke.CodecProto, invoke.CodecJSON} {
		s := begin(t, World{}, target, Settings{Wire: Wire{Protocol: "connect", Codec: codec}, MaxRecv: 4})
		transport, err := s.Transport(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = hello(t, transport, nil)
		var se *invoke.StatusError
		if !errors.As(err, &se) || se.Status.Code != codes.ResourceExhausted {
			t.Errorf("%s: got %v, want RESOURCE_EXHAUSTED", codec, err)
		}
	}
}

// Calls over HTTP/1.1 have a second transport over HTTP/2 for streams both ways, and others have none.
func TestDuplex(t *testing.T) {
	target, _ := listen(t, testserver.Options{})
	for _, tt := range []struct {
		name, target, http string
		want               bool
	}{
		{"what the server has", target, "", false},
		{"HTTP/2", target, "2", false},
		{"HTTP/1.1", target, "1.1", true},
		{"HTTP/1.1 inside this process", "demo:", "1.1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t, World{}, tt.target, Settings{Wire: Wire{Protocol: "connect", HTTP: tt.http}})
			duplex, err := s.Duplex(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if (duplex != nil) != tt.want {
				t.Fatalf("got %v", duplex)
			}
			if tt.want {
				if version := versionOf(t, duplex); version != "2" {
					t.Errorf("got HTTP/%s, want HTTP/2", version)
				}
			}
			if _, _, err := s.FindMethod(t.Context(), t.Context(), "Greeter/SayHello"); err != nil {
				t.Error(err)
			}
		})
	}
}
