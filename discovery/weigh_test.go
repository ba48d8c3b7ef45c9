package discovery_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/discovery"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// manyLines is more than a file may have of declarations and lines of comments.
const manyLines = 1_300_000

// Each line of a comment counts for what a file may have: it takes as much memory as a field
// does when it is printed.
func TestLinesOfCommentsCount(t *testing.T) {
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("c.proto"), Package: proto.String("c"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
		SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{
			{Path: []int32{4, 0}, Span: []int32{0, 0, 1}, LeadingComments: proto.String(strings.Repeat("\n", manyLines))},
		}},
	}
	raw, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}})
	if err != nil {
		t.Fatal(err)
	}
	set := discovery.NewProtoset()
	if err := set.Add("the set", raw); err != nil {
		t.Fatal(err)
	}
	if _, err := set.Find(t.Context(), "c.M"); err == nil || !strings.Contains(err.Error(), "declarations, options and comments") {
		t.Errorf("it ended in %v", err)
	}
}

// A .proto file that is too much to be taken back is compiled each time.
func TestLargeFileIsCompiledAgain(t *testing.T) {
	dir := t.TempDir()
	text := `syntax = "proto3"; package c;` + "\n" + strings.Repeat("//\n", manyLines) + "message M {}\n"
	if err := os.WriteFile(filepath.Join(dir, "c.proto"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store := newMemory()
	for range 2 {
		s, err := discovery.OpenProtofiles(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{dir}, Files: []string{"c.proto"}, Store: store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Find(t.Context(), "c.M"); err != nil {
			t.Fatal(err)
		}
	}
}
