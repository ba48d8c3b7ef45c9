package formatters

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/invoke"
)

// A message whose values would take far more memory than its bytes is refused by the formats
// that need all of them at once, and by no other.
func TestMemory(t *testing.T) {
	md := dish(t)
	var list protoreflect.FieldDescriptor
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); fd.IsList() && fd.Kind() == protoreflect.StringKind {
			list = fd
		}
	}
	if list == nil {
		t.Fatal("the dish has no list of strings")
	}
	many := func(n int, value string) *invoke.Message {
		one := protowire.AppendString(protowire.AppendTag(nil, list.Number(), protowire.BytesType), value)
		m := &invoke.Message{Desc: md}
		for range n {
			m.Wire = append(m.Wire, one...)
		}
		return m
	}
	for name, tt := range map[string]struct {
		m    *invoke.Message
		want bool
	}{
		"small":           {many(10, ""), false},
		"many empty ones": {many(8<<20, ""), true},
		"a few long ones": {many(30, string(make([]byte, 1<<20))), false},
	} {
		var tooLarge *BulkError
		if err := memory.Check(tt.m, "text", memory.MaxDecoded); errors.As(err, &tooLarge) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
