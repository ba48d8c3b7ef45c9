package discovery_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
)

func TestTypes(t *testing.T) {
	tr, server := demo(t, testserver.Options{})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	types := discovery.Types(t.Context(), r)
	for _, url := range []string{
		"type.googleapis.com/rpcctl.demo.v1.Parcel", // no method mentions it
		"rpcctl.demo.v1.Order",
		"https://example.com/a/b/google.rpc.BadRequest",
		"type.googleapis.com/google.protobuf.Duration",
	} {
		mt, err := types.FindMessageByURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if again, _ := types.FindMessageByURL(url); again != mt {
			t.Errorf("%s: another type the second time", url)
		}
	}
	for range 2 {
		for _, url := range []string{"x/rpcctl.demo.v1.Nothing", "x/rpcctl.demo.v1.Shop", "", "x/", "x/a b", "x/\x1b[2J"} {
			if mt, err := types.FindMessageByURL(url); !errors.Is(err, protoregistry.NotFound) {
				t.Errorf("%q: %v, %v", url, mt, err)
			}
		}
	}
	got := server.Stats().Calls["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]
	if got.Started != 1 || got.Received > 6 {
		t.Errorf("%d questions on %d streams", got.Received, got.Started)
	}
}

func TestTypesExtensions(t *testing.T) {
	s := demoSet(t)
	types := discovery.Types(t.Context(), s)
	xs, err := s.Extensions(t.Context(), "rpcctl.demo.v1.Legacy")
	if err != nil || len(xs) == 0 {
		t.Fatal(xs, err)
	}
	for _, x := range xs {
		xt, err := types.FindExtensionByNumber("rpcctl.demo.v1.Legacy", x.Number())
		if err != nil || xt.TypeDescriptor().FullName() != x.FullName() {
			t.Errorf("%s: %v", x.FullName(), err)
		}
		if xt, err = types.FindExtensionByName(x.FullName()); err != nil || xt.TypeDescriptor().Number() != x.Number() {
			t.Errorf("%s: %v", x.FullName(), err)
		}
	}
	for _, err := range []error{
		second(types.FindExtensionByNumber("rpcctl.demo.v1.Legacy", 19_998)),
		second(types.FindExtensionByNumber("rpcctl.demo.v1.Nothing", 1)),
		second(types.FindExtensionByName("rpcctl.demo.v1.Legacy")),
		second(types.FindExtensionByName("a b")),
	} {
		if !errors.Is(err, protoregistry.NotFound) {
			t.Error(err)
		}
	}
	// They are what protobuf decodes with.
	md := message(t, s, "rpcctl.demo.v1.Legacy")
	m := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{Resolver: types, AllowPartial: true}).Unmarshal(nil, m); err != nil {
		t.Error(err)
	}
}

func second[A, B any](_ A, b B) B { return b }

// A server that does not answer is asked once, and not for each name.
func TestTypesOfADeadServer(t *testing.T) {
	var asked atomic.Int32
	over := make(chan struct{})
	defer close(over)
	tr := serve(t, func(*reflectpb.ServerReflectionRequest, int) (*reflectpb.ServerReflectionResponse, error) {
		asked.Add(1)
		<-over
		return refusal(int32(codes.NotFound), ""), nil
	}, "v1")
	r := discovery.Reflect(tr, discovery.ReflectOptions{Timeout: 20 * time.Millisecond})
	types := discovery.Types(t.Context(), r)
	for _, name := range []string{"x/a.A", "x/a.B", "x/a.C"} {
		if _, err := types.FindMessageByURL(name); !errors.Is(err, protoregistry.NotFound) {
			t.Error(err)
		}
	}
	if _, err := types.FindMessageByURL("x/google.rpc.RetryInfo"); err != nil {
		t.Error(err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d questions", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := discovery.Types(ctx, demoSet(t)).FindMessageByURL("google.rpc.RetryInfo"); err != nil {
		t.Error(err)
	}
}

// A stuckSource answers no lookup before the caller gives up.
type stuckSource struct {
	discovery.Source
	asked atomic.Int32
}

func (s *stuckSource) Find(ctx context.Context, _ protoreflect.FullName) (protoreflect.Descriptor, error) {
	s.asked.Add(1)
	<-ctx.Done()
	return nil, &discovery.ReflectionError{Question: "x", Status: &invoke.Status{Code: codes.DeadlineExceeded, Origin: invoke.OriginClient}}
}

func TestTypesWithin(t *testing.T) {
	s := &stuckSource{}
	types := discovery.Types(t.Context(), s).Within(20 * time.Millisecond)
	began := time.Now()
	for range 3 {
		if _, err := types.FindMessageByURL("x/a.B"); !errors.Is(err, protoregistry.NotFound) {
			t.Errorf("got %v", err)
		}
	}
	if took := time.Since(began); took > 5*time.Second || s.asked.Load() != 1 {
		t.Errorf("asked %d times, took %v", s.asked.Load(), took)
	}
}

// A name that cannot be asked for as a symbol is not asked for again as a method.
func TestFindAnyAsksOnce(t *testing.T) {
	s := &stuckSource{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := discovery.FindAny(ctx, s, "a.B")
	if !errors.As(err, new(*discovery.ReflectionError)) || s.asked.Load() != 1 {
		t.Errorf("asked %d times: %v", s.asked.Load(), err)
	}
}
