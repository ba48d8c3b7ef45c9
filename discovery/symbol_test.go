package discovery_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
)

func TestParseMethod(t *testing.T) {
	tests := []struct {
		in      string
		service protoreflect.FullName
		method  protoreflect.Name
		fails   bool
	}{
		{in: "pkg.v1.Svc/Method", service: "pkg.v1.Svc", method: "Method"},
		{in: "pkg.v1.Svc.Method", service: "pkg.v1.Svc", method: "Method"},
		{in: "/pkg.v1.Svc/Method", service: "pkg.v1.Svc", method: "Method"},
		{in: ".pkg.v1.Svc.Method", service: "pkg.v1.Svc", method: "Method"},
		{in: "Svc/Method", service: "Svc", method: "Method"},
		{in: "Method", method: "Method"},
		{in: "/Method", method: "Method"},
		{in: "", fails: true},
		{in: "/", fails: true},
		{in: "//Method", fails: true},
		{in: "/Svc/", fails: true},
		{in: "Svc/a/b", fails: true},
		{in: "Svc/a.b", fails: true},
		{in: "a..b", fails: true},
		{in: "http://host/Svc/Method", fails: true},
		{in: "Me thod", fails: true},
		{in: "Svc/Me\x1bthod", fails: true},
		{in: strings.Repeat("a", 2000), fails: true},
	}
	for _, test := range tests {
		t.Run(test.in[:min(len(test.in), 32)], func(t *testing.T) {
			service, method, err := discovery.ParseMethod(test.in)
			if service != test.service || method != test.method {
				t.Errorf("got %q, %q, want %q, %q", service, method, test.service, test.method)
			}
			var ne *discovery.NameError
			if got := errors.As(err, &ne); got != test.fails {
				t.Errorf("error %v", err)
			}
		})
	}
}

// shops is a schema with names that are alike, and one service that is listed and
// not there.
func shops(t *testing.T) answerer {
	file := fileProto(t, `
		name: "shops.proto"  package: "shops"  syntax: "proto3"
		message_type { name: "M" }
		service { name: "Shop"
			method { name: "Place" input_type: ".shops.M" output_type: ".shops.M" }
			method { name: "Only" input_type: ".shops.M" output_type: ".shops.M" } }
		service { name: "Depot"
			method { name: "Place" input_type: ".shops.M" output_type: ".shops.M" }
			method { name: "Stock" input_type: ".shops.M" output_type: ".shops.M" } }`)
	other := fileProto(t, `
		name: "other.proto"  package: "other"  syntax: "proto3"
		message_type { name: "M" }
		service { name: "Shop"
			method { name: "Place" input_type: ".other.M" output_type: ".other.M" }
			method { name: "Rest" input_type: ".other.M" output_type: ".other.M" } }`)
	bare := fileProto(t, `
		name: "bare.proto"  syntax: "proto3"
		message_type { name: "M" }
		service { name: "Bare" method { name: "Do" input_type: ".M" output_type: ".M" } }`)
	return func(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
		switch symbol := req.GetFileContainingSymbol(); {
		case req.GetListServices() != "":
			return listing("shops.Shop", "shops.Depot", "other.Shop", "Bare", "ghost.Ghost", "bad\x1bname"), nil
		case symbol == "shops.Shop" || symbol == "shops.Depot":
			return files(file), nil
		case symbol == "other.Shop":
			return files(other), nil
		case symbol == "Bare":
			return files(bare), nil
		default:
			return refusal(int32(codes.NotFound), "no such symbol"), nil
		}
	}
}

func TestFindMethod(t *testing.T) {
	tests := []struct {
		name string
		want string
		err  error
	}{
		{name: "shops.Shop/Place", want: "shops.Shop/Place"},
		{name: "shops.Shop.Place", want: "shops.Shop/Place"},
		{name: "/other.Shop/Place", want: "other.Shop/Place"},
		{name: "Depot/Place", want: "shops.Depot/Place"},
		{name: "Depot.Place", want: "shops.Depot/Place"},
		{name: "Stock", want: "shops.Depot/Stock"},
		{name: "Shop.Rest", want: "other.Shop/Rest"},
		{name: "Bare/Do", want: "Bare/Do"},
		{name: "Do", want: "Bare/Do"},
		{
			name: "Shop/Place",
			err:  &discovery.AmbiguousError{Name: "Shop/Place", Candidates: []string{"other.Shop/Place", "shops.Shop/Place"}},
		},
		{
			name: "Place",
			err: &discovery.AmbiguousError{
				Name: "Place", Candidates: []string{"other.Shop/Place", "shops.Depot/Place", "shops.Shop/Place"},
			},
		},
		{
			name: "shops.Depot/Stok",
			err:  &discovery.UnknownError{Kind: "method", Name: "Stok", In: "shops.Depot", Near: []string{"shops.Depot/Stock"}},
		},
		{
			name: "shops.Depo/Stock",
			err:  &discovery.UnknownError{Kind: "service", Name: "shops.Depo", Near: []string{"shops.Depot"}},
		},
		{
			name: "shops.Depot",
			err:  &discovery.UnknownError{Kind: "method", In: "shops.Depot", Near: []string{"shops.Depot/Place", "shops.Depot/Stock"}},
		},
		{
			name: "Stocks",
			err:  &discovery.UnknownError{Kind: "method", Name: "Stocks", Near: []string{"shops.Depot/Stock"}},
		},
		{
			name: "Shop/Onyl",
			err:  &discovery.UnknownError{Kind: "method", Name: "Shop/Onyl", Near: []string{"shops.Shop/Only"}},
		},
		{name: "Zzz/Yyy", err: &discovery.UnknownError{Kind: "service", Name: "Zzz"}},
		{name: "a/b/c", err: &discovery.NameError{Name: "a/b/c", Reason: "what stands before the method is not the name of a service"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := discovery.Reflect(serve(t, shops(t), "v1"), discovery.ReflectOptions{})
			defer r.Close()
			m, err := discovery.FindMethod(t.Context(), r, test.name)
			if test.err != nil {
				if diff := cmp.Diff(test.err, err); diff != "" {
					t.Error(diff)
				}
				if m != nil {
					t.Errorf("a method %v beside the error", m.FullName())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := invoke.MethodName(m); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// A service that is listed and has no descriptor is distinguished from one that does not
// exist.
func TestFindMethodGhost(t *testing.T) {
	for _, name := range []string{"ghost.Ghost/Boo", "Ghost/Boo"} {
		r := discovery.Reflect(serve(t, shops(t), "v1"), discovery.ReflectOptions{})
		defer r.Close()
		_, err := discovery.FindMethod(t.Context(), r, name)
		var de *discovery.DescriptorError
		if !errors.As(err, &de) || de.Symbol != "ghost.Ghost" || errors.Is(err, discovery.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The number of questions decides how a call over a slow network feels.
func TestFindMethodQuestions(t *testing.T) {
	tests := []struct {
		name string
		want int64
	}{
		{"rpcctl.demo.v1.Shop/PlaceOrder", 1},
		{"rpcctl.demo.v1.Shop.PlaceOrder", 1},
		{"Shop/PlaceOrder", 2},
		{"rpcctl.demo.v1.Shop/PlaceOder", 1},
		{"PlaceOrder", int64(1 + len(demoServices))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr, server := demo(t, testserver.Options{})
			r := discovery.Reflect(tr, discovery.ReflectOptions{})
			defer r.Close()
			if _, err := discovery.FindMethod(t.Context(), r, test.name); err != nil && !errors.Is(err, discovery.ErrNotFound) {
				t.Fatal(err)
			}
			got := server.Stats().Calls["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]
			if got.Received != test.want || got.Started != 1 {
				t.Errorf("%d questions on %d streams, want %d on one", got.Received, got.Started, test.want)
			}
		})
	}
}

func TestFindSymbol(t *testing.T) {
	tr, _ := demo(t, testserver.Options{})
	tests := []struct {
		name string
		want protoreflect.FullName
		err  error
	}{
		{name: "rpcctl.demo.v1.Shop", want: "rpcctl.demo.v1.Shop"},
		{name: ".rpcctl.demo.v1.Shop", want: "rpcctl.demo.v1.Shop"},
		{name: "Shop", want: "rpcctl.demo.v1.Shop"},
		{name: "Shop/PlaceOrder", want: "rpcctl.demo.v1.Shop.PlaceOrder"},
		{name: "Shop.PlaceOrder", want: "rpcctl.demo.v1.Shop.PlaceOrder"},
		{name: "rpcctl.demo.v1.Order.id", want: "rpcctl.demo.v1.Order.id"},
		{name: "rpcctl.demo.v1.Order", want: "rpcctl.demo.v1.Order"},
		{name: "Money", want: "rpcctl.demo.v1.Money"}, // known by then
		{name: "v1.Money", want: "rpcctl.demo.v1.Money"},
		{name: "google.protobuf.Struct", want: "google.protobuf.Struct"},
		{
			name: "rpcctl.demo.v1.Oder",
			err: &discovery.UnknownError{
				Kind: "symbol", Name: "rpcctl.demo.v1.Oder",
				Near: []string{"rpcctl.demo.v1.Order"},
			},
		},
		{name: "no name", err: &discovery.NameError{Name: "no name", Reason: "not the name of a symbol; one is written pkg.Name"}},
		{name: "", err: &discovery.NameError{Reason: "empty"}},
	}
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := discovery.FindSymbol(t.Context(), r, test.name)
			if test.err != nil {
				var ue *discovery.UnknownError
				if errors.As(err, &ue) && len(ue.Near) > 1 {
					ue.Near = ue.Near[:1] // the rest depends on what else was sent
				}
				if diff := cmp.Diff(test.err, err); diff != "" {
					t.Error(diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d.FullName() != test.want {
				t.Errorf("got %s, want %s", d.FullName(), test.want)
			}
		})
	}
}
