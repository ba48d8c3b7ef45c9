package httpwire_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/httpwire"
	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// say makes a server that answers whatever comes first with some bytes.
func say(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 100))
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
	}
}

func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func closed(net.Conn) {}

func TestFailuresAreToldApart(t *testing.T) {
	now := time.Now()
	c, dir := certs(t, now)
	old, oldDir := certs(t, now.Add(-72*time.Hour))
	plain, _ := serve(t, testserver.Options{})
	secure, _ := serve(t, testserver.Options{TLS: c.Server(false)})
	mutual, _ := serve(t, testserver.Options{TLS: c.Server(true)})
	expired, _ := serve(t, testserver.Options{TLS: old.Server(false)})
	http1 := httptest.NewTLSServer(http.NotFoundHandler()) // offers HTTP/1.1 alone
	t.Cleanup(http1.Close)
	quiet, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quiet.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := l.Addr().String()
	l.Close()
	none := connect.TLSOptions{}
	for _, tt := range []struct {
		name, target, http string
		tls                connect.TLSOptions
		want               connect.Kind
	}{
		{"refused", "http://" + refused, "", none, connect.Refused},
		{"refused over QUIC", "https://" + refused, "3", trust(dir), connect.Refused},
		{"no socket", "unix:" + filepath.Join(dir, "none.sock"), "", none, connect.NoSocket},
		{"plaintext to TLS", "http://" + secure, "", none, connect.ServerTLS},
		{"plaintext to TLS over HTTP/1.1", "http://" + secure, "1.1", none, connect.ServerTLS},
		{"plaintext to net/http with TLS", "http://" + http1.Listener.Addr().String(), "1.1", none, connect.ServerTLS},
		{"TLS to plaintext", "https://" + plain, "1.1", trust(dir), connect.ServerPlaintext},
		{"wrong name", "https://" + secure, "", connect.TLSOptions{CACert: trust(dir).CACert, ServerName: "example.com"}, connect.WrongName},
		{"unknown authority", "https://" + secure, "1.1", trust(oldDir), connect.UnknownAuthority},
		{"unknown authority over QUIC", "https://" + secure, "3", trust(oldDir), connect.UnknownAuthority},
		{"expired", "https://" + expired, "2", trust(oldDir), connect.Expired},
		{"expired over QUIC", "https://" + expired, "3", trust(oldDir), connect.Expired},
		{"client certificate", "https://" + mutual, "2", trust(dir), connect.ClientCert},
		{"client certificate over HTTP/1.1", "https://" + mutual, "1.1", trust(dir), connect.ClientCert},
		{"HTTP/1.1 where HTTP/2 is wanted", "https://" + http1.Listener.Addr().String(), "2", connect.TLSOptions{Insecure: true}, connect.HTTP1},
		{"garbage", "http://" + raw(t, say("220 mail.example.com ESMTP\r\n")), "", none, connect.Garbage},
		{"garbage over HTTP/1.1", "http://" + raw(t, say("220 mail.example.com ESMTP\r\n")), "1.1", none, connect.Garbage},
		{"TLS alert", "http://" + raw(t, say("\x15\x03\x01\x00\x02\x02\x46")), "", none, connect.ServerTLS},
		{"closed at once", "http://" + raw(t, closed), "2", none, connect.Closed},
		{"silent", "http://" + raw(t, silent), "", none, connect.TimedOut},
		{"silent to TLS", "https://" + raw(t, silent), "", trust(dir), connect.TimedOut},
		{"silent over QUIC", "https://" + quiet.LocalAddr().String(), "3", trust(dir), connect.TimedOut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := connect.DefaultTimeout
			if tt.want == connect.TimedOut {
				limit = 300 * time.Millisecond
			}
			transport := dial(t, tt.target, httpwire.Options{
				Protocol: httpwire.Connect, HTTP: tt.http, TLS: tt.tls, Connect: connect.Dialer{Timeout: limit},
			})
			r := call(t.Context(), t, transport, invoke.Method{Path: hello}, nil, &demov1.HelloRequest{})
			var ce *connect.Error
			if r.status.Code != codes.Unavailable || r.status.Origin != invoke.OriginTransport ||
				!errors.As(r.status.Err(), &ce) || ce.Kind != tt.want {
				t.Errorf("got %v (%s), want %s", r.status.Err(), r.status.Origin, tt.want)
			}
		})
	}
}

// A server that speaks only HTTP/1.1 is recognised in cleartext, whatever it answers to the
// preface of HTTP/2, and gets one request.
func TestFallsBackToHTTP1(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 0\r\n\r\n"
	for name, refusal := range map[string]string{"with an answer": "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "without a word": ""} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			addr := raw(t, func(c net.Conn) {
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				if r.Method == "PRI" {
					_, _ = io.WriteString(c, refusal)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				requests.Add(1)
				_, _ = io.WriteString(c, answer)
			})
			r := call(t.Context(), t, dial(t, addr, httpwire.Options{Protocol: httpwire.Connect}), invoke.Method{Path: hello}, nil, &demov1.HelloRequest{})
			if r.status.Code != codes.OK || r.version != "1.1" || len(r.messages) != 1 || requests.Load() != 1 {
				t.Errorf("%v over HTTP/%s, %d messages, %d requests", r.status.Err(), r.version, len(r.messages), requests.Load())
			}
		})
	}
}

// Even when the server is known to have done nothing, it gets the request once.
func TestNothingIsSentTwice(t *testing.T) {
	for name, refuse := range map[string]func(*http2.Framer, uint32) error{
		"refused stream": func(f *http2.Framer, id uint32) error { return f.WriteRSTStream(id, http2.ErrCodeRefusedStream) },
		"going away":     func(f *http2.Framer, _ uint32) error { return f.WriteGoAway(0, http2.ErrCodeNo, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			addr := raw(t, func(c net.Conn) {
				if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
					return
				}
				f := http2.NewFramer(c, c)
				if f.WriteSettings() != nil {
					return
				}
				for {
					frame, err := f.ReadFrame()
					if err != nil {
						return
					}
					if h, ok := frame.(*http2.HeadersFrame); ok {
						requests.Add(1)
						if refuse(f, h.StreamID) != nil {
							return
						}
					}
				}
			})
			transport := dial(t, addr, httpwire.Options{Protocol: httpwire.Connect, Get: true})
			r := call(t.Context(), t, transport, invoke.Method{Path: hello, NoSideEffects: true}, nil, &demov1.HelloRequest{})
			if r.status.Code != codes.Unavailable || requests.Load() != 1 {
				t.Errorf("%v after %d requests", r.status.Err(), requests.Load())
			}
		})
	}
	t.Run("HTTP/1.1 connection closed", func(t *testing.T) {
		var requests atomic.Int32
		addr := raw(t, func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				requests.Add(1)
			}
		})
		transport := dial(t, "http://"+addr, httpwire.Options{Protocol: httpwire.Connect, HTTP: connect.VersionHTTP1, Get: true})
		r := call(t.Context(), t, transport, invoke.Method{Path: hello, NoSideEffects: true}, nil, &demov1.HelloRequest{})
		if r.status.Code != codes.Unavailable || requests.Load() != 1 {
			t.Errorf("%v after %d requests", r.status.Err(), requests.Load())
		}
	})
}

// A deadline ends the call in whichever phase it hits.
func TestDeadline(t *testing.T) {
	demo, _ := serve(t, testserver.Options{})
	slow := invoke.Method{Path: lab + "Slow"}
	for name, tt := range map[string]struct{ target, http string }{
		"connecting":         {"http://" + raw(t, silent), ""},
		"TLS":                {"https://" + raw(t, silent), ""},
		"QUIC":               {"https://" + quietUDP(t), "3"},
		"waiting, HTTP/2":    {"http://" + demo, "2"},
		"waiting, HTTP/1.1":  {"http://" + demo, "1.1"},
		"never answers":      {"http://" + raw(t, silent), "1.1"},
		"stops in an answer": {"http://" + raw(t, say("HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 9\r\n\r\n")), "1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
			defer cancel()
			began := time.Now()
			transport := dial(t, tt.target, httpwire.Options{Protocol: httpwire.Connect, HTTP: tt.http, TLS: connect.TLSOptions{Insecure: tt.http == "3"}})
			r := call(ctx, t, transport, slow, nil, &demov1.SlowRequest{Duration: durationpb.New(time.Minute)})
			if r.status.Code != codes.DeadlineExceeded { // a quick server may say so first
				t.Errorf("%+v", r.status)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func quietUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// A server that speaks first is recognised, whether its bytes come before or after the request
// is sent.
func TestServerSpeaksFirst(t *testing.T) {
	address := raw(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	for range 50 {
		transport := dial(t, "http://"+address, httpwire.Options{Protocol: httpwire.Connect, HTTP: "1.1"})
		r := call(t.Context(), t, transport, invoke.Method{Path: hello}, nil, &demov1.HelloRequest{})
		if strings.Contains(r.status.Message, "%!w") || r.status.Code == codes.OK {
			t.Fatalf("%+v", r.status)
		}
	}
}

// Cancelling ends a call that waits for its requests, and the server notices.
func TestCancel(t *testing.T) {
	c, dir := certs(t, time.Now())
	demo, server := serve(t, testserver.Options{TLS: c.Server(false)})
	for i, version := range []string{"1.1", "2", "3"} {
		t.Run("HTTP "+version, func(t *testing.T) {
			transport := dial(t, "https://"+demo, httpwire.Options{Protocol: httpwire.Connect, HTTP: version, TLS: trust(dir)})
			ctx, cancel := context.WithCancel(t.Context())
			s, err := transport.Open(ctx, invoke.Method{Path: chat, ClientStreams: true, ServerStreams: true}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Send(wire(t, &demov1.ChatMessage{Text: "hi"})); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Recv(); err != nil {
				t.Fatal(err)
			}
			cancel()
			status, _ := s.Finish()
			if status.Code != codes.Canceled || status.Origin != invoke.OriginClient {
				t.Errorf("%+v", status)
			}
			waiting, stop := context.WithTimeout(t.Context(), patience)
			defer stop()
			if err := server.Wait(waiting, func(s testserver.Stats) bool { return s.Calls[chat].Cancelled == i+1 }); err != nil {
				t.Error(err, server.Stats())
			}
		})
	}
}

// A server that hangs up while the client has nothing to send ends the call.
func TestServerHangsUp(t *testing.T) {
	for version, untilMessage := range map[string]func(net.Conn){
		"1.1": func(c net.Conn) {
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = r.Body.Read(make([]byte, 1))
			}
		},
		"2": func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
			f := http2.NewFramer(c, c)
			_ = f.WriteSettings()
			for {
				if frame, err := f.ReadFrame(); err != nil || frame.Header().Type == http2.FrameData {
					return
				}
			}
		},
	} {
		t.Run("HTTP "+version, func(t *testing.T) {
			addr := raw(t, untilMessage)
			transport := dial(t, "http://"+addr, httpwire.Options{Protocol: httpwire.Connect, HTTP: version})
			s, err := transport.Open(t.Context(), invoke.Method{Path: chat, ClientStreams: true, ServerStreams: true}, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = s.Send(wire(t, &demov1.ChatMessage{Text: "hi"})) // Finish tells
			done := make(chan *invoke.Status, 1)
			go func() {
				status, _ := s.Finish()
				done <- status
			}()
			select {
			case status := <-done:
				if status.Code != codes.Unavailable {
					t.Errorf("%+v", status)
				}
			case <-time.After(patience):
				t.Fatal("the call hung")
			}
		})
	}
}

// A message that is announced and does not come is refused because of its size.
func TestAnnouncedAndNotSent(t *testing.T) {
	for protocol, contentType := range map[string]string{
		httpwire.Connect: "application/connect+proto", httpwire.GRPCWeb: "application/grpc-web+proto",
	} {
		t.Run(protocol, func(t *testing.T) {
			whole := binary.BigEndian.AppendUint32([]byte{0}, 3)
			whole = append(whole, 8, 1, 0)
			huge := binary.BigEndian.AppendUint32([]byte{0}, 1<<31)
			addr := raw(t, say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n%s%s", contentType, whole, huge)))
			transport := dial(t, "http://"+addr, httpwire.Options{Protocol: protocol, HTTP: connect.VersionHTTP1})
			r := call(t.Context(), t, transport, invoke.Method{Path: lab + "Count", ServerStreams: true}, nil, &demov1.CountRequest{})
			if len(r.messages) != 1 || r.status.Code != codes.ResourceExhausted || r.status.Origin != invoke.OriginClient {
				t.Errorf("%d messages, %+v", len(r.messages), r.status)
			}
		})
	}
}

// An answer that is not of the protocol has a status by its HTTP code, and its headers can be
// read.
func TestForeignAnswers(t *testing.T) {
	for code, want := range map[int]codes.Code{
		400: codes.Internal, 401: codes.Unauthenticated, 403: codes.PermissionDenied, 404: codes.Unimplemented,
		429: codes.Unavailable, 502: codes.Unavailable, 503: codes.Unavailable, 504: codes.Unavailable, 418: codes.Unknown, 200: codes.Unknown,
	} {
		for _, protocol := range protocols() {
			t.Run(fmt.Sprintf("%s/%d", protocol, code), func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/html")
					w.Header().Set("X-Proxy", "tired")
					w.WriteHeader(code)
					_, _ = io.WriteString(w, "<html>")
				}))
				defer server.Close()
				r := call(t.Context(), t, dial(t, server.URL, httpwire.Options{Protocol: protocol}), invoke.Method{Path: hello}, nil, &demov1.HelloRequest{})
				if r.status.Code != want || r.http != code || r.header.Get("x-proxy") != "tired" {
					t.Errorf("%v, HTTP %d, headers %v", r.status.Err(), r.http, r.header)
				}
			})
		}
	}
}
