package httpwire_test

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/compress"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/httpwire"
	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func protocols() []string { return []string{httpwire.Connect, httpwire.GRPCWeb} }

// Every protocol over every version of HTTP, and every way to say which.
func TestReaches(t *testing.T) {
	c, dir := certs(t, time.Now())
	plain, _ := serve(t, testserver.Options{})
	secure, _ := serve(t, testserver.Options{TLS: c.Server(false)})
	mutual, _ := serve(t, testserver.Options{TLS: c.Server(true)})
	socket := filepath.Join(t.TempDir(), "demo.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, l, testserver.Options{})
	pair := connect.TLSOptions{CACert: trust(dir).CACert, Cert: filepath.Join(dir, "client.pem"), Key: filepath.Join(dir, "client-key.pem")}
	for _, tt := range []struct {
		name, target, http string
		tls                connect.TLSOptions
		want               string
	}{
		{"cleartext finds HTTP/2", plain, "", connect.TLSOptions{}, "2"},
		{"cleartext HTTP/1.1", "http://" + plain, connect.VersionHTTP1, connect.TLSOptions{}, "1.1"},
		{"cleartext HTTP/2", "http://" + plain, connect.VersionHTTP2, connect.TLSOptions{}, "2"},
		{"a socket", "unix:" + socket, "", connect.TLSOptions{}, "2"},
		{"TLS agrees on HTTP/2", "https://" + secure, "", trust(dir), "2"},
		{"TLS HTTP/1.1", "https://" + secure, connect.VersionHTTP1, trust(dir), "1.1"},
		{"TLS HTTP/2", "https://" + secure, connect.VersionHTTP2, trust(dir), "2"},
		{"HTTP/3", "https://" + secure, connect.VersionHTTP3, trust(dir), "3"},
		{"HTTP/3 by itself", secure, connect.VersionHTTP3, trust(dir), "3"},
		{"mutual TLS", "https://" + mutual, "", pair, "2"},
		{"mutual TLS over HTTP/3", "https://" + mutual, connect.VersionHTTP3, pair, "3"},
		{"this machine speaks TLS", secure, "", connect.TLSOptions{Insecure: true}, "2"},
	} {
		for _, protocol := range protocols() {
			t.Run(protocol+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				transport := dial(t, tt.target, httpwire.Options{Protocol: protocol, HTTP: tt.http, TLS: tt.tls})
				everyShape(t, transport, tt.want)
			})
		}
	}
}

// everyShape makes a call of each shape, twice: the second time on a connection
// that is there.
func everyShape(t *testing.T, transport *httpwire.Transport, version string) {
	t.Helper()
	for range 2 {
		r := call(t.Context(), t, transport, invoke.Method{Path: hello}, nil, &demov1.HelloRequest{Name: "you"})
		if got := read(t, r, &demov1.HelloReply{}).GetMessage(); got != "Hello, you!" {
			t.Errorf("unary: %q", got)
		}
		if r.http != 200 || r.version != version {
			t.Errorf("HTTP/%s %d, want HTTP/%s 200", r.version, r.http, version)
		}
		r = call(t.Context(), t, transport, invoke.Method{Path: lab + "Count", ServerStreams: true}, nil, &demov1.CountRequest{N: proto.Int64(300)})
		if len(r.messages) != 300 || r.status.Code != codes.OK {
			t.Errorf("server stream: %d messages, %v", len(r.messages), r.status.Err())
		}
		items := []proto.Message{&demov1.Item{Sku: "a"}, &demov1.Item{Sku: "b"}}
		r = call(t.Context(), t, transport, invoke.Method{Path: "/rpcctl.demo.v1.Shop/Upload", ClientStreams: true}, nil, items...)
		if len(r.messages) != 1 || r.status.Code != codes.OK {
			t.Errorf("client stream: %d messages, %v", len(r.messages), r.status.Err())
		}
		r = call(t.Context(), t, transport, invoke.Method{Path: chat, ClientStreams: true, ServerStreams: true}, nil,
			&demov1.ChatMessage{Text: "one"}, &demov1.ChatMessage{Text: "two"})
		if len(r.messages) < 2 || r.status.Code != codes.OK {
			t.Errorf("both ways: %d messages, %v", len(r.messages), r.status.Err())
		}
	}
}

func TestMetadata(t *testing.T) {
	addr, _ := serve(t, testserver.Options{})
	sent := invoke.Metadata{"x-a": {"1", "2, 3"}, "x-b-bin": {"\x00\xff", ""}, "user-agent": {"mine"}}
	for _, protocol := range protocols() {
		t.Run(protocol, func(t *testing.T) {
			transport := dial(t, addr, httpwire.Options{Protocol: protocol, UserAgent: "rpcctl/test", Authority: "shop.example"})
			r := call(t.Context(), t, transport, invoke.Method{Path: lab + "Metadata"}, sent,
				&demov1.MetadataRequest{Headers: []string{"x-a", "x-b-bin"}, Trailers: []string{"x-a", "x-b-bin"}})
			got := map[string][]string{}
			for _, e := range read(t, r, &demov1.MetadataReply{}).GetEntries() {
				got[e.GetName()] = append(got[e.GetName()], e.GetText()+string(e.GetBinary()))
			}
			want := map[string][]string{
				"x-a": sent["x-a"], "x-b-bin": sent["x-b-bin"], "user-agent": {"mine"}, ":authority": {"shop.example"},
			}
			for key, values := range want {
				if !slices.Equal(got[key], values) {
					t.Errorf("the server got %s %q, want %q", key, got[key], values)
				}
			}
			for at, md := range map[string]invoke.Metadata{"headers": r.header, "trailers": r.trailer} {
				for _, key := range []string{"x-a", "x-b-bin"} {
					if !slices.Equal(md[key], sent[key]) {
						t.Errorf("%s: %s is %q, want %q", at, key, md[key], sent[key])
					}
				}
			}
			if r.header["content-type"] == nil || r.header["trailer-x-a"] != nil {
				t.Errorf("headers %v", r.header)
			}
			if protocol == httpwire.GRPCWeb && r.trailer.Get("grpc-status") != "0" {
				t.Errorf("trailers %v", r.trailer)
			}
		})
	}
}

// A status of the server's comes through whole, from a unary call and from a stream.
func TestStatus(t *testing.T) {
	addr, _ := serve(t, testserver.Options{})
	detail, err := anypb.New(&errdetails.ErrorInfo{Reason: "GONE"})
	if err != nil {
		t.Fatal(err)
	}
	const odd = "50 % \n \"odd\" ü"
	for _, protocol := range protocols() {
		beyond := codes.Code(1010)
		if protocol == httpwire.Connect {
			beyond = codes.Unknown // its codes are words
		}
		for _, tt := range []struct {
			method  invoke.Method
			request proto.Message
			want    *invoke.Status
		}{
			{
				invoke.Method{Path: lab + "Fail"},
				&demov1.FailRequest{Code: proto.Int32(5), Message: proto.String(odd), Details: []*anypb.Any{detail}},
				&invoke.Status{Code: codes.NotFound, Message: odd, Origin: invoke.OriginServer, Details: []*anypb.Any{detail}},
			},
			{
				invoke.Method{Path: lab + "Fail"},
				&demov1.FailRequest{Code: proto.Int32(1010), Message: proto.String("beyond")},
				&invoke.Status{Code: beyond, Message: "beyond", Origin: invoke.OriginServer},
			},
			{
				invoke.Method{Path: lab + "FailAfter", ServerStreams: true},
				&demov1.FailAfterRequest{Count: proto.Int32(3), Failure: &demov1.FailRequest{Code: proto.Int32(8), Message: proto.String(odd)}},
				&invoke.Status{Code: codes.ResourceExhausted, Message: odd, Origin: invoke.OriginServer},
			},
		} {
			t.Run(fmt.Sprintf("%s/%s/%d", protocol, tt.method.Path, tt.want.Code), func(t *testing.T) {
				r := call(t.Context(), t, dial(t, addr, httpwire.Options{Protocol: protocol}), tt.method, nil, tt.request)
				if diff := cmp.Diff(tt.want, r.status, protocmp.Transform()); diff != "" {
					t.Errorf("status (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestUnknownMethod(t *testing.T) {
	addr, _ := serve(t, testserver.Options{})
	for _, protocol := range protocols() {
		r := call(t.Context(), t, dial(t, addr, httpwire.Options{Protocol: protocol}), invoke.Method{Path: "/no.Such/Method"}, nil)
		if r.status.Code != codes.Unimplemented {
			t.Errorf("%s: %v", protocol, r.status.Err())
		}
	}
}

func TestGet(t *testing.T) {
	addr, _ := serve(t, testserver.Options{})
	transport := dial(t, addr, httpwire.Options{Protocol: httpwire.Connect, Get: true, Compress: "gzip"})
	r := call(t.Context(), t, transport, invoke.Method{Path: hello, NoSideEffects: true}, nil, &demov1.HelloRequest{Name: "get"})
	if got := read(t, r, &demov1.HelloReply{}).GetMessage(); got != "Hello, get!" {
		t.Errorf("%q", got)
	}
	if !slices.Contains(r.header["vary"], "Accept-Encoding") { // an answer to a GET says so
		t.Errorf("headers %v", r.header)
	}
}

// The limit holds for what is announced, and before it has come.
func TestLimit(t *testing.T) {
	addr, _ := serve(t, testserver.Options{})
	for _, protocol := range protocols() {
		for _, m := range []invoke.Method{{Path: lab + "Blob"}, {Path: lab + "Blob", MaxRecv: 1 << 20}} {
			t.Run(fmt.Sprintf("%s/%d", protocol, m.MaxRecv), func(t *testing.T) {
				transport := dial(t, addr, httpwire.Options{Protocol: protocol, MaxRecv: 1 << 10})
				r := call(t.Context(), t, transport, m, nil, &demov1.BlobRequest{Size: proto.Int64(2 << 10)})
				if m.MaxRecv > 0 {
					read(t, r, &demov1.BlobReply{})
				} else if r.status.Code != codes.ResourceExhausted || r.status.Origin != invoke.OriginClient || len(r.messages) > 0 {
					t.Errorf("%d messages, %+v", len(r.messages), r.status)
				}
			})
		}
	}
}

func TestNewRefuses(t *testing.T) {
	tcp := invoke.Target{Network: "tcp", Address: "h:1", Security: invoke.SecurityTLS}
	for name, tt := range map[string]struct {
		target invoke.Target
		o      httpwire.Options
	}{
		"no protocol":         {tcp, httpwire.Options{}},
		"gRPC":                {tcp, httpwire.Options{Protocol: "grpc"}},
		"a resolver":          {invoke.Target{Network: invoke.NetworkResolver, Address: "dns:///h:1"}, httpwire.Options{Protocol: httpwire.Connect}},
		"unknown compression": {tcp, httpwire.Options{Protocol: httpwire.Connect, Compress: "lzma"}},
		"HTTP/3 in plaintext": {
			invoke.Target{Network: "tcp", Address: "h:1", Security: invoke.SecurityPlaintext},
			httpwire.Options{Protocol: httpwire.Connect, HTTP: connect.VersionHTTP3},
		},
		"HTTP/3 on a socket": {
			invoke.Target{Network: "unix", Address: "/s", Security: invoke.SecurityTLS},
			httpwire.Options{Protocol: httpwire.Connect, HTTP: connect.VersionHTTP3},
		},
		"no such file": {tcp, httpwire.Options{Protocol: httpwire.Connect, TLS: connect.TLSOptions{CACert: "/no/such/file"}}},
	} {
		if _, err := httpwire.New(t.Context(), tt.target, tt.o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWire(t *testing.T) {
	transport := dial(t, "https://h.example/api", httpwire.Options{Protocol: httpwire.Connect, HTTP: connect.VersionHTTP2, Compress: "br"})
	got := transport.Wire(invoke.Method{Path: hello, Codec: invoke.CodecJSON})
	want := invoke.Wire{
		URL: "https://h.example:443/api" + hello, Protocol: "connect", HTTP: "2", Codec: "json", Compression: "br",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !compress.Known(got.Compression) {
		t.Errorf("%s is not known", got.Compression)
	}
}

func TestReachesIPv6WithAZone(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	serveOn(t, l, testserver.Options{})
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	transport := dial(t, "http://[::1%25lo]:"+port, httpwire.Options{Protocol: httpwire.Connect})
	s, err := transport.Open(t.Context(), invoke.Method{Path: hello}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Send(nil), s.CloseSend()
	_, _ = s.Recv()
	if st, _ := s.Finish(); st.Code != codes.OK {
		t.Error(st.Err())
	}
}
