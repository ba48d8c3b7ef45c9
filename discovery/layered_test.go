package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
)

// set makes a source of one file in text form.
func set(t testing.TB, text string) *discovery.Protoset {
	t.Helper()
	s, err := discovery.ParseProtoset("set", protoset(t, fileProto(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLayered(t *testing.T) {
	first := set(t, `name: "a.proto" package: "a" syntax: "proto2"
		message_type { name: "M" field { name: "first" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } extension_range { start: 10 end: 20 } }
		extension { name: "ten" number: 10 extendee: ".a.M" label: LABEL_OPTIONAL type: TYPE_STRING }
		service { name: "A" method { name: "Do" input_type: ".a.M" output_type: ".a.M" } }`)
	second := set(t, `name: "b.proto" package: "a" syntax: "proto2"
		message_type { name: "M" extension_range { start: 10 end: 20 } } message_type { name: "Only" }
		extension { name: "other_ten" number: 10 extendee: ".a.M" label: LABEL_OPTIONAL type: TYPE_STRING }
		extension { name: "eleven" number: 11 extendee: ".a.M" label: LABEL_OPTIONAL type: TYPE_STRING }
		service { name: "B" method { name: "Do" input_type: ".a.M" output_type: ".a.M" } }`)
	l := discovery.Layer(first, second, discovery.Builtin())

	names, err := l.Services(t.Context())
	if diff := cmp.Diff([]protoreflect.FullName{"a.A", "a.B"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if m := message(t, l, "a.M"); m.Fields().Len() != 1 {
		t.Error("the first source does not win")
	}
	for _, name := range []protoreflect.FullName{"a.Only", "grpc.health.v1.Health", "google.rpc.BadRequest", "google.protobuf.Any"} {
		if _, err := l.Find(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if _, err := l.Find(t.Context(), "a.None"); !errors.Is(err, discovery.ErrNotFound) {
		t.Error(err)
	}
	xs, err := l.Extensions(t.Context(), "a.M")
	var got []string
	for _, x := range xs {
		got = append(got, string(x.FullName()))
	}
	if diff := cmp.Diff([]string{"a.ten", "a.eleven"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if d, err := discovery.FindSymbol(t.Context(), l, "Only"); err != nil || d.FullName() != "a.Only" {
		t.Errorf("%v, %v", d, err)
	}
}

func TestLayeredWithoutReflection(t *testing.T) {
	tr, _ := demo(t, testserver.Options{Reflection: testserver.ReflectionNone})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	files := discovery.Layer(demoSet(t), r, discovery.Builtin())
	bare := discovery.Layer(r, discovery.Builtin())
	var none *discovery.NoReflectionError

	if _, err := discovery.FindMethod(t.Context(), files, "Shop/PlaceOrder"); err != nil {
		t.Error(err)
	}
	if names, err := files.Services(t.Context()); err != nil || len(names) < 4 {
		t.Errorf("services %v, %v", names, err)
	}
	_, err := discovery.FindMethod(t.Context(), files, "rpcctl.demo.v1.Shp/PlaceOrder")
	want := &discovery.UnknownError{Kind: "service", Name: "rpcctl.demo.v1.Shp", Near: []string{"rpcctl.demo.v1.Shop"}}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
	if _, err := bare.Services(t.Context()); !errors.As(err, &none) {
		t.Errorf("error %v, want a NoReflectionError", err)
	}
	for _, name := range []string{"rpcctl.demo.v1.Shop/PlaceOrder", "Shop/PlaceOrder", "PlaceOrder"} {
		if _, err := discovery.FindMethod(t.Context(), bare, name); !errors.As(err, &none) {
			t.Errorf("%s: error %v, want a NoReflectionError", name, err)
		}
	}
	if _, err := discovery.FindSymbol(t.Context(), bare, "rpcctl.demo.v1.Order"); !errors.As(err, &none) {
		t.Errorf("error %v, want a NoReflectionError", err)
	}
	if m, err := discovery.FindMethod(t.Context(), bare, "grpc.health.v1.Health/Check"); err != nil || m == nil {
		t.Errorf("health: %v", err)
	}
}

// A server that cannot be asked is not taken for one that lacks a name.
func TestLayeredFailure(t *testing.T) {
	tr := serve(t, func(*reflectpb.ServerReflectionRequest, int) (*reflectpb.ServerReflectionResponse, error) {
		return nil, status.Error(codes.Unauthenticated, "who are you")
	}, "v1")
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	l := discovery.Layer(r, discovery.Builtin())
	var se *invoke.StatusError
	for _, name := range []string{"a.Svc/Do", "Svc/Do", "Do"} {
		if _, err := discovery.FindMethod(t.Context(), l, name); !errors.As(err, &se) || se.Status.Code != codes.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := discovery.FindSymbol(t.Context(), l, "a.Svc"); !errors.As(err, &se) {
		t.Error(err)
	}
}

func ExampleLayer() {
	parse := func(name, text string) discovery.Source {
		fd := &descriptorpb.FileDescriptorProto{}
		if err := prototext.Unmarshal([]byte(text), fd); err != nil {
			panic(err)
		}
		raw, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{fd}})
		if err != nil {
			panic(err)
		}
		s, err := discovery.ParseProtoset(name, raw)
		if err != nil {
			panic(err)
		}
		return s
	}
	local := parse("local", `name: "shop.proto" package: "shop" syntax: "proto3" message_type { name: "Order" }
		service { name: "Shop" method { name: "Place" input_type: ".shop.Order" output_type: ".shop.Order" } }`)
	remote := parse("remote", `name: "depot.proto" package: "depot" syntax: "proto3" message_type { name: "Item" }
		service { name: "Depot" method { name: "Stock" input_type: ".depot.Item" output_type: ".depot.Item" } }`)

	source := discovery.Layer(local, remote, discovery.Builtin())
	services, err := source.Services(context.Background())
	fmt.Println(services, err)
	method, err := discovery.FindMethod(context.Background(), source, "Depot/Stock")
	fmt.Println(method.FullName(), err)
	_, err = discovery.FindMethod(context.Background(), source, "Depot/Stok")
	var unknown *discovery.UnknownError
	fmt.Println(errors.As(err, &unknown), unknown.Near)
	// Output:
	// [depot.Depot shop.Shop] <nil>
	// depot.Depot.Stock <nil>
	// true [depot.Depot/Stock]
}
