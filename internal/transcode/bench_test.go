//go:build unix

package transcode

import (
	"fmt"
	"syscall"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// cpuTime adds the CPU time of an operation to what a benchmark reports, with the
// collector's: on a busy machine wall time says little.
func cpuTime(b *testing.B) func() {
	now := func() float64 {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return float64(r.Utime.Nano() + r.Stime.Nano())
	}
	start := now()
	return func() { b.ReportMetric((now()-start)/float64(b.N), "cpu-ns/op") }
}

func BenchmarkEncode(b *testing.B) {
	s := mustSchema(b)
	md := s.message(b, "bench.Order")
	wire := orderWire(b, md, 7)
	for _, indent := range []string{"", "  "} {
		b.Run(fmt.Sprintf("direct/indent=%d", len(indent)), func(b *testing.B) {
			e := NewEncoder(md, EncodeOptions{Types: s.types, Indent: indent})
			var out []byte
			var err error
			b.SetBytes(int64(len(wire)))
			b.ReportAllocs()
			defer cpuTime(b)()
			for b.Loop() {
				if out, err = e.Append(out[:0], wire); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("protobuf-go", func(b *testing.B) {
		b.SetBytes(int64(len(wire)))
		b.ReportAllocs()
		defer cpuTime(b)()
		for b.Loop() {
			if _, err := protobufGo(md, s.types, EncodeOptions{}, wire); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	s := mustSchema(b)
	md := s.message(b, "bench.Order")
	text := []byte(order(7))
	for _, lenient := range []bool{false, true} {
		b.Run(fmt.Sprintf("direct/lenient=%v", lenient), func(b *testing.B) {
			d := NewDecoder(md, DecodeOptions{Types: s.types, Lenient: lenient})
			var out []byte
			var err error
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			defer cpuTime(b)()
			for b.Loop() {
				if out, err = d.Append(out[:0], text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("protobuf-go", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		defer cpuTime(b)()
		for b.Loop() {
			m := dynamicpb.NewMessage(md)
			if err := protojson.Unmarshal(text, m); err != nil {
				b.Fatal(err)
			}
			if _, err := proto.Marshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkGenerated is a message that protobuf-go has generated code for, which dynamic
// messages cannot have.
func BenchmarkGenerated(b *testing.B) {
	fd, err := mustSchema(b).files.FindFileByPath("bench.proto")
	if err != nil {
		b.Fatal(err)
	}
	m := protodesc.ToFileDescriptorProto(fd)
	wire, err := proto.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("direct", func(b *testing.B) {
		e := NewEncoder(m.ProtoReflect().Descriptor(), EncodeOptions{})
		var out []byte
		b.SetBytes(int64(len(wire)))
		b.ReportAllocs()
		defer cpuTime(b)()
		for b.Loop() {
			if out, err = e.Append(out[:0], wire); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("protobuf-go", func(b *testing.B) {
		b.SetBytes(int64(len(wire)))
		b.ReportAllocs()
		defer cpuTime(b)()
		for b.Loop() {
			m := new(descriptorpb.FileDescriptorProto)
			if err := proto.Unmarshal(wire, m); err != nil {
				b.Fatal(err)
			}
			if _, err := protojson.Marshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPlan is what a schema costs with its first message.
func BenchmarkPlan(b *testing.B) {
	s := mustSchema(b)
	md := s.message(b, "bench.Order")
	wire := orderWire(b, md, 7)
	b.ReportAllocs()
	defer cpuTime(b)()
	for b.Loop() {
		if _, err := NewEncoder(md, EncodeOptions{Types: s.types}).Append(nil, wire); err != nil {
			b.Fatal(err)
		}
	}
}
