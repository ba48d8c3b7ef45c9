package transcode_test

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

func ExampleEncoder() {
	md := (*descriptorpb.FieldDescriptorProto)(nil).ProtoReflect().Descriptor()
	e := transcode.NewEncoder(md, transcode.EncodeOptions{Indent: "  "})
	out, err := e.Append(nil, []byte("\x0a\x04name\x18\x07\x28\x09"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(out))
	// Output:
	// {
	//   "name": "name",
	//   "number": 7,
	//   "type": "TYPE_STRING"
	// }
}

func ExampleDecoder() {
	md := (*descriptorpb.FieldDescriptorProto)(nil).ProtoReflect().Descriptor()
	d := transcode.NewDecoder(md, transcode.DecodeOptions{Lenient: true})
	out, err := d.Append(nil, []byte(`{name: 'name', number: 7, type: string}`))
	fmt.Printf("%x %v\n", out, err)

	_, err = d.Append(nil, []byte("{\n  nmae: 'x',\n  number: 1.5}"))
	var faults *transcode.Error
	if errors.As(err, &faults) {
		for _, f := range faults.Faults {
			fmt.Printf("%d:%d %s (%s)\n", f.Line, f.Column, f.Problem, f.Suggestion)
		}
	}
	// Output:
	// 0a046e616d6518072809 <nil>
	// 2:3 no field "nmae" in google.protobuf.FieldDescriptorProto (name)
	// 3:11 FieldDescriptorProto.number wants int32, 1.5 is not a whole number ()
}

func ExampleSplitter() {
	// As it comes from a pipe, in chunks that end anywhere.
	chunks := []string{`{"id": "a}`, `b"} {"id`, `": 2}`, "\n"}
	var s transcode.Splitter
	var value []byte
	for _, chunk := range chunks {
		for p := []byte(chunk); len(p) > 0; {
			n, done := s.Feed(p)
			value = append(value, p[:n]...)
			p = p[n:]
			if done {
				fmt.Printf("%q\n", value)
				value = value[:0]
			}
		}
	}
	if s.Pending() {
		fmt.Println("cut off")
	}
	// Output:
	// "{\"id\": \"a}b\"}"
	// " {\"id\": 2}"
}
