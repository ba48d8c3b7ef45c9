package discovery_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
)

// A server each of whose files imports a hundred new ones is given up, with the
// reason, and is not asked for the same again.
func TestReflectionFans(t *testing.T) {
	fan := func(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
		path := req.GetFileByFilename()
		if path == "" {
			return files(fileProto(t, `name: "e.proto" package: "e" syntax: "proto3" dependency: "f" message_type { name: "M" }
				service { name: "S" method { name: "Do" input_type: ".e.M" output_type: ".e.M" } }`)), nil
		}
		fd := &descriptorpb.FileDescriptorProto{Name: proto.String(path), Package: proto.String("g")}
		for i := range 100 {
			fd.Dependency = append(fd.Dependency, fmt.Sprintf("%s_%d", path, i))
		}
		return files(fd), nil
	}
	r := discovery.Reflect(serve(t, fan, "v1"), discovery.ReflectOptions{Timeout: 5 * time.Minute})
	defer r.Close()
	var first error
	for range 2 {
		_, err := discovery.FindMethod(t.Context(), discovery.Layer(r, discovery.Builtin()), "e.S/Do")
		if !errors.As(err, new(*discovery.DescriptorError)) || !strings.Contains(err.Error(), "more than 20000 files or 64 MiB") {
			t.Errorf("error %v", err)
		}
		if first != nil && first != err {
			t.Errorf("asked again: %v", err)
		}
		first = err
	}
}

// An error for a question that nobody asked is not the answer to the one that was.
func TestReflectionStrays(t *testing.T) {
	stray := refusal(int32(codes.NotFound), "no one")
	stray.OriginalRequest = &reflectpb.ServerReflectionRequest{
		MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "no.one"},
	}
	b := book{"list": listing("shop.Shop"), "shop.Shop": files(fileProto(t, shopText), fileProto(t, moneyText))}
	r := discovery.Reflect(serveMany(t, func(req *reflectpb.ServerReflectionRequest, nth int) []*reflectpb.ServerReflectionResponse {
		a, _ := b.answer(req, nth)
		return []*reflectpb.ServerReflectionResponse{stray, stray, a}
	}), discovery.ReflectOptions{})
	defer r.Close()
	if names, err := r.Services(t.Context()); err != nil || len(names) != 1 {
		t.Errorf("services %v, %v", names, err)
	}
	if _, err := discovery.FindMethod(t.Context(), r, "shop.Shop/Place"); err != nil {
		t.Error(err)
	}
	flood := discovery.Reflect(serveMany(t, func(*reflectpb.ServerReflectionRequest, int) []*reflectpb.ServerReflectionResponse {
		strays := make([]*reflectpb.ServerReflectionResponse, 2000)
		for i := range strays {
			strays[i] = stray
		}
		return strays
	}), discovery.ReflectOptions{})
	defer flood.Close()
	_, err := flood.Services(t.Context())
	wantCode(t, err, codes.Internal)
}
