package transcode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// largeMap is a message with a map of n keys, of which some come again with other values.
func largeMap(field protowire.Number, key func(i int) []byte, n int) []byte {
	var wire []byte
	for i := range n + n/10 {
		entry := append(key(i%n), 2<<3)
		entry = protowire.AppendVarint(entry, uint64(i))
		wire = protowire.AppendBytes(protowire.AppendTag(wire, field, protowire.BytesType), entry)
	}
	return wire
}

// A map of very many entries prints as smaller ones do.
func TestEncodeLargeMap(t *testing.T) {
	s := mustSchema(t)
	md := s.message(t, "feat.Three")
	text := func(i int) []byte {
		return protowire.AppendString([]byte{1<<3 | 2}, fmt.Sprintf("key-%d", i))
	}
	number := func(i int) []byte { return protowire.AppendVarint([]byte{1 << 3}, uint64(i)) }
	for _, test := range []struct {
		field protoreflect.Name
		key   func(int) []byte
	}{{"m_kind", text}, {"m_int32", number}} {
		fd := md.Fields().ByName(test.field)
		if fd == nil {
			t.Fatalf("there is no field %s", test.field)
		}
		wire := largeMap(fd.Number(), test.key, manyEntries+1000)
		got, err := NewEncoder(md, EncodeOptions{}).Append(nil, wire)
		if err != nil {
			t.Fatal(err)
		}
		again, err := NewDecoder(md, DecodeOptions{}).Append(nil, got)
		if err != nil {
			t.Fatal(err)
		}
		m, want := dynamicpb.NewMessage(md), dynamicpb.NewMessage(md)
		if err := errors.Join(proto.Unmarshal(again, m), proto.Unmarshal(wire, want)); err != nil {
			t.Fatal(err)
		}
		if n := want.Get(fd).Map().Len(); n != manyEntries+1000 || !proto.Equal(m, want) {
			t.Errorf("%s: what is printed is not the map of %d entries", test.field, n)
		}
	}
}

// What the encoder allocates in addition to the message is bounded, whatever the message
// contains.
func TestEncodeLargeIsSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	s := mustSchema(t)
	md := s.message(t, "feat.Three")
	number := func(name protoreflect.Name) protowire.Number { return md.Fields().ByName(name).Number() }
	key := func(i int) []byte { return protowire.AppendVarint([]byte{1 << 3}, uint64(i)) }
	change := protowire.AppendTag(nil, number("r_string"), protowire.BytesType)
	change = protowire.AppendTag(append(change, 0), number("r_unpacked"), protowire.VarintType)
	tests := []struct {
		name    string
		wire    []byte
		most    uint64 // bytes
		problem string
	}{
		{"map", largeMap(number("m_int32"), key, 1<<20), 40 << 20, ""},
		{"changing fields", bytes.Repeat(append(change, 0), 6<<20), 320 << 20, Scattered}, // includes what was outgrown
	}
	for _, test := range tests {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := NewEncoder(md, EncodeOptions{}).Write(io.Discard, test.wire)
		runtime.ReadMemStats(&after)
		problem := ""
		if fault := (*WireError)(nil); errors.As(err, &fault) {
			problem = fault.Problem
		}
		if n := after.TotalAlloc - before.TotalAlloc; problem != test.problem || n > test.most {
			t.Errorf("%s: it ended in %v and took %d bytes, want %q and at most %d", test.name, err, n, test.problem, test.most)
		}
	}
}

// JSON that is held in memory is refused before it takes more than it may, and otherwise takes
// its own size.
func TestAppendTakesItsSize(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	md := mustSchema(t).message(t, "feat.Three")
	fd := md.Fields().ByName("r_string")
	text := func(c byte, n int) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, fd.Number(), protowire.BytesType), bytes.Repeat([]byte{c}, n))
	}
	const most = 16 << 20
	for name, test := range map[string]struct {
		wire    []byte
		problem string
	}{
		"too long": {text(1, most/6), TooLong}, "far too long": {text(1, most), TooLong},
		"just short enough": {text(1, most/6-10), ""}, "plain": {text('x', most-100), ""},
		"many": {bytes.Repeat(text(1, 8), most/60), ""},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := NewEncoder(md, EncodeOptions{MaxSize: most}).Append(nil, test.wire)
		runtime.ReadMemStats(&after)
		problem := ""
		if fault := (*WireError)(nil); errors.As(err, &fault) {
			problem = fault.Problem
		}
		if n := after.TotalAlloc - before.TotalAlloc; problem != test.problem || n > most+2<<20 {
			t.Errorf("%s: it ended in %v and took %d bytes, want %q", name, err, n, test.problem)
		}
	}
}

// Messages of very many elements end with the context, whatever they are made of.
func TestEncodeEndsWithContext(t *testing.T) {
	s := mustSchema(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	const many = 100_000
	md := s.message(t, "feat.Three")
	number := func(name protoreflect.Name) protowire.Number { return md.Fields().ByName(name).Number() }
	key := func(i int) []byte { return protowire.AppendVarint([]byte{1 << 3}, uint64(i)) }
	text := append(protowire.AppendTag(nil, number("r_string"), protowire.BytesType), 0)
	tests := map[string]struct {
		md   protoreflect.FullName
		wire []byte
	}{
		"list":      {"feat.Three", bytes.Repeat(text, many)},
		"numbers":   {"feat.Three", protowire.AppendBytes(protowire.AppendTag(nil, number("r_unpacked"), protowire.BytesType), make([]byte, many))},
		"map":       {"feat.Three", largeMap(number("m_int32"), key, many)},
		"large map": {"feat.Three", largeMap(number("m_int32"), key, manyEntries+many)},
		"paths":     {"google.protobuf.FieldMask", bytes.Repeat([]byte{1<<3 | 2, 1, 'a'}, many)},
	}
	for name, test := range tests {
		e := NewEncoder(s.message(t, test.md), EncodeOptions{MaxSize: 1 << 30})
		before := []byte("before")
		if out, err := e.AppendContext(ended, before, test.wire); err != context.Canceled || string(out) != "before" {
			t.Errorf("%s: %d bytes, %v", name, len(out), err)
		}
		if _, err := e.AppendContext(t.Context(), nil, test.wire); err != nil {
			t.Errorf("%s, later: %v", name, err)
		}
	}
}
