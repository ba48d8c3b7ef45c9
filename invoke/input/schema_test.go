package input

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/invoke"
)

// schema is the one of testdata.
type schema struct {
	order protoreflect.MessageDescriptor
	types invoke.Types
}

// resolver has the types of the tests and the well-known ones.
type resolver struct{ *dynamicpb.Types }

func (r resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if mt, err := r.Types.FindMessageByName(name); err == nil {
		return mt, nil
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

func (r resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if mt, err := r.Types.FindMessageByURL(url); err == nil {
		return mt, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

func loadSchema(t testing.TB) schema {
	t.Helper()
	c := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{"testdata"}}),
	}
	files, err := c.Compile(context.Background(), "shop.proto", "shop_ext.proto")
	if err != nil {
		t.Fatal(err)
	}
	reg := new(protoregistry.Files)
	for _, f := range files {
		if err := reg.RegisterFile(f); err != nil {
			t.Fatal(err)
		}
	}
	order := files.FindFileByPath("shop.proto").Messages().ByName("Order")
	return schema{order, resolver{dynamicpb.NewTypes(reg)}}
}

// now is the moment of all tests.
func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func (s schema) options() Options {
	return Options{Message: s.order, Types: s.types, Now: now}
}

// show returns a message as compact protobuf JSON.
func (s schema) show(t testing.TB, wire []byte) string {
	t.Helper()
	m := dynamicpb.NewMessage(s.order)
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: s.types}).Unmarshal(wire, m); err != nil {
		t.Fatalf("the wire bytes %x: %v", wire, err)
	}
	b, err := protojson.MarshalOptions{AllowPartial: true, Resolver: s.types}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return compact(t, b)
}

// wireOf returns the deterministic wire form of a message in protobuf JSON.
func (s schema) wireOf(t testing.TB, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(s.order)
	if err := (protojson.UnmarshalOptions{AllowPartial: true, Resolver: s.types}).Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// parts are arguments.
func parts(args ...string) []Part {
	var ps []Part
	for i, a := range args {
		ps = append(ps, Part{Text: a, Origin: "argument " + string(rune('1'+i))})
	}
	return ps
}

// all returns all messages as JSON, and the error that ended them unless it was io.EOF.
func (s schema) all(t testing.TB, src *Source) (msgs []string, err error) {
	t.Helper()
	for {
		wire, err := src.Next(context.Background())
		if err == io.EOF {
			return msgs, nil
		}
		if err != nil {
			return msgs, err
		}
		msgs = append(msgs, s.show(t, wire))
	}
}

// run is New and all of its messages.
func (s schema) run(t testing.TB, ps []Part, o Options) ([]string, error) {
	t.Helper()
	src, err := New(ps, o)
	if err != nil {
		return nil, err
	}
	return s.all(t, src)
}

// json returns a message as protobuf JSON that is the same each time.
func (s schema) json(m proto.Message) ([]byte, bool) {
	b, err := protojson.MarshalOptions{AllowPartial: true, Resolver: s.types}.Marshal(m)
	if err != nil {
		return nil, false
	}
	var out bytes.Buffer
	err = json.Compact(&out, b)
	return out.Bytes(), err == nil
}
