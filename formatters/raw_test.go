package formatters

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/invoke"
)

func printRaw(t *testing.T, o Options, method protoreflect.MethodDescriptor, messages ...*invoke.Message) string {
	t.Helper()
	var b bytes.Buffer
	p, err := New(Raw, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		e := response(m, i)
		e.Call = &invoke.Call{Method: method}
		if err := p.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRaw(t *testing.T) {
	files := kitchen(t)
	unary := descriptor[protoreflect.MethodDescriptor](t, files, "kitchen.v1.Kitchen.Cook")
	stream := descriptor[protoreflect.MethodDescriptor](t, files, "kitchen.v1.Kitchen.Watch")
	md := unary.Output()
	one := message(t, md, `name: "so\u009bup" photo: "\x00\xff" side { photo: "inner" note: "n" }`)
	two := message(t, md, `photo: "more"`)
	large := message(t, md, `photo: "`+string(bytes.Repeat([]byte("x"), 3*batch.FlushSize))+`"`)
	tests := []struct {
		name     string
		o        Options
		method   protoreflect.MethodDescriptor
		messages []*invoke.Message
		want     string
	}{
		{"unary", Options{}, unary, []*invoke.Message{one}, string(one.Wire)},
		{"stream", Options{}, stream, []*invoke.Message{one, two}, string(rune(len(one.Wire))) + string(one.Wire) + string(rune(len(two.Wire))) + string(two.Wire)},
		{"large", Options{}, unary, []*invoke.Message{large}, string(large.Wire)},
		{"bytes of a stream", Options{Field: "photo"}, stream, []*invoke.Message{one, two}, "\x00\xffmore"},
		{"bytes inside", Options{Field: "side.photo"}, stream, []*invoke.Message{one, two}, "inner"},
		{"a string", Options{Field: "name"}, unary, []*invoke.Message{one}, "so\u009bup"},
		{"not there", Options{Field: "side.side.note"}, unary, []*invoke.Message{one}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(test.want, printRaw(t, test.o, test.method, test.messages...)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Libraries that read delimited messages read a stream back.
func TestRawRoundTrip(t *testing.T) {
	stream := descriptor[protoreflect.MethodDescriptor](t, kitchen(t), "kitchen.v1.Kitchen.Watch")
	var messages []*invoke.Message
	for seed := range uint64(50) {
		messages = append(messages, newRandom(seed, stream.Output()).message(stream.Output()))
	}
	r := bytes.NewBufferString(printRaw(t, Options{}, stream, messages...))
	for i, m := range messages {
		back := dynamicpb.NewMessage(m.Desc)
		if err := protodelim.UnmarshalFrom(r, back); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		want, err := m.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(back, want) {
			t.Fatalf("message %d: got %v, want %v", i, back, want)
		}
	}
	if r.Len() > 0 {
		t.Errorf("%d bytes more", r.Len())
	}
}

func TestRawStaysOffTerminals(t *testing.T) {
	if _, err := New(Raw, io.Discard, Options{Width: 80}); !errors.Is(err, ErrTerminal) {
		t.Errorf("got %v, want %v", err, ErrTerminal)
	}
}
