package transcode

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// checkDecoding holds the strict decoder to protojson, and the lenient one to the strict.
func checkDecoding(t testing.TB, s *schema, md protoreflect.MessageDescriptor, allowUnknown bool, text []byte) {
	t.Helper()
	want := dynamicpb.NewMessage(md)
	wantErr := protojson.UnmarshalOptions{AllowPartial: true, DiscardUnknown: allowUnknown, Resolver: s.types}.Unmarshal(text, want)
	o := DecodeOptions{Types: s.types, AllowUnknown: allowUnknown}
	wire, err := NewDecoder(md, o).Append([]byte("before"), text)
	o.Lenient = true
	loose, looseErr := NewDecoder(md, o).Append([]byte("before"), text)
	checkFaults(t, text, err)
	checkFaults(t, text, looseErr)
	if err == nil && looseErr != nil {
		t.Fatalf("strict takes %q, lenient says %v", text, looseErr)
	}
	// With unknown names allowed, a lenient decoder knows some that a strict one drops.
	if err == nil && !allowUnknown && !bytes.Equal(wire, loose) {
		t.Fatalf("strict makes %x of %q, lenient %x", wire, text, loose)
	}
	if (err == nil) != (wantErr == nil) {
		if wantErr == nil && emptyExponent(text) {
			return
		}
		t.Fatalf("%q: got error %v, protojson says %v", text, err, wantErr)
	}
	if err != nil {
		if string(wire) != "before" {
			t.Fatalf("an error left %q behind", wire)
		}
		return
	}
	got := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: s.types}).Unmarshal(wire[len("before"):], got); err != nil {
		t.Fatalf("%q became %x: %v", text, wire[len("before"):], err)
	}
	if proto.Equal(want, got) {
		return
	}
	// The bytes inside an Any may be in another order, and NaN equals nothing.
	a, errA := protojson.MarshalOptions{AllowPartial: true, Resolver: s.types}.Marshal(want)
	b, errB := protojson.MarshalOptions{AllowPartial: true, Resolver: s.types}.Marshal(got)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if diff := cmp.Diff(canonical(t, a), canonical(t, b)); diff != "" {
		t.Fatalf("%q differs (-protojson +ours):\n%s", text, diff)
	}
}

// emptyExponent reports whether text has a number that ends in an e, or in one and a
// sign, which protojson takes.
func emptyExponent(text []byte) bool {
	digit := func(i int) bool { return i < len(text) && text[i] >= '0' && text[i] <= '9' }
	for i := 1; i < len(text); i++ {
		if (text[i] != 'e' && text[i] != 'E') || !digit(i-1) {
			continue
		}
		if i+1 < len(text) && (text[i+1] == '-' || text[i+1] == '+') {
			i++
		}
		if !digit(i + 1) {
			return true
		}
	}
	return false
}

// checkFaults checks what every error promises.
func checkFaults(t testing.TB, text []byte, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error", err)
	}
	if len(e.Faults) == 0 || len(e.Faults) > maxFaults {
		t.Fatalf("%d faults", len(e.Faults))
	}
	last := -1
	for _, f := range e.Faults {
		if f.Offset < last || f.Offset < 0 || f.Length < 0 || f.Offset+f.Length > len(text) {
			t.Fatalf("%q: a fault at %d of %d bytes, after one at %d", text, f.Offset, f.Length, last)
		}
		if f.Line < 1 || f.Column < 1 || f.Problem == "" || strings.ContainsFunc(f.Problem, func(r rune) bool { return r < ' ' || r == 0x7f || isHidden(r) }) {
			t.Fatalf("%q: bad fault %+v", text, f)
		}
		last = f.Offset
	}
}

func TestDecodeRandom(t *testing.T) {
	s := mustSchema(t)
	rounds := 600
	if testing.Short() || raceEnabled {
		rounds = 60
	}
	for _, name := range []protoreflect.FullName{"feat.Three", "feat.Two", "feat.Edition"} {
		md := s.message(t, name)
		for i := range rounds {
			r := rand.New(rand.NewPCG(uint64(i), 2))
			data := make([]byte, 40+r.IntN(600))
			for j := range data {
				data[j] = byte(r.Uint32())
			}
			c := &choices{data: data, fieldsLeft: 40}
			o := EncodeOptions{EmitDefaults: i&1 != 0, ProtoNames: i&2 != 0, EnumNumbers: i&4 != 0}
			if i&8 != 0 {
				o.Indent = "\t"
			}
			text, err := protobufGo(md, s.types, o, c.wire(md, s.types, 0))
			if err != nil {
				continue
			}
			checkDecoding(t, s, md, i&16 != 0, text)
			// This is text that is nearly JSON.
			for range 4 {
				checkDecoding(t, s, md, i&16 != 0, mutate(r, text))
			}
		}
	}
}

// mutate changes a few places of text.
func mutate(r *rand.Rand, text []byte) []byte {
	text = bytes.Clone(text)
	pieces := []string{
		"", "null", "1", "-1", "1e2", "1.5", "1e", `"x"`, "{", "}", "[", "]", ",", ":", `"`, "\\", "true", " ",
		"\x80", `\ud800`, `\u0041`, "//", "/*", "'", "NaN", "0x1", `"@type"`, "[feat.ext_number]", "0", "9999999999", `"1"`,
	}
	for range 1 + r.IntN(2) {
		if len(text) == 0 {
			break
		}
		i := r.IntN(len(text))
		j := min(len(text), i+r.IntN(6))
		text = append(text[:i:i], append([]byte(pieces[r.IntN(len(pieces))]), text[j:]...)...)
	}
	return text
}
