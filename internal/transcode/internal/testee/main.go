// Testee answers the official protobuf conformance runner over stdin and stdout: with
// package transcode or, to compare, with protobuf-go's dynamic messages and protojson.
//
// Usage: testee -proto DIR [-engine transcode|protobuf-go]
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// An engine parses a message in one format and prints it in another.
type engine interface {
	// toJSON turns wire bytes into JSON.
	toJSON(md protoreflect.MessageDescriptor, wire []byte) ([]byte, error)
	// toWire turns JSON into wire bytes.
	toWire(md protoreflect.MessageDescriptor, text []byte, allowUnknown bool) ([]byte, error)
	// rewire turns wire bytes into the engine's own wire bytes. It returns errSkipped
	// when the engine has no way to.
	rewire(md protoreflect.MessageDescriptor, wire []byte) ([]byte, error)
}

// errSkipped is the error of an engine for a test that is not for it.
var errSkipped = errors.New("not for this engine")

// A parseError is an error in what came in.
type parseError struct{ error }

func main() {
	protos := flag.String("proto", "", "the folder with the runner's .proto files")
	name := flag.String("engine", "transcode", "transcode or protobuf-go")
	flag.Parse()
	if err := run(*protos, *name); err != nil {
		fmt.Fprintln(os.Stderr, "testee:", err)
		os.Exit(1)
	}
}

func run(protos, name string) error {
	s, err := compile(protos)
	if err != nil {
		return err
	}
	var e engine
	switch name {
	case "transcode":
		e = newDirect(s.types)
	case "protobuf-go":
		e = reflective{s.types}
	default:
		return fmt.Errorf("no engine %q", name)
	}
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		request := make([]byte, binary.LittleEndian.Uint32(size[:]))
		if _, err := io.ReadFull(in, request); err != nil {
			return err
		}
		response, err := s.answer(e, request)
		if err != nil {
			return err
		}
		binary.LittleEndian.PutUint32(size[:], uint32(len(response)))
		out.Write(size[:])
		out.Write(response)
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// The values of conformance.WireFormat and TestCategory that are answered.
const (
	formatProtobuf     = 1
	formatJSON         = 2
	ignoreUnknownTests = 3
)

// answer returns the response to one request.
func (s *schema) answer(e engine, raw []byte) ([]byte, error) {
	request := dynamicpb.NewMessage(s.request)
	if err := proto.Unmarshal(raw, request); err != nil {
		return nil, fmt.Errorf("reading a request: %w", err)
	}
	get := func(name protoreflect.Name) protoreflect.Value {
		return request.Get(s.request.Fields().ByName(name))
	}
	response := dynamicpb.NewMessage(s.response)
	set := func(name protoreflect.Name, v protoreflect.Value) ([]byte, error) {
		response.Set(s.response.Fields().ByName(name), v)
		return proto.Marshal(response)
	}
	d, err := s.files.FindDescriptorByName(protoreflect.FullName(get("message_type").String()))
	md, ok := d.(protoreflect.MessageDescriptor)
	if err != nil || !ok {
		if get("message_type").String() == "conformance.FailureSet" {
			return set("protobuf_payload", protoreflect.ValueOfBytes(nil))
		}
		return set("runtime_error", protoreflect.ValueOfString("no such message type"))
	}
	payload := request.WhichOneof(s.request.Oneofs().ByName("payload"))
	if payload == nil {
		return set("runtime_error", protoreflect.ValueOfString("no payload"))
	}
	var out []byte
	format := get("requested_output_format").Enum()
	allowUnknown := get("test_category").Enum() == ignoreUnknownTests
	switch {
	case payload.Name() == "protobuf_payload" && format == formatProtobuf:
		out, err = e.rewire(md, get(payload.Name()).Bytes())
	case payload.Name() == "protobuf_payload" && format == formatJSON:
		out, err = e.toJSON(md, get(payload.Name()).Bytes())
	case payload.Name() == "json_payload" && (format == formatProtobuf || format == formatJSON):
		out, err = e.toWire(md, []byte(get(payload.Name()).String()), allowUnknown)
		if err == nil && format == formatJSON {
			out, err = e.toJSON(md, out)
		}
	default:
		err = errSkipped
	}
	var bad parseError
	switch {
	case errors.Is(err, errSkipped):
		return set("skipped", protoreflect.ValueOfString(err.Error()))
	case errors.As(err, &bad):
		return set("parse_error", protoreflect.ValueOfString(err.Error()))
	case err != nil:
		return set("serialize_error", protoreflect.ValueOfString(err.Error()))
	case format == formatJSON:
		return set("json_payload", protoreflect.ValueOfString(string(out)))
	}
	return set("protobuf_payload", protoreflect.ValueOfBytes(out))
}
