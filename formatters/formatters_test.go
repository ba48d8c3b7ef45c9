package formatters

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/invoke"
)

func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/full")
	}
	file, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, f := range Formats() {
		p, err := New(f, file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = p.Event(response(message(t, dish(t), `name: "x"`), 0))
		if flushed := p.Flush(); !errors.Is(flushed, syscall.ENOSPC) {
			t.Errorf("%s: Event: %v, Flush: %v, want %v", f, err, flushed, syscall.ENOSPC)
		}
	}
}

// FuzzHostileMessages prints what a server might send. Whatever it is, no
// character that could move the cursor, or turn text around, comes out.
func FuzzHostileMessages(f *testing.F) {
	files := kitchen(f)
	md := descriptor[protoreflect.MessageDescriptor](f, files, "kitchen.v1.Dish")
	types := dynamicpb.NewTypes(files)
	f.Add(message(f, md, full).Wire)
	f.Add(message(f, md, `name: "\x1b]0;title\x07" tags: "\u009b2J" labels { key: "\u202e" value: "\u2066" } free { fields { key: "\x7f" value { string_value: "\u2028" } } }`).Wire)
	for seed := range uint64(5) {
		f.Add(newRandom(seed, md).message(md).Wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		m := &invoke.Message{Desc: md, Wire: wire}
		for _, format := range Formats() {
			if format == Raw {
				continue
			}
			for _, o := range []Options{{Types: types}, {EmitDefaults: true, ProtoNames: true, Int64Numbers: true, EnumNumbers: true, Color: true}} {
				var b strings.Builder
				p, err := New(format, &b, o)
				if err != nil {
					t.Fatal(err)
				}
				_ = p.Event(response(m, 0)) // not every input is a message
				if err := p.Flush(); err != nil {
					t.Fatal(err)
				}
				harmless(t, string(format), uncolored(b.String()))
			}
		}
	})
}

// FuzzHostileCalls does the same for the other parts of a call.
func FuzzHostileCalls(f *testing.F) {
	f.Add("name\x1b", "value\u009b", "message\u202e\n", "type.googleapis.com/google.rpc.BadRequest", []byte("\n\x06\n\x01a\x12\x01\x1b"))
	f.Add("a-bin", "\xff", "\xff", "\xff/\x1b", []byte{1})
	f.Fuzz(func(t *testing.T, key, value, text, url string, detail []byte) {
		md := invoke.Metadata{strings.ToLower(key): {value, value}}
		s := &invoke.Status{Code: codes.Internal, Message: text, Origin: invoke.Origin(value), Details: []*anypb.Any{{TypeUrl: url, Value: detail}}}
		events := []*invoke.Event{
			{Kind: invoke.Opened, At: atTime(0), Wire: invoke.Wire{URL: value, Protocol: key, HTTP: text}, Metadata: md},
			{Kind: invoke.HeadersReceived, At: atTime(1), Metadata: md},
			{Kind: invoke.Finished, At: atTime(2), Metadata: md, Status: s},
		}
		harmless(t, "verbose", tell(t, 2, Options{}, events...))
		harmless(t, "events", printEvents(t, Options{Label: &Label{Target: text}}, events...))
		var b strings.Builder
		for _, write := range []func() error{
			func() error { return WriteStatus(&b, s, Options{}) },
			func() error { return WriteErrorJSON(&b, s, Options{}) },
			func() error { return WriteErrorText(&b, s, Options{}) },
		} {
			if err := write(); err != nil {
				t.Fatal(err)
			}
		}
		harmless(t, "status", b.String())
	})
}
