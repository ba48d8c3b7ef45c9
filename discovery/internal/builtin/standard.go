package builtin

import (
	"embed"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/gofeaturespb"
)

// standard has the files that come with protoc besides the well-known types. This program
// does not need them as Go code, and as text they cost nothing at the start.
//
//go:embed standard
var standard embed.FS

// StandardFile returns a file that can be imported without an import path because it comes
// with every compiler of .proto files. It is either a descriptor or a text.
func StandardFile(path string) (desc protoreflect.FileDescriptor, text string, ok bool) {
	if path == gofeaturespb.File_google_protobuf_go_features_proto.Path() {
		return gofeaturespb.File_google_protobuf_go_features_proto, "", true
	}
	data, err := standard.ReadFile("standard/" + path)
	return nil, string(data), err == nil
}
