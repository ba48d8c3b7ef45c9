package discovery

import (
	"embed"

	"google.golang.org/protobuf/types/gofeaturespb"
)

// standard has the files that come with protoc beside the well-known types, and that
// nothing in this program needs as Go code. As text they cost a start nothing.
//
//go:embed standard
var standard embed.FS

// standardFile returns a file that can be imported without an import path, since it
// comes with every compiler of .proto files.
func standardFile(path string) (found, bool) {
	if path == gofeaturespb.File_google_protobuf_go_features_proto.Path() {
		return found{desc: gofeaturespb.File_google_protobuf_go_features_proto}, true
	}
	text, err := standard.ReadFile("standard/" + path)
	return found{text: string(text), builtin: true}, err == nil
}
