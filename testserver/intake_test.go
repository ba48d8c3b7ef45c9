package testserver

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// bigRequest is the size of a large request, in bytes.
const bigRequest = 4<<20 - 1<<10

// echoes fails the test unless large requests are answered.
func echoes(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		_, err := demov1.NewLabClient(conn).Echo(within(t), &demov1.Everything{BytesValue: make([]byte, bigRequest)})
		if err == nil {
			return
		}
		if status.Code(err) != codes.ResourceExhausted || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// Requests that are half sent share a bound, beyond which they are refused. Small ones are
// answered meanwhile, and large ones when the others are gone.
func TestHalfSentRequests(t *testing.T) {
	for name, kind := range map[string]struct{ path, content, lead string }{
		"connect":        {"Echo", "application/proto", ""},
		"connect stream": {"EchoStream", "application/connect+proto", "\x00\x00\x3f\xfc\x00"},
		"grpc-web":       {"Echo", "application/grpc-web+proto", "\x00\x00\x3f\xfc\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			m := StartMemory(Options{})
			t.Cleanup(func() { m.Close() })
			const sent = bigRequest / 2 // the server does not answer while it hopes for the last 256 KiB
			const calls, most = 40, requestBudget / (growth * sent)
			answers := make(chan string, calls)
			ctx, hangUp := context.WithCancel(within(t))
			for range calls {
				conn := ok[net.Conn](t)(m.Dial(ctx))
				context.AfterFunc(ctx, func() { conn.Close() })
				go func() {
					fmt.Fprintf(conn, "POST /rpcctl.demo.v1.Lab/%s HTTP/1.1\r\nHost: demo\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s%s",
						kind.path, kind.content, bigRequest+len(kind.lead), kind.lead, strings.Repeat("x", sent))
				}()
				go func() {
					b := make([]byte, 1000)
					n, _ := conn.Read(b)
					answers <- string(b[:n])
				}()
			}
			for range calls - most {
				select {
				case a := <-answers:
					if !strings.HasPrefix(a, "HTTP/1.1 ") {
						t.Errorf("answer %q", a)
					}
				case <-ctx.Done():
					t.Fatal("all are taken in")
				}
			}
			conn := dialMemory(t, m)
			same(t, ok[*demov1.HelloReply](t)(demov1.NewGreeterClient(conn).SayHello(ctx, &demov1.HelloRequest{Name: "Ada"})).GetMessage(), "Hello, Ada!")
			hangUp()
			echoes(t, conn)
		})
	}
}

// Large requests that are being answered have the same bound, however small their compressed
// form is.
func TestGreatRequests(t *testing.T) {
	request := &demov1.SlowRequest{Duration: durationpb.New(maxSleep)}
	request.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 100, protowire.BytesType), make([]byte, bigRequest-100)))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(ok[[]byte](t)(proto.Marshal(request))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := StartMemory(Options{})
	t.Cleanup(func() { m.Close() })
	conn := dialMemory(t, m)
	web := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx) }}}
	for name, call := range map[string]func(context.Context) string{
		"grpc": func(ctx context.Context) string {
			_, err := demov1.NewLabClient(conn).Slow(ctx, request, grpc.UseCompressor("gzip"))
			return fmt.Sprint(status.Code(err), status.Convert(err).Message())
		},
		"connect": func(ctx context.Context) string {
			q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://demo/rpcctl.demo.v1.Lab/Slow", bytes.NewReader(packed.Bytes()))
			if err != nil {
				return err.Error()
			}
			q.Header.Set("Content-Type", "application/proto")
			q.Header.Set("Content-Encoding", "gzip")
			r, err := web.Do(q)
			if err != nil {
				return err.Error()
			}
			defer r.Body.Close()
			b, err := io.ReadAll(r.Body)
			return fmt.Sprint(string(b), err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const calls, most = 40, requestBudget / (bigRequest - 200)
			ctx, cancel := context.WithCancel(within(t))
			ended := make(chan string, calls)
			for range calls {
				go func() { ended <- call(ctx) }()
			}
			for range calls - most {
				select {
				case end := <-ended:
					if !strings.Contains(end, fullText) || !strings.Contains(strings.ToLower(end), "exhausted") {
						t.Error(end)
					}
				case <-ctx.Done():
					t.Fatal("all are taken in")
				}
			}
			cancel()
			echoes(t, conn)
		})
	}
}

// The same over gRPC, for one request and for those of a stream.
func TestHeavyRequestsOverGRPC(t *testing.T) {
	_, conn := start(t, Options{})
	nested := protowire.AppendBytes(protowire.AppendTag(nil, 57, protowire.BytesType), nil)
	request := func(n int) proto.Message {
		m := new(emptypb.Empty)
		m.ProtoReflect().SetUnknown([]byte(strings.Repeat(string(nested), n)))
		return m
	}
	lists := func(n int) proto.Message {
		return &demov1.Everything{RepeatedNested: make([]*demov1.Everything_Nested, n)}
	}
	for name, test := range map[string]struct {
		request proto.Message
		code    codes.Code
		options []grpc.CallOption
	}{
		"many":         {request(1_000_000), codes.ResourceExhausted, nil},
		"some":         {request(1000), codes.OK, nil},
		"many in JSON": {lists(100_000), codes.ResourceExhausted, []grpc.CallOption{grpc.CallContentSubtype("json")}},
		"some in JSON": {lists(1000), codes.OK, []grpc.CallOption{grpc.CallContentSubtype("json")}},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, call := range map[string]func() error{
				"unary": func() error {
					return conn.Invoke(within(t), "/rpcctl.demo.v1.Lab/Echo", test.request, new(demov1.Everything), test.options...)
				},
				"stream": func() error {
					s, err := conn.NewStream(within(t), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/rpcctl.demo.v1.Lab/EchoStream", test.options...)
					if err != nil {
						return err
					}
					if err := s.SendMsg(test.request); err != nil {
						return err
					}
					return s.RecvMsg(new(demov1.Everything))
				},
			} {
				err := call()
				if status.Code(err) != test.code || err != nil && status.Convert(err).Message() != fullText {
					t.Errorf("%s: %.300v", kind, err)
				}
			}
		})
	}
}

// Requests count with what they take in memory, which may be hundreds of times what is sent.
func TestHeavyRequests(t *testing.T) {
	address, _ := listen(t, Options{})
	var entry []byte // of a map, with an empty message of many fields
	entry = protowire.AppendBytes(protowire.AppendTag(entry, 1, protowire.BytesType), []byte("a"))
	entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), nil)
	everything := protowire.AppendBytes(protowire.AppendTag(nil, 74, protowire.BytesType), entry)
	key := protowire.AppendBytes(protowire.AppendTag(nil, 74, protowire.BytesType), []byte("\x0a\x01a"))
	nested := protowire.AppendBytes(protowire.AppendTag(nil, 57, protowire.BytesType), nil)
	group := protowire.AppendTag(protowire.AppendTag(nil, 200, protowire.StartGroupType), 200, protowire.EndGroupType)
	for name, test := range map[string]struct {
		content, body string
		code          int
	}{
		"map":          {"proto", strings.Repeat(string(everything), 100_000), http.StatusTooManyRequests},
		"map of keys":  {"proto", strings.Repeat(string(key), 100_000), http.StatusTooManyRequests},
		"list":         {"proto", strings.Repeat(string(nested), 1_000_000), http.StatusTooManyRequests},
		"list in JSON": {"json", `{"repeatedNested":[{}` + strings.Repeat(",{}", 100_000) + "]}", http.StatusTooManyRequests},
		"some":         {"proto", strings.Repeat(string(nested), 1000), http.StatusOK},
		"some groups":  {"proto", strings.Repeat(string(group), 1000), http.StatusOK},
		"a half group": {"proto", string(group[:3]), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			r, body := ask(t, &http.Transport{}, http.MethodPost, "http://"+address+"/rpcctl.demo.v1.Lab/Echo", "application/"+test.content, test.body)
			if r.StatusCode != test.code || r.StatusCode == http.StatusTooManyRequests && !strings.Contains(body, fullText) {
				t.Errorf("%s: %.300s", r.Status, body)
			}
		})
	}
}
