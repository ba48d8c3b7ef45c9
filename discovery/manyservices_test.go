package discovery_test

import (
	"fmt"
	"slices"
	"testing"

	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
)

// Many services of one file cost two questions, and not that file for each of them.
func TestManyServicesOfOneFile(t *testing.T) {
	const many = 10_000
	fd := fileProto(t, `name: "many.proto" package: "p" message_type { name: "M" }`)
	var names []string
	for i := range many {
		name := fmt.Sprintf("S%05d", i)
		fd.Service = append(fd.Service, &descriptorpb.ServiceDescriptorProto{Name: proto.String(name)})
		names = append(names, "p."+name)
	}
	asked := 0
	tr := serve(t, func(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
		if req.GetFileContainingSymbol() == "" {
			return listing(names...), nil
		}
		asked++
		return files(fd), nil
	}, "v1")
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	all, faults, err := discovery.Files(t.Context(), r)
	if err != nil || len(faults) > 0 || len(all) != 1 || all[0].Services().Len() != many {
		t.Fatal(len(all), faults, err)
	}
	if asked != 1 {
		t.Errorf("%d questions for the file", asked)
	}
	services, err := r.Services(t.Context())
	if err != nil || !slices.Contains(services, protoreflect.FullName("p.S00077")) {
		t.Error(len(services), err)
	}
}
