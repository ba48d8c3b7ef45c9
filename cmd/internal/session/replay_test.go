package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/testserver"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// listen starts a demo server of the test's own, until the test ends, and returns its target.
func listen(t *testing.T, o testserver.Options) (target string, server *testserver.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server = testserver.New(o)
	go server.Serve(l)
	t.Cleanup(server.Close)
	return "http://" + l.Addr().String(), server
}

// dial opens a transport with a policy to a demo server of the test's own.
func dial(t *testing.T, care CallPolicy) (invoke.Transport, *testserver.Server) {
	t.Helper()
	target, server := listen(t, testserver.Options{})
	return to(t, target, care), server
}

func to(t *testing.T, target string, care CallPolicy) invoke.Transport {
	t.Helper()
	transport, err := begin(t, World{}, target, Settings{Policy: care}).Transport(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return transport
}

func flaky(t *testing.T, transport invoke.Transport, key string, failures int32) (*demov1.FlakyReply, error) {
	t.Helper()
	wire, err := proto.Marshal(&demov1.FlakyRequest{Key: key, Failures: &failures})
	if err != nil {
		t.Fatal(err)
	}
	m := demov1.File_rpcctl_demo_v1_lab_proto.Services().ByName("Lab").Methods().ByName("Flaky")
	answer, err := (&invoke.Invoker{Transport: transport}).One(t.Context(), &invoke.Call{Method: m, Requests: invoke.Messages(wire)})
	if err != nil {
		return nil, err
	}
	var r demov1.FlakyReply
	if err := proto.Unmarshal(answer.Wire, &r); err != nil {
		t.Fatal(err)
	}
	return &r, nil
}

func TestRetries(t *testing.T) {
	var said []string
	transport, _ := dial(t, CallPolicy{Retry: 2, Say: func(s string) { said = append(said, s) }})
	if r, err := flaky(t, transport, "works", 2); err != nil || r.GetAttempts() != 3 {
		t.Errorf("%v, %v", r, err)
	}
	want := []string{
		"UNAVAILABLE (14): attempt 1 of 2 that fail; trying again in 100ms (1 of 2)",
		"UNAVAILABLE (14): attempt 2 of 2 that fail; trying again in 200ms (2 of 2)",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
	var se *invoke.StatusError
	if _, err := flaky(t, transport, "fails", 3); !errors.As(err, &se) || se.Status.Message != "attempt 3 of 3 that fail" {
		t.Errorf("%v", err)
	}
}

// A stream that was refused after it had sent is sent again, whole and in order,
// while its sender goes on.
func TestReplaysAStream(t *testing.T) {
	var refused, again atomic.Int32
	transport, _ := dial(t, CallPolicy{Authorize: func(_ context.Context, fresh bool) (string, error) {
		if fresh {
			again.Add(1)
			return "Bearer " + testserver.Token, nil
		}
		refused.Add(1)
		return "Bearer old", nil
	}})
	s, err := transport.Open(t.Context(), invoke.Method{Path: "/rpcctl.demo.v1.Lab/Secret", ClientStreams: true}, invoke.Metadata{"authorization": {Later}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Send(nil), s.CloseSend()); err != nil {
		t.Fatal(err)
	}
	var reply demov1.SecretReply
	msg, err := s.Recv()
	if err != nil || proto.Unmarshal(msg, &reply) != nil || !strings.Contains(reply.GetSecret(), "cake") {
		t.Errorf("%v, %v", &reply, err)
	}
	if st, _ := s.Finish(); st.Code != codes.OK || refused.Load() != 1 || again.Load() != 1 {
		t.Errorf("%v; %d, %d", st, refused.Load(), again.Load())
	}
}

// A long client stream is not kept for ever, and what was sent before is not lost.
func TestLongStreamsAreNotKept(t *testing.T) {
	transport, _ := dial(t, CallPolicy{Retry: 1})
	s, err := transport.Open(t.Context(), invoke.Method{Path: "/rpcctl.demo.v1.Lab/Collect", ClientStreams: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := proto.Marshal(&demov1.Everything{StringValue: strings.Repeat("x", 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	const n = 6
	for range n {
		if err := s.Send(msg); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.(*replay); !r.isSettled() || r.kept != nil {
		t.Error("more than the limit was kept")
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var reply demov1.CollectReply
	answer, err := s.Recv()
	if err != nil || proto.Unmarshal(answer, &reply) != nil || reply.GetCount() != n {
		t.Errorf("%v, %v", &reply, err)
	}
	if st, _ := s.Finish(); st.Code != codes.OK {
		t.Error(st.Err())
	}
}

// Answers come while requests still go out, although the call might be made again.
func TestStreamsStayLive(t *testing.T) {
	transport, _ := dial(t, CallPolicy{Retry: 1})
	s, err := transport.Open(t.Context(), invoke.Method{Path: "/rpcctl.demo.v1.Lab/EchoStream", ClientStreams: true, ServerStreams: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		msg, err := proto.Marshal(&demov1.Everything{StringValue: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(msg); err != nil {
			t.Fatal(err)
		}
		got, err := s.Recv()
		if err != nil || !slices.Equal(got, msg) {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != io.EOF {
		t.Error(err)
	}
	if st, _ := s.Finish(); st.Code != codes.OK {
		t.Error(st.Err())
	}
}

// A server that comes up while it is waited for is called then.
func TestWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	server := testserver.New(testserver.Options{})
	t.Cleanup(server.Close)
	var said atomic.Int32
	transport := to(t, "unix:"+path, CallPolicy{Wait: 20 * time.Second, Say: func(string) {
		if said.Add(1) > 1 {
			return
		}
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Error(err)
			return
		}
		go server.Serve(l)
	}})
	if _, err := flaky(t, transport, "", 0); err != nil || said.Load() != 1 {
		t.Errorf("%v, said %d times", err, said.Load())
	}
}

// A server that does not even refuse is not waited for longer than it was said.
func TestWaitsNoLonger(t *testing.T) {
	const wait = 200 * time.Millisecond
	target, err := invoke.ParseTarget("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	s := New(World{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	s.Configure(Settings{Target: &target, Policy: CallPolicy{Wait: wait}})
	defer s.Close()
	transport, err := s.Transport(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = flaky(t, transport, "", 0)
	var ce *connect.Error
	if !errors.As(err, &ce) || ce.Kind != connect.TimedOut {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 10*wait {
		t.Errorf("took %s", took)
	}
}

func TestGuards(t *testing.T) {
	secret := func(name, _ string) bool { return name == "x-key" }
	for _, tt := range []struct {
		name, target string
		policy       CallPolicy
		md           invoke.Metadata
		want         *ExposedError
	}{
		{"plaintext", "http://192.0.2.1:80", CallPolicy{}, invoke.Metadata{"x-key": {"v"}}, &ExposedError{Header: "x-key", Target: "http://192.0.2.1:80"}},
		{"not trusted", "https://192.0.2.1:443", CallPolicy{Untrusted: "f.yaml"}, invoke.Metadata{"x-key": {"v"}}, &ExposedError{Header: "x-key", Target: "https://192.0.2.1:443", Untrusted: "f.yaml"}},
		{"not trusted, this machine", "http://127.0.0.1:1", CallPolicy{Untrusted: "f.yaml"}, invoke.Metadata{"x-key": {"v"}}, &ExposedError{Header: "x-key", Target: "http://127.0.0.1:1", Untrusted: "f.yaml"}},
		{"this machine", "http://127.0.0.1:1", CallPolicy{}, invoke.Metadata{"x-key": {"v"}}, nil},
		{"said so", "http://192.0.2.1:80", CallPolicy{PlaintextCredentials: true}, invoke.Metadata{"x-key": {"v"}}, nil},
		{"no secret", "http://192.0.2.1:80", CallPolicy{}, invoke.Metadata{"x": {"v"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, err := invoke.ParseTarget(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			dialled := false
			s := New(World{Dial: func(context.Context, string, string) (net.Conn, error) {
				dialled = true
				return nil, net.ErrClosed
			}})
			tt.policy.Secret = secret
			s.Configure(Settings{Target: &target, Policy: tt.policy})
			defer s.Close()
			transport, err := s.Transport(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = transport.Open(t.Context(), invoke.Method{Path: "/s/m"}, tt.md)
			var exposed *ExposedError
			errors.As(err, &exposed)
			if diff := cmp.Diff(tt.want, exposed); diff != "" || dialled != (tt.want == nil) {
				t.Errorf("%s; dialled: %t; %v", diff, dialled, err)
			}
		})
	}
}

func TestPushback(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "0": 0, "250": 250 * time.Millisecond, "-1": -1, "x": -1, "99999999": time.Minute} {
		md := invoke.Metadata{"grpc-retry-pushback-ms": {text}}
		if got, ok := pushback(md); got != want || ok != (text != "") {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
}

// lateTransport refuses the first call, and opens the second just as its context
// ends.
type lateTransport struct {
	invoke.Transport
	opened int
}

func (l *lateTransport) Open(ctx context.Context, _ invoke.Method, _ invoke.Metadata) (invoke.Stream, error) {
	if l.opened++; l.opened == 1 {
		ce := &connect.Error{Kind: connect.NotGRPC, Address: "a:1", Detail: "HTTP status 502 Bad Gateway"}
		return nil, &invoke.StatusError{Status: &invoke.Status{Code: codes.Unavailable, Message: ce.Error(), Origin: invoke.OriginTransport, Cause: ce}}
	}
	<-ctx.Done()
	return ended{&invoke.Status{Code: codes.Canceled, Message: "context canceled", Origin: invoke.OriginClient, Cause: ctx.Err()}}, nil
}

func TestWaitEndsWhileACallOpens(t *testing.T) {
	c := &policyTransport{Transport: &lateTransport{}, policy: CallPolicy{Wait: 150 * time.Millisecond}}
	_, err := c.Open(t.Context(), invoke.Method{}, nil)
	st := invoke.StatusOf(err)
	if st.Code != codes.Unavailable || !strings.Contains(st.Message, "waited 150ms") {
		t.Errorf("%s: %s", st.Code, st.Message)
	}
}

// A call that is cancelled while it waits for another attempt has the status CANCELLED,
// whatever its last one was.
func TestInterruptedWhileItWaitsToBeTriedAgain(t *testing.T) {
	for name, target := range map[string]string{"an answer": "", "no connection": "http://127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			care := CallPolicy{Retry: 9, Say: func(string) { cancel() }}
			transport := invoke.Transport(nil)
			if target == "" {
				transport, _ = dial(t, care)
			} else {
				transport = to(t, target, care)
			}
			wire, err := proto.Marshal(&demov1.FlakyRequest{Key: name, Failures: proto.Int32(9)})
			if err != nil {
				t.Fatal(err)
			}
			m := demov1.File_rpcctl_demo_v1_lab_proto.Services().ByName("Lab").Methods().ByName("Flaky")
			_, err = (&invoke.Invoker{Transport: transport}).One(ctx, &invoke.Call{Method: m, Requests: invoke.Messages(wire)})
			var se *invoke.StatusError
			if !errors.As(err, &se) || se.Status.Code != codes.Canceled || !strings.HasPrefix(se.Status.Message, "interrupted while it waited to be tried again; before: ") {
				t.Error(err)
			}
		})
	}
}

// scripted is a server that ends each call in the next status of a list, with trailers of its own.
type scripted struct {
	invoke.Transport
	ends   []scriptedEnd
	opened int
}

type scriptedEnd struct {
	ended
	trailers invoke.Metadata
}

// Finish returns how the call ended.
func (e scriptedEnd) Finish() (*invoke.Status, invoke.Metadata) { return e.status, e.trailers }

func (s *scripted) Open(context.Context, invoke.Method, invoke.Metadata) (invoke.Stream, error) {
	s.opened++
	return s.ends[min(s.opened, len(s.ends))-1], nil
}

// Before another attempt the client waits as long as the server asks for, by trailers or
// details, within bounds. It makes none that the deadline would not allow.
func TestRetryDelays(t *testing.T) {
	busy := func(delay *durationpb.Duration) *invoke.Status {
		st := &invoke.Status{Code: codes.Unavailable, Message: "busy", Origin: invoke.OriginServer}
		if delay != nil {
			detail, err := anypb.New(&errdetails.RetryInfo{RetryDelay: delay})
			if err != nil {
				t.Fatal(err)
			}
			st.Details = []*anypb.Any{detail}
		}
		return st
	}
	pushed := func(text string) invoke.Metadata { return invoke.Metadata{"grpc-retry-pushback-ms": {text}} }
	fine := scriptedEnd{ended{&invoke.Status{Code: codes.NotFound, Origin: invoke.OriginServer}}, nil}
	for _, tt := range []struct {
		name     string
		first    scriptedEnd
		deadline time.Duration
		opened   int
		took     time.Duration
	}{
		{"nothing asked for", scriptedEnd{ended{busy(nil)}, nil}, time.Hour, 2, 100 * time.Millisecond},
		{"trailers", scriptedEnd{ended{busy(nil)}, pushed("3000")}, time.Hour, 2, 3 * time.Second},
		{"trailers, at once", scriptedEnd{ended{busy(nil)}, pushed("0")}, time.Hour, 2, 0},
		{"trailers, never", scriptedEnd{ended{busy(nil)}, pushed("-1")}, time.Hour, 1, 0},
		{"trailers, no number", scriptedEnd{ended{busy(nil)}, pushed("soon")}, time.Hour, 1, 0},
		{"trailers, for days", scriptedEnd{ended{busy(nil)}, pushed("2000000000")}, time.Hour, 2, time.Minute},
		{"details", scriptedEnd{ended{busy(durationpb.New(4 * time.Second))}, nil}, time.Hour, 2, 4 * time.Second},
		{"details, shorter than usual", scriptedEnd{ended{busy(durationpb.New(time.Millisecond))}, nil}, time.Hour, 2, 100 * time.Millisecond},
		{"details, negative", scriptedEnd{ended{busy(durationpb.New(-time.Hour))}, nil}, time.Hour, 2, 100 * time.Millisecond},
		{"details, for days", scriptedEnd{ended{busy(&durationpb.Duration{Seconds: 1 << 62})}, nil}, time.Hour, 2, time.Minute},
		{"after the deadline", scriptedEnd{ended{busy(nil)}, pushed("3000")}, 2 * time.Second, 1, 0},
		{"another status", fine, time.Hour, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				server := &scripted{ends: []scriptedEnd{tt.first, fine}}
				s, err := withPolicy(server, invoke.Target{}, nil, CallPolicy{Retry: 1}).Open(ctx, invoke.Method{}, nil)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				st, _ := s.Finish()
				if took := time.Since(began); took != tt.took || server.opened != tt.opened {
					t.Errorf("%d attempts in %s, want %d in %s", server.opened, took, tt.opened, tt.took)
				}
				if want := server.ends[server.opened-1].status; st != want {
					t.Errorf("got %v, want %v", st, want)
				}
			})
		})
	}
}

// Waiting helps with a server that is not up yet, and not with one that turns out to be
// another.
func TestPermanent(t *testing.T) {
	for kind, want := range map[connect.Kind]bool{
		connect.Refused: false, connect.UnknownHost: false, connect.Unreachable: false, connect.TimedOut: false, connect.Closed: false,
		connect.NoSocket: false, connect.NotGRPC: false, connect.Other: false,
		connect.ServerTLS: true, connect.ServerPlaintext: true, connect.HTTP1: true, connect.Garbage: true, connect.UnknownAuthority: true,
		connect.WrongName: true, connect.Expired: true, connect.NotYetValid: true, connect.ClientCert: true, connect.ClientCertBad: true,
		connect.NoALPN: true, connect.ProxyRefused: true, connect.ProxyUnusable: true, connect.Handshake: true, connect.Elsewhere: true,
	} {
		st := invoke.StatusOf(refusalOf(&connect.Error{Kind: kind, Address: "a:1"}))
		if got := permanent(st); got != want || notUp(st) == want {
			t.Errorf("%s: permanent: %t, not up: %t", kind, got, notUp(st))
		}
	}
	if st := (&invoke.Status{Code: codes.Unavailable, Origin: invoke.OriginServer}); permanent(st) || notUp(st) {
		t.Error("what the server itself answered was taken for a connection")
	}
}
