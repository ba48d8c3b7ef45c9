// Package transcode turns the encoded bytes of a protobuf message into JSON and back directly,
// by a plan made once from the message's descriptor, without a message value in between. Its
// main types are [Encoder] (wire bytes to JSON) and [Decoder] (JSON to wire bytes); a
// [Splitter] finds where one JSON value ends in a stream.
//
// Both directions follow the protobuf JSON mapping
// (https://protobuf.dev/programming-guides/json/). All input counts as hostile: depth is
// bounded both ways, indentation stops growing, and no text from a message reaches the output
// with a control or direction character unescaped.
package transcode

import "google.golang.org/protobuf/reflect/protoregistry"

// Types finds messages (for google.protobuf.Any) and extensions. It must be safe for
// concurrent use. An [Encoder] or [Decoder] remembers its answers for as long as it lives,
// including that something does not exist ([protoregistry.NotFound]); after any other error it
// asks again. No error of it stops the output: what it does not find prints as unresolved, or
// is an unknown field.
type Types interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}
