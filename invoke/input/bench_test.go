package input

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
)

// BenchmarkNDJSON reads a stream of messages of about 100 bytes from an input. The time is
// that of one message.
func BenchmarkNDJSON(b *testing.B) {
	s := loadSchema(b)
	for _, bench := range []struct {
		name  string
		words []string
	}{{"plain", nil}, {"with a word", []string{"n=7"}}} {
		b.Run(bench.name, func(b *testing.B) {
			var in bytes.Buffer
			for i := range b.N {
				fmt.Fprintf(&in, `{"id":"order-%d","n":5,"gift":true,"kind":"KIND_TOY","shipTo":{"city":"Oslo","zipCode":"0150"},"tags":["a","b"]}`+"\n", i)
			}
			b.SetBytes(int64(in.Len() / b.N))
			o := s.options()
			o.Streams, o.Stdin = true, &in
			src, err := New(parts(append([]string{"-"}, bench.words...)...), o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			n := 0
			for ; ; n++ {
				_, err := src.Next(context.Background())
				if err == io.EOF {
					break
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			if n != b.N {
				b.Fatalf("%d messages, want %d", n, b.N)
			}
		})
	}
}

// BenchmarkOneDocument makes the request of a unary call.
func BenchmarkOneDocument(b *testing.B) {
	s := loadSchema(b)
	for _, bench := range []struct {
		name  string
		parts []Part
	}{
		{"a document", parts(`{"id":"x","n":5,"shipTo":{"city":"Oslo"}}`)},
		{"words", parts("id=x", "n=5", "ship_to.city=Oslo")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				src, err := New(bench.parts, s.options())
				if err != nil {
					b.Fatal(err)
				}
				if _, err := src.Next(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
