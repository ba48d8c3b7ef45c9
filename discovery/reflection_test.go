package discovery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
)

var demoServices = []protoreflect.FullName{
	"google.longrunning.Operations",
	"grpc.health.v1.Health",
	"grpc.reflection.v1.ServerReflection",
	"grpc.reflection.v1alpha.ServerReflection",
	"rpcctl.demo.v1.Bakery",
	"rpcctl.demo.v1.Editions",
	"rpcctl.demo.v1.Greeter",
	"rpcctl.demo.v1.Lab",
	"rpcctl.demo.v1.Shop",
	"rpcctl.demo.v1.Warehouse",
}

func TestReflectionVersions(t *testing.T) {
	tests := []struct {
		name    string
		server  testserver.Reflection
		version string
		want    string   // the version that answers
		absent  []string // the versions asked, when there is none
	}{
		{name: "both", server: testserver.ReflectionBoth, want: "v1"},
		{name: "v1 only", server: testserver.ReflectionV1, want: "v1"},
		{name: "v1alpha only", server: testserver.ReflectionV1Alpha, want: "v1alpha"},
		{name: "v1alpha is asked for", server: testserver.ReflectionBoth, version: "v1alpha", want: "v1alpha"},
		{name: "v1 is asked for and not there", server: testserver.ReflectionV1Alpha, version: "v1", absent: []string{"v1"}},
		{name: "none", server: testserver.ReflectionNone, absent: []string{"v1", "v1alpha"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr, server := demo(t, testserver.Options{Reflection: test.server})
			r := discovery.Reflect(tr, discovery.ReflectOptions{Version: test.version})
			defer r.Close()
			for range 2 { // the second answer is remembered
				names, err := r.Services(t.Context())
				if test.absent != nil {
					var none *discovery.NoReflectionError
					if !errors.As(err, &none) {
						t.Fatalf("error %v, want a NoReflectionError", err)
					}
					if diff := cmp.Diff(test.absent, none.Versions); diff != "" {
						t.Error(diff)
					}
					if none.Status.Code != codes.Unimplemented {
						t.Errorf("status %v", none.Status.Err())
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(names) < 5 {
					t.Errorf("services %v", names)
				}
			}
			if got := r.Version(); got != test.want {
				t.Errorf("version %q, want %q", got, test.want)
			}
			calls := 0
			for _, c := range server.Stats().Calls {
				calls += c.Started
			}
			if want := max(len(test.absent), 1); test.want != "" && test.server != testserver.ReflectionV1Alpha && calls != want {
				t.Errorf("%d calls, want %d", calls, want)
			}
		})
	}
}

func TestReflectionServices(t *testing.T) {
	tr, _ := demo(t, testserver.Options{})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	got, err := r.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(demoServices, got); diff != "" {
		t.Error(diff)
	}
	got[0] = "changed" // it is the caller's
	if again, _ := r.Services(t.Context()); again[0] != demoServices[0] {
		t.Error("the list is shared with the caller")
	}
}

func TestReflectionFind(t *testing.T) {
	tr, server := demo(t, testserver.Options{})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	for _, name := range []protoreflect.FullName{
		"rpcctl.demo.v1.Shop", "rpcctl.demo.v1.Shop.PlaceOrder", "rpcctl.demo.v1.Order", "rpcctl.demo.v1.Money",
		"rpcctl.demo.v1.Stage", "google.protobuf.Timestamp", "google.protobuf.FieldDescriptorProto.Type",
	} {
		d, err := r.Find(t.Context(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.FullName() != name {
			t.Errorf("%s: found %s", name, d.FullName())
		}
	}
	if got := server.Stats().Calls["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]; got.Started != 1 || got.Received != 1 {
		t.Errorf("%d streams, %d questions, want one of each", got.Started, got.Received)
	}
	for range 2 {
		_, err := r.Find(t.Context(), "rpcctl.demo.v1.Nothing")
		if !errors.Is(err, discovery.ErrNotFound) {
			t.Errorf("error %v, want ErrNotFound", err)
		}
	}
	if got := server.Stats().Calls["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]; got.Received != 2 {
		t.Errorf("%d questions, want 2", got.Received)
	}
}

func TestReflectionExtensions(t *testing.T) {
	tr, _ := demo(t, testserver.Options{})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	xs, err := r.Extensions(t.Context(), "rpcctl.demo.v1.Legacy")
	if err != nil {
		t.Fatal(err)
	}
	if len(xs) == 0 {
		t.Fatal("no extensions")
	}
	for _, x := range xs {
		if x.ContainingMessage().FullName() != "rpcctl.demo.v1.Legacy" {
			t.Errorf("%s extends %s", x.FullName(), x.ContainingMessage().FullName())
		}
	}
	xs, err = r.Extensions(t.Context(), "rpcctl.demo.v1.Order")
	if err != nil || len(xs) != 0 {
		t.Errorf("extensions of Order: %v, %v", xs, err)
	}
}

func TestReflectionStatus(t *testing.T) {
	silent := make(chan struct{})
	hang := func(*reflectpb.ServerReflectionRequest, int) (*reflectpb.ServerReflectionResponse, error) {
		<-silent
		return nil, nil
	}
	fails := func(code codes.Code) answerer {
		return func(*reflectpb.ServerReflectionRequest, int) (*reflectpb.ServerReflectionResponse, error) {
			return nil, status.Error(code, "go away")
		}
	}
	tests := []struct {
		name    string
		answer  answerer
		timeout time.Duration // of the caller
		want    codes.Code
		origin  invoke.Origin
	}{
		{"unauthenticated", fails(codes.Unauthenticated), 0, codes.Unauthenticated, invoke.OriginServer},
		{"not found", fails(codes.NotFound), 0, codes.NotFound, invoke.OriginServer},
		{"unknown code", fails(1010), 0, 1010, invoke.OriginServer},
		{"no answer", fails(codes.OK), 0, codes.Unavailable, invoke.OriginClient},
		{"own limit", hang, 0, codes.Unavailable, invoke.OriginClient},
		{"the caller's deadline", hang, 20 * time.Millisecond, codes.DeadlineExceeded, invoke.OriginClient},
		{"error response", func(*reflectpb.ServerReflectionRequest, int) (*reflectpb.ServerReflectionResponse, error) {
			return refusal(7, "not for you"), nil
		}, 0, codes.PermissionDenied, invoke.OriginServer},
		{"another answer", func(*reflectpb.ServerReflectionRequest, int) (*reflectpb.ServerReflectionResponse, error) {
			return files(), nil
		}, 0, codes.Internal, invoke.OriginClient},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			limit := 50 * time.Millisecond
			ctx := t.Context()
			if test.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.timeout)
				defer cancel()
				limit = time.Minute
			}
			if test.origin == invoke.OriginServer {
				limit = time.Minute
			}
			r := discovery.Reflect(serve(t, test.answer, "v1"), discovery.ReflectOptions{Timeout: limit})
			defer r.Close()
			_, err := r.Services(ctx)
			var re *discovery.ReflectionError
			if !errors.As(err, &re) {
				t.Fatalf("error %v, want a ReflectionError", err)
			}
			if re.Status.Code != test.want || re.Status.Origin != test.origin {
				t.Errorf("status %v of %s", re.Status.Err(), re.Status.Origin)
			}
			var se *invoke.StatusError
			if !errors.As(err, &se) || se.Status != re.Status {
				t.Errorf("%v does not wrap its status", err)
			}
		})
	}
	close(silent)
}

func TestReflectionToken(t *testing.T) {
	tr, _ := demo(t, testserver.Options{ReflectionToken: "s3cret"})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	var se *invoke.StatusError
	if _, err := r.Services(t.Context()); !errors.As(err, &se) || se.Status.Code != codes.Unauthenticated {
		t.Errorf("error %v, want UNAUTHENTICATED", err)
	}
	r = discovery.Reflect(tr, discovery.ReflectOptions{Metadata: invoke.Metadata{"authorization": {"Bearer s3cret"}}})
	defer r.Close()
	if _, err := r.Services(t.Context()); err != nil {
		t.Error(err)
	}
}
