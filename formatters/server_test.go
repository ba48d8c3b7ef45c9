package formatters

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/testserver"
)

// do calls a method of the demo server and hands what happens to a sink.
func do(t *testing.T, method protoreflect.FullName, request string, sink invoke.Sink) error {
	t.Helper()
	demo := testserver.StartMemory(testserver.Options{})
	defer func() {
		if err := demo.Close(); err != nil {
			t.Error(err)
		}
	}()
	target, err := invoke.ParseTarget("http://demo:1")
	if err != nil {
		t.Fatal(err)
	}
	transport, err := grpcwire.New(t.Context(), target, grpcwire.Options{Connect: connect.Dialer{
		Net: func(ctx context.Context, _, _ string) (net.Conn, error) { return demo.Dial(ctx) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(method)
	if err != nil {
		t.Fatal(err)
	}
	md := d.(protoreflect.MethodDescriptor)
	call := &invoke.Call{Method: md, Requests: invoke.Messages(message(t, md.Input(), request).Wire), Types: protoregistry.GlobalTypes}
	return (&invoke.Invoker{Transport: transport}).Do(t.Context(), call, sink)
}

// The lines of a call that fails after some messages keep the promises of events:
// their order, their clock, and details that are decoded without a schema.
func TestEventsOfAServer(t *testing.T) {
	var b strings.Builder
	p, err := New(Events, &b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = do(t, "rpcctl.demo.v1.Lab.FailAfter", `count: 2 failure { code: 5 message: "gone" all_details: true odd_details: true }`, p)
	var failed *invoke.StatusError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want a status", err)
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	var names []string
	before := 0.0
	for line := range strings.Lines(b.String()) {
		var e struct {
			Event   string
			MS      *float64
			Code    int
			Details []struct{ Type, Value string }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if e.MS == nil || *e.MS < before {
			t.Errorf("the clock went back from %v: %s", before, line)
		} else {
			before = *e.MS
		}
		names = append(names, e.Event)
		if e.Event == "status" && (e.Code != 5 || len(e.Details) < 12) {
			t.Errorf("code %d with %d details", e.Code, len(e.Details))
		}
	}
	want := []string{"request", "sent", "half-close", "headers", "message", "message", "trailers", "status"}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var status strings.Builder
	if err := WriteStatus(&status, failed.Status, Options{}); err != nil {
		t.Fatal(err)
	}
	harmless(t, "status", status.String())
	for _, want := range []string{"NOT_FOUND (5): gone\n", "\n  BadRequest\n", "\n  RetryInfo\n", "\n  LocalizedMessage\n"} {
		if !strings.Contains(status.String(), want) {
			t.Errorf("no %q in:\n%s", want, status.String())
		}
	}
}

// A sample of every field, and a stream, go through every format.
func TestFormatsOfAServer(t *testing.T) {
	for _, f := range Formats() {
		for _, call := range []struct {
			method  protoreflect.FullName
			request string
		}{
			{"rpcctl.demo.v1.Lab.Sample", ""},
			{"rpcctl.demo.v1.Lab.Count", "n: 1000"},
		} {
			t.Run(string(f)+" "+string(call.method.Name()), func(t *testing.T) {
				var b strings.Builder
				p, err := New(f, &b, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := do(t, call.method, call.request, p); err != nil {
					t.Fatal(err)
				}
				if err := p.Flush(); err != nil {
					t.Fatal(err)
				}
				if b.Len() < 100 {
					t.Errorf("only %q", b.String())
				}
				if f != Raw {
					harmless(t, string(f), strings.ReplaceAll(b.String(), "\x1e", ""))
				}
			})
		}
	}
}

func TestSinkThatFailsStopsTheCall(t *testing.T) {
	broken := errors.New("broken")
	p, err := New(NDJSON, &failing{n: 1000, err: broken}, Options{Live: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := do(t, "rpcctl.demo.v1.Lab.Count", "n: 1000000", p); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if err := p.Flush(); !errors.Is(err, broken) {
		t.Errorf("Flush: got %v, want %v", err, broken)
	}
}
