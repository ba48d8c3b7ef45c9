package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
)

// wideSet is a set of files with an enum of n values each, and a message w.All that has a field of each.
func wideSet(t *testing.T, files, n int) []byte {
	t.Helper()
	all := &descriptorpb.FileDescriptorProto{
		Name: proto.String("all.proto"), Package: proto.String("w"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("All")}},
	}
	set := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{all}}
	for i := range files {
		number := strconv.Itoa(i)
		enum := &descriptorpb.EnumDescriptorProto{Name: proto.String("E" + number)}
		for v := range n {
			enum.Value = append(enum.Value, &descriptorpb.EnumValueDescriptorProto{
				Name: proto.String("V" + number + "_" + strconv.Itoa(v)), Number: proto.Int32(int32(v)),
			})
		}
		path := "e" + number + ".proto"
		set.File = append(set.File, &descriptorpb.FileDescriptorProto{
			Name: &path, Package: proto.String("w"), Syntax: proto.String("proto3"), EnumType: []*descriptorpb.EnumDescriptorProto{enum},
		})
		all.Dependency = append(all.Dependency, path)
		all.MessageType[0].Field = append(all.MessageType[0].Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String("e" + number), Number: proto.Int32(int32(i + 1)), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			Type: descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum(), TypeName: proto.String(".w.E" + number),
		})
	}
	raw, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// What one lookup needs has a bound of its own, whatever each file has; other lookups still
// work.
func TestLookupOfManyLargeFiles(t *testing.T) {
	const files = 5
	set, err := discovery.ParseProtoset("the set", wideSet(t, files, 150_000))
	if err != nil {
		t.Fatal(err)
	}
	_, err = set.Find(t.Context(), "w.All")
	var broken *discovery.DescriptorError
	if !errors.As(err, &broken) || broken.Symbol != "w.All" || !strings.Contains(broken.Error(), "the limit of one lookup") {
		t.Fatalf("the message with all of them: %v", err)
	}
	for i := range files {
		name := protoreflect.FullName("w.E" + strconv.Itoa(i))
		if d, err := set.Find(t.Context(), name); err != nil || d.FullName() != name {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if _, again := set.Find(t.Context(), "w.All"); fmt.Sprint(again) != err.Error() {
		t.Errorf("the message once more: %v", again)
	}
	all, faults, err := discovery.Files(t.Context(), set)
	if err != nil || len(faults) > 0 || len(all) != files+1 {
		t.Errorf("all %d files: %v; %v", len(all), err, faults)
	}
}

// What one file extends is found, however much the others hold.
func TestExtensionsOfLargeFiles(t *testing.T) {
	raw := wideSet(t, 5, 150_000)
	files := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(raw, files); err != nil {
		t.Fatal(err)
	}
	base := &descriptorpb.FileDescriptorProto{
		Name: proto.String("base.proto"), Package: proto.String("b"),
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Base"), ExtensionRange: []*descriptorpb.DescriptorProto_ExtensionRange{{Start: proto.Int32(1), End: proto.Int32(100)}},
		}},
	}
	for i, f := range files.File {
		f.Syntax = nil
		f.Dependency = append(f.Dependency, "base.proto")
		f.Extension = append(f.Extension, &descriptorpb.FieldDescriptorProto{
			Name: proto.String("x" + strconv.Itoa(i)), Number: proto.Int32(int32(i + 1)), Extendee: proto.String(".b.Base"),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(),
		})
	}
	files.File = append(files.File[1:], base) // but for the one that needs all others
	raw, err := proto.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	set, err := discovery.ParseProtoset("the set", raw)
	if err != nil {
		t.Fatal(err)
	}
	found, err := set.Extensions(t.Context(), "b.Base")
	if err != nil || len(found) != 3 { // as many files as one lookup may build
		t.Errorf("%d extensions, %v", len(found), err)
	}
}

// When a context is done while a schema is put together, the error does not blame the server.
func TestSchemaAfterTheDeadline(t *testing.T) {
	raw := wideSet(t, 1, 10)
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	dir := tree(t, map[string]string{"a.proto": `syntax = "proto3"; package a; message M {}`})
	for name, find := range map[string]func(ctx context.Context) error{
		"a descriptor set": func(ctx context.Context) error {
			set, err := discovery.ParseProtoset("the set", raw)
			if err != nil {
				t.Fatal(err)
			}
			_, err = set.Find(ctx, "w.All")
			return err
		},
		"a .proto file": func(ctx context.Context) error {
			_, err := discovery.OpenProtofiles(ctx, discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: []string{"a.proto"}})
			return err
		},
		"a folder": func(ctx context.Context) error {
			s, err := discovery.OpenProtos(ctx, discovery.ProtofileOptions{Files: []string{dir}})
			if err != nil {
				return err
			}
			_, err = s.Find(ctx, "a.M")
			return err
		},
	} {
		var status *invoke.StatusError
		err := find(late)
		if !errors.As(err, &status) || status.Status.Code != codes.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) ||
			status.Status.Message != "the deadline has passed while putting the schema together" {
			t.Errorf("%s, late: %v", name, err)
		}
		if err := find(interrupted); !errors.Is(err, context.Canceled) || errors.As(err, &status) {
			t.Errorf("%s, interrupted: %v", name, err)
		}
	}
}

// Services are counted over all files, and the methods of many of them are soon known.
func TestManyServices(t *testing.T) {
	file := func(path string, n int) *descriptorpb.FileDescriptorProto {
		f := &descriptorpb.FileDescriptorProto{Name: proto.String(path + ".proto"), Package: proto.String(path), Syntax: proto.String("proto3")}
		for i := range n {
			f.Service = append(f.Service, &descriptorpb.ServiceDescriptorProto{
				Name: proto.String("S" + strconv.Itoa(i)), Method: []*descriptorpb.MethodDescriptorProto{{Name: proto.String("M" + strconv.Itoa(i))}},
			})
		}
		return f
	}
	raw, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file("a", 48_000), file("b", 3000), file("c", 1000)}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := discovery.ParseProtoset("the set", raw)
	if err != nil {
		t.Fatal(err)
	}
	if faults := set.Faults(); len(faults) != 1 || !strings.Contains(faults[0].Error(), `"b.proto"`) || !strings.Contains(faults[0].Error(), "more than 50000 services") {
		t.Errorf("faults: %v", faults)
	}
	services, err := set.Services(t.Context())
	if err != nil || len(services) != 49_000 {
		t.Fatalf("%d services, %v", len(services), err)
	}
	began := time.Now()
	methods, rest := discovery.KnownMethods(t.Context(), set, services)
	if len(methods) != 49_000 || len(rest) != 0 {
		t.Errorf("%d methods known, %d services not", len(methods), len(rest))
	}
	if took := time.Since(began); took > 20*time.Second { // it was a minute and more
		t.Errorf("it took %v", took)
	}
}
