//go:build ignore

// Command protogen makes what is committed of the demo's schema: the Go code in demov1 and
// internal/longrunning, and the descriptor set demo.protoset. It compiles the sources itself and
// hands the result to the two plugins, because the schema has a file of edition 2023, which the
// protoc of many systems is too old to read.
//
// Run it in the folder testserver, with both plugins on PATH:
//
//	go run protogen.go
package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const module = "github.com/rpcctl/rpcctl"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run() error {
	names, err := sources("proto")
	if err != nil {
		return err
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{"proto"}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return fmt.Errorf("compiling: %w", err)
	}
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	for _, file := range files {
		add(set, seen, file)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return err
	}
	if err := os.WriteFile("demo.protoset", data, 0o644); err != nil {
		return err
	}
	// The Go code of google.rpc is linked in already.
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "google/rpc/") })
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: names, ProtoFile: set.File}
	for _, plugin := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		if err := generate(plugin, request); err != nil {
			return fmt.Errorf("%s: %w", plugin, err)
		}
	}
	return nil
}

// sources lists the .proto files under root, sorted, as imports name them.
func sources(root string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".proto") {
			names = append(names, path)
		}
		return err
	})
	return names, err
}

// add appends file to set, after the files that it imports. Only the demo's own files keep
// their comments.
func add(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		add(set, seen, file.Imports().Get(i).FileDescriptor)
	}
	own := strings.HasPrefix(file.Path(), "rpcctl/")
	described := protodesc.ToFileDescriptorProto(file)
	if own {
		if described.SourceCodeInfo == nil {
			panic("no comments in " + file.Path())
		}
	} else {
		described.SourceCodeInfo = nil
	}
	set.File = append(set.File, described)
}

// generate runs one plugin and writes the files that it answers with.
func generate(plugin string, request *pluginpb.CodeGeneratorRequest) error {
	request.Parameter = proto.String("module=" + module)
	input, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	cmd := exec.Command(plugin)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(output, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return fmt.Errorf("%s", response.GetError())
	}
	for _, file := range response.File {
		path := filepath.Join("..", filepath.FromSlash(file.GetName()))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(file.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
