package discovery_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
)

// manyLines is more than a file may have of lines of comments.
const manyLines = 1_300_000

// A file may have many declarations and many lines of comments, each up to a bound, and the one
// does not count for the other.
func TestWhatAFileMayHave(t *testing.T) {
	for name, c := range map[string]struct {
		fields, messages, lines int
		want                    string // of the error; "": it is taken
	}{
		"fields":            {fields: 150_000, lines: 700_000},
		"too many fields":   {fields: 400_000, want: "declarations, options and comments"},
		"messages":          {messages: 100_000},
		"too many messages": {messages: 200_000, want: "declarations, options and comments"},
		"too many lines":    {lines: manyLines, want: "lines of comments"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &descriptorpb.DescriptorProto{Name: proto.String("M")}
			for i := range c.fields {
				m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{
					Name: proto.String("f" + strconv.Itoa(i)), Number: proto.Int32(int32(20_000 + i)),
					Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_INT32.Enum(),
				})
			}
			file := &descriptorpb.FileDescriptorProto{
				Name: proto.String("c.proto"), Package: proto.String("c"), Syntax: proto.String("proto3"),
				MessageType: []*descriptorpb.DescriptorProto{m},
				SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{
					{Path: []int32{4, 0}, Span: []int32{0, 0, 1}, LeadingComments: proto.String(strings.Repeat("\n", c.lines))},
				}},
			}
			for i := range c.messages {
				file.MessageType = append(file.MessageType, &descriptorpb.DescriptorProto{Name: proto.String("M" + strconv.Itoa(i))})
			}
			raw, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}})
			if err != nil {
				t.Fatal(err)
			}
			set := discovery.NewProtoset()
			if err := set.Add("the set", raw); err != nil {
				t.Fatal(err)
			}
			_, err = set.Find(t.Context(), "c.M")
			if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("it ended in %s", got)
			}
		})
	}
}

// A .proto file that is too large to be kept is compiled each time.
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
