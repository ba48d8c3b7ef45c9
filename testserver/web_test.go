package testserver

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

const helloPath = "/rpcctl.demo.v1.Greeter/SayHello"

// listen serves on a port of this machine until the test ends, over HTTP/3 too when
// there is TLS.
func listen(t *testing.T, o Options) (string, *Server) {
	t.Helper()
	l := ok[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	s := New(o)
	serving := []func() error{func() error { return s.Serve(l) }}
	if o.TLS != nil {
		c := ok[net.PacketConn](t)(net.ListenPacket("udp", l.Addr().String()))
		serving = append(serving, func() error { return s.ServeHTTP3(c) })
	}
	done := make(chan error, len(serving))
	for _, serve := range serving {
		go func() { done <- serve() }()
	}
	t.Cleanup(func() {
		s.Close()
		for range serving {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return l.Addr().String(), s
}

// ask sends a request and returns the response with its body.
func ask(t *testing.T, c http.RoundTripper, method, url, contentType, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r := ok[*http.Request](t)(http.NewRequestWithContext(within(t), method, url, strings.NewReader(body)))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response := ok[*http.Response](t)(c.RoundTrip(r))
	defer response.Body.Close()
	return response, string(ok[[]byte](t)(io.ReadAll(response.Body)))
}

// What curl and a page's fetch send is answered over each version of HTTP, and the
// counters see it.
func TestPlainHTTP(t *testing.T) {
	certs := ok[*Certs](t)(NewCerts(time.Now()))
	plain, server := listen(t, Options{})
	secure, _ := listen(t, Options{TLS: certs.Server(false)})
	h3 := &http3.Transport{TLSClientConfig: certs.Client(false)}
	defer h3.Close()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	for name, tt := range map[string]struct {
		client http.RoundTripper
		base   string
		major  int
	}{
		"HTTP/1.1":     {&http.Transport{}, "http://" + plain, 1},
		"HTTP/2":       {&http.Transport{Protocols: protocols}, "http://" + plain, 2},
		"TLS HTTP/1.1": {&http.Transport{TLSClientConfig: certs.Client(false)}, "https://" + secure, 1},
		"TLS HTTP/2":   {&http.Transport{TLSClientConfig: certs.Client(false), ForceAttemptHTTP2: true}, "https://" + secure, 2},
		"HTTP/3":       {h3, "https://" + secure, 3},
	} {
		t.Run(name, func(t *testing.T) {
			response, body := ask(t, tt.client, "POST", tt.base+helloPath, "application/json", `{"name":"curl"}`)
			if response.StatusCode != 200 || response.ProtoMajor != tt.major || !strings.Contains(body, "Hello, curl!") {
				t.Errorf("%s %s: %s", response.Proto, response.Status, body)
			}
			response, body = ask(t, tt.client, "GET", tt.base+helloPath+"?encoding=json&message=%7B%7D", "", "")
			if response.StatusCode != 200 || !strings.Contains(body, "Hello, world!") {
				t.Errorf("GET: %s: %s", response.Status, body)
			}
			response, body = ask(t, tt.client, "POST", tt.base+"/rpcctl.demo.v1.Lab/Fail", "application/json", `{"code":5,"message":"gone"}`)
			if response.StatusCode != 404 || !strings.Contains(body, `"not_found"`) || !strings.Contains(body, `"gone"`) {
				t.Errorf("a failure: %s: %s", response.Status, body)
			}
			response, body = ask(t, tt.client, "POST", tt.base+helloPath, "application/grpc-web+proto", "\x00\x00\x00\x00\x00")
			if response.StatusCode != 200 || !strings.Contains(body, "Hello, world!") || !strings.Contains(strings.ToLower(body), "grpc-status: 0") {
				t.Errorf("gRPC-Web: %s: %q", response.Status, body)
			}
		})
	}
	if got := server.Stats().Calls[helloPath]; got.Started != 6 || got.Ended != 6 || got.Sent != 6 {
		t.Errorf("the plain server counted %+v, want 6 calls", got)
	}
}

// A page of another origin may call, and see what came.
func TestOtherOrigins(t *testing.T) {
	addr, _ := listen(t, Options{})
	client := &http.Transport{}
	defer client.CloseIdleConnections()
	origin := []string{"Origin", "http://page.example"}
	response, _ := ask(t, client, "OPTIONS", "http://"+addr+helloPath, "", "", append(origin,
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,x-mine,authorization")...)
	allowed := strings.ToLower(response.Header.Get("Access-Control-Allow-Headers"))
	if response.StatusCode != 204 || response.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(response.Header.Get("Access-Control-Allow-Methods"), "POST") ||
		!strings.Contains(allowed, "connect-protocol-version") || !strings.Contains(allowed, "x-mine") || !strings.Contains(allowed, "authorization") {
		t.Errorf("preflight: %s %v", response.Status, response.Header)
	}
	response, _ = ask(t, client, "POST", "http://"+addr+"/rpcctl.demo.v1.Lab/Metadata", "application/json",
		`{"setHeaders":[{"name":"x-h","text":"1"}],"setTrailers":[{"name":"x-t","text":"2"}]}`, origin...)
	exposed := response.Header.Get("Access-Control-Expose-Headers")
	if response.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(exposed, "X-H") ||
		!strings.Contains(exposed, "Trailer-X-T") || !strings.Contains(exposed, "Grpc-Status") {
		t.Errorf("answer: %v", response.Header)
	}
	response, _ = ask(t, client, "POST", "http://"+addr+helloPath, "application/json", "{}")
	if response.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without an origin: %v", response.Header)
	}
}

// A client of HTTP/2 may wait for our SETTINGS, ping, and take its time before its
// first request. grpc-go then gets a connection like any other.
func TestBeforeTheFirstRequest(t *testing.T) {
	addr, server := listen(t, Options{})
	conn := ok[net.Conn](t)(net.Dial("tcp", addr))
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	expect := func(want http2.FrameType, ack bool) http2.Frame {
		t.Helper()
		for {
			f := ok[http2.Frame](t)(framer.ReadFrame())
			if f.Header().Type == want && f.Header().Flags.Has(http2.FlagSettingsAck) == ack {
				return f
			}
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := io.WriteString(conn, http2.ClientPreface)
	must(err)
	must(framer.WriteSettings())
	expect(http2.FrameSettings, false)
	must(framer.WriteSettingsAck())
	must(framer.WritePing(false, [8]byte{1, 2, 3}))
	if ping, is := expect(http2.FramePing, true).(*http2.PingFrame); !is || ping.Data != [8]byte{1, 2, 3} {
		t.Fatalf("got %v", ping)
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", helloPath},
		{":authority", "demo"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	} {
		must(encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
	}
	half := block.Len() / 2
	must(framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: block.Bytes()[:half], PadLength: 3, Priority: http2.PriorityParam{Weight: 1},
	}))
	must(framer.WriteContinuation(1, true, block.Bytes()[half:]))
	must(framer.WriteData(1, true, make([]byte, 5)))
	if data, is := expect(http2.FrameData, false).(*http2.DataFrame); !is || !bytes.Contains(data.Data(), []byte("Hello, world!")) {
		t.Fatalf("got %v", data)
	}
	if err := server.Wait(within(t), func(s Stats) bool { return s.Calls[helloPath].Ended == 1 }); err != nil {
		t.Error(err)
	}
}

// Connections that never send a request are closed with the server, and those that are not
// HTTP at once.
func TestNoRequests(t *testing.T) {
	for name, first := range map[string]string{
		"silent": "", "half a preface": http2.ClientPreface[:10], "a preface": http2.ClientPreface,
		"not HTTP": "\x16\x03\x01\x02\x00", "a frame that is too large": http2.ClientPreface + "\xff\xff\xff\x04\x00\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			addr, server := listen(t, Options{})
			conn := ok[net.Conn](t)(net.Dial("tcp", addr))
			defer conn.Close()
			if _, err := io.WriteString(conn, first); err != nil {
				t.Fatal(err)
			}
			if err := server.Wait(within(t), func(s Stats) bool { return s.Accepted == 1 }); err != nil {
				t.Fatal(err)
			}
			server.Stop()
			if err := server.Wait(within(t), func(s Stats) bool { return s.Open == 0 }); err != nil {
				t.Error(err)
			}
		})
	}
}

// Over TLS grpc-go gets the handshake's result, compression, and its own clients.
func TestGRPCBehindTheFront(t *testing.T) {
	certs := ok[*Certs](t)(NewCerts(time.Now()))
	addr, _ := listen(t, Options{TLS: certs.Server(true)})
	conn := ok[*grpc.ClientConn](t)(grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(certs.Client(true)))))
	defer conn.Close()
	for range 3 {
		reply, err := demov1.NewGreeterClient(conn).SayHello(within(t), &demov1.HelloRequest{}, grpc.UseCompressor(gzip.Name))
		if err != nil || reply.GetMessage() != "Hello, world!" {
			t.Errorf("%v, %v", reply, err)
		}
	}
	stranger := tls.Client(ok[net.Conn](t)(net.Dial("tcp", addr)), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	defer stranger.Close()
	if err := stranger.HandshakeContext(within(t)); err == nil {
		t.Error("a client without a certificate got in")
	}
}

// HTTP/3 has no plaintext.
func TestHTTP3NeedsTLS(t *testing.T) {
	c := ok[net.PacketConn](t)(net.ListenPacket("udp", "127.0.0.1:0"))
	if err := New(Options{}).ServeHTTP3(c); err == nil {
		t.Error("no error")
	}
}
