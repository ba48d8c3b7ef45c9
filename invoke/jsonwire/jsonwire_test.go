package jsonwire_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/invoke/httpwire"
	"github.com/rpcctl/rpcctl/invoke/jsonwire"
	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// demo returns JSON over every protocol to the demo server, by name.
func demo(t *testing.T) map[string]*jsonwire.Transport {
	t.Helper()
	server := testserver.StartMemory(testserver.Options{})
	dialer := connect.Dialer{Net: func(ctx context.Context, _, _ string) (net.Conn, error) { return server.Dial(ctx) }}
	target := invoke.Target{Network: invoke.NetworkDemo, Address: "demo", Security: invoke.SecurityPlaintext}
	grpc, err := grpcwire.New(t.Context(), target, grpcwire.Options{Connect: dialer})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*jsonwire.Transport{"grpc": jsonwire.Over(grpc, 0)}
	for _, protocol := range []string{httpwire.Connect, httpwire.GRPCWeb} {
		inner, err := httpwire.New(t.Context(), target, httpwire.Options{Protocol: protocol, Connect: dialer})
		if err != nil {
			t.Fatal(err)
		}
		all[protocol] = jsonwire.Over(inner, 0)
	}
	t.Cleanup(func() {
		for name, transport := range all {
			if err := transport.Close(); err != nil {
				t.Error(name, err)
			}
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return all
}

func methodOf(t *testing.T, name protoreflect.FullName) protoreflect.MethodDescriptor {
	t.Helper()
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return d.(protoreflect.MethodDescriptor)
}

func wire(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What goes out and comes back as JSON is the same message, an Any in it included.
func TestEchoes(t *testing.T) {
	inside, err := anypb.New(&demov1.HelloRequest{Name: "inside"})
	if err != nil {
		t.Fatal(err)
	}
	want := &demov1.FailRequest{Message: proto.String("ü\n"), Details: []*anypb.Any{inside}}
	for name, transport := range demo(t) {
		t.Run(name, func(t *testing.T) {
			invoker := &invoke.Invoker{Transport: transport}
			sample, err := invoker.One(t.Context(), &invoke.Call{
				Method: methodOf(t, "rpcctl.demo.v1.Lab.Sample"), Types: protoregistry.GlobalTypes,
				Requests: invoke.Messages(nil),
			})
			if err != nil {
				t.Fatal(err)
			}
			answer, err := invoker.One(t.Context(), &invoke.Call{
				Method: methodOf(t, "rpcctl.demo.v1.Lab.Echo"), Types: protoregistry.GlobalTypes,
				Requests: invoke.Messages(sample.Wire),
			})
			if err != nil {
				t.Fatal(err)
			}
			sent, got := &demov1.Everything{}, &demov1.Everything{}
			if err := errors.Join(proto.Unmarshal(sample.Wire, sent), proto.Unmarshal(answer.Wire, got)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sent, got, protocmp.Transform()); diff != "" || len(sample.Wire) < 100 {
				t.Errorf("-want +got:\n%s", diff)
			}
			err = invoker.Do(t.Context(), &invoke.Call{
				Method: methodOf(t, "rpcctl.demo.v1.Lab.Fail"), Types: protoregistry.GlobalTypes,
				Requests: invoke.Messages(wire(t, want)),
			}, invoke.SinkFunc(func(*invoke.Event) error { return nil }))
			var se *invoke.StatusError
			if !errors.As(err, &se) || len(se.Status.Details) != 1 || !proto.Equal(se.Status.Details[0], inside) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A stream has many messages, and the wire says what it carries.
func TestStreams(t *testing.T) {
	for name, transport := range demo(t) {
		t.Run(name, func(t *testing.T) {
			var words []string
			messages := 0
			err := (&invoke.Invoker{Transport: transport}).Do(t.Context(), &invoke.Call{
				Method:   methodOf(t, "rpcctl.demo.v1.Lab.Count"),
				Requests: invoke.Messages(wire(t, &demov1.CountRequest{N: proto.Int64(50)})),
			}, invoke.SinkFunc(func(e *invoke.Event) error {
				switch e.Kind {
				case invoke.Opened:
					words = append(words, e.Wire.Protocol, e.Wire.Codec)
				case invoke.HeadersReceived:
					words = append(words, e.Metadata.Get("content-type"))
				case invoke.ResponseReceived:
					messages++
				}
				return nil
			}))
			if err != nil || messages != 50 {
				t.Errorf("%d messages, %v", messages, err)
			}
			types := []string{"application/grpc+json", "application/grpc-web+json", "application/connect+json"}
			if len(words) != 3 || words[0] != name || words[1] != invoke.CodecJSON || !slices.Contains(types, words[2]) {
				t.Errorf("%q", words)
			}
		})
	}
}

// Without a schema nothing is converted to JSON: reflection works like this.
func TestWithoutSchema(t *testing.T) {
	for name, transport := range demo(t) {
		t.Run(name, func(t *testing.T) {
			s, err := transport.Open(t.Context(), invoke.Method{Path: "/rpcctl.demo.v1.Greeter/SayHello"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Send(wire(t, &demov1.HelloRequest{Name: "you"})), s.CloseSend()); err != nil {
				t.Fatal(err)
			}
			b, err := s.Recv()
			reply := &demov1.HelloReply{}
			if err := errors.Join(err, proto.Unmarshal(b, reply)); err != nil || reply.GetMessage() != "Hello, you!" {
				t.Errorf("%v, %v", reply, err)
			}
			if status, _ := s.Finish(); status.Err() != nil {
				t.Error(status.Err())
			}
		})
	}
}

// Unknown fields are skipped; JSON that is not the message is an error made here.
func TestForeignJSON(t *testing.T) {
	for body, want := range map[string]codes.Code{
		`{"message":"hi","new_in_v2":[1,{}]}`: codes.OK, `{"message":5}`: codes.Internal, `{`: codes.Internal, ``: codes.Internal,
	} {
		t.Run(body, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "PRI" { // net/http passes the preface of HTTP/2 on
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				request := map[string]any{}
				if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request["name"] != "you" {
					t.Errorf("the server got %v, %v", request, err)
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, body)
			}))
			defer server.Close()
			target, err := invoke.ParseTarget(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			inner, err := httpwire.New(t.Context(), target, httpwire.Options{Protocol: httpwire.Connect})
			if err != nil {
				t.Fatal(err)
			}
			transport := jsonwire.Over(inner, 0)
			defer transport.Close()
			err = (&invoke.Invoker{Transport: transport}).Do(t.Context(), &invoke.Call{
				Method:   methodOf(t, "rpcctl.demo.v1.Greeter.SayHello"),
				Requests: invoke.Messages(wire(t, &demov1.HelloRequest{Name: "you"})),
			}, invoke.SinkFunc(func(*invoke.Event) error { return nil }))
			got := codes.OK
			if se := new(invoke.StatusError); errors.As(err, &se) {
				got = se.Status.Code
			}
			if got != want {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
}

// A message that takes more bytes than its JSON is still held to the limit.
func TestLimitOfTheMessage(t *testing.T) {
	for name, test := range map[string]struct {
		method, body string
		want         codes.Code
	}{
		"within":  {"rpcctl.demo.v1.Lab.Echo", `{"repeatedFixed64":[` + strings.Repeat("0,", 100) + `0]}`, codes.OK},
		"numbers": {"rpcctl.demo.v1.Lab.Echo", `{"repeatedFixed64":[` + strings.Repeat("0,", 200) + `0]}`, codes.ResourceExhausted},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			target, err := invoke.ParseTarget(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			inner, err := httpwire.New(t.Context(), target, httpwire.Options{Protocol: httpwire.Connect})
			if err != nil {
				t.Fatal(err)
			}
			transport := jsonwire.Over(inner, 1000)
			defer transport.Close()
			err = (&invoke.Invoker{Transport: transport}).Do(t.Context(), &invoke.Call{
				Method: methodOf(t, protoreflect.FullName(test.method)), Requests: invoke.Messages(nil),
			}, invoke.SinkFunc(func(*invoke.Event) error { return nil }))
			got := codes.OK
			if se := new(invoke.StatusError); errors.As(err, &se) {
				got = se.Status.Code
			}
			if got != test.want || got != codes.OK && !errors.Is(err, invoke.ErrTooLarge) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// A late is a transport and its only stream, whose one answer comes as the call's time is over.
type late struct {
	invoke.Transport
	invoke.Stream
	ctx  context.Context
	json string
}

func (l *late) Open(ctx context.Context, _ invoke.Method, _ invoke.Metadata) (invoke.Stream, error) {
	l.ctx = ctx
	return l, nil
}

func (l *late) Wire(invoke.Method) invoke.Wire { return invoke.Wire{} }
func (l *late) Send([]byte) error              { return nil }
func (l *late) CloseSend() error               { return nil }
func (l *late) Header() invoke.Metadata        { return nil }

func (l *late) Recv() ([]byte, error) {
	if l.json == "" {
		return nil, io.EOF
	}
	<-l.ctx.Done()
	json := l.json
	l.json = ""
	return []byte(json), nil
}

func (l *late) Finish() (*invoke.Status, invoke.Metadata) { return &invoke.Status{}, nil }

// A call whose deadline passes while a long answer is read fails with that, though the answer
// had arrived.
func TestDeadlineWhileReading(t *testing.T) {
	for name, test := range map[string]struct {
		json string
		want codes.Code
	}{
		"long":  {`{"repeatedFixed64":[` + strings.Repeat("0,", 20_000) + `0]}`, codes.DeadlineExceeded},
		"short": {`{"repeatedFixed64":[0]}`, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&invoke.Invoker{Transport: jsonwire.Over(&late{json: test.json}, 0)}).One(t.Context(), &invoke.Call{
				Method: methodOf(t, "rpcctl.demo.v1.Lab.Echo"), Requests: invoke.Messages(nil), Timeout: time.Millisecond,
			})
			got := codes.OK
			if se := new(invoke.StatusError); errors.As(err, &se) {
				got = se.Status.Code
			}
			if got != test.want {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}
