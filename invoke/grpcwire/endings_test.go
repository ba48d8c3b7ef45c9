package grpcwire

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
)

// answer is what a server sends in two calls: the second, whose block is in two frames, refers
// by number to fields in the table of the first.
func answer(t testing.TB) []byte {
	var wire, block bytes.Buffer
	framer := http2.NewFramer(&wire, nil)
	encoder := hpack.NewEncoder(&block)
	fieldsOf := func(fields ...string) []byte {
		block.Reset()
		for i := 0; i < len(fields); i += 2 {
			if err := encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
				t.Fatal(err)
			}
		}
		return bytes.Clone(block.Bytes())
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(framer.WriteSettings())
	must(framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fieldsOf(":status", "200"), EndHeaders: true}))
	must(framer.WriteData(1, false, make([]byte, 300)))
	must(framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: fieldsOf("grpc-status", "5", "grpc-message", "no%20such"), EndHeaders: true, EndStream: true, PadLength: 7,
	}))
	rest := fieldsOf(":status", "200", "grpc-status", "5", "x-a", "1", "x-a", "2")
	must(framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: rest[:2], EndStream: true}))
	must(framer.WriteContinuation(3, true, rest[2:]))
	must(framer.WriteGoAway(3, http2.ErrCodeInternal, []byte("so long")))
	return wire.Bytes()
}

func TestEndingsInPieces(t *testing.T) {
	wire := answer(t)
	for _, size := range []int{1, 2, 7, 100, len(wire)} {
		var kept endings
		w := frameWatch{to: &kept}
		for rest := wire; len(rest) > 0; {
			n := min(size, len(rest))
			w.see(rest[:n])
			rest = rest[n:]
		}
		if w.blind || len(kept.kept) != 2 {
			t.Fatalf("pieces of %d: blind %v, %d endings", size, w.blind, len(kept.kept))
		}
		second := kept.take(2, map[string][]string{"x-a": {"1", "2"}})
		if second == nil || second.status != "5" {
			t.Errorf("pieces of %d: second ending: %+v", size, second)
		}
		first := kept.take(kept.kept[0].length, nil)
		if first == nil || !first.says(&invoke.Status{Code: codes.NotFound, Message: "no such"}) || first.says(&invoke.Status{Code: codes.NotFound}) {
			t.Errorf("pieces of %d: first ending: %+v", size, first)
		}
		if kept.take(2, nil) != nil {
			t.Errorf("pieces of %d: an ending was taken twice", size)
		}
		if last := kept.lastWords(); last == nil || last.Error() != "the server gave up the connection: INTERNAL_ERROR: so long" {
			t.Errorf("pieces of %d: last words: %v", size, last)
		}
	}
}

// Whatever a server sends, in whatever pieces, is processed without harm.
func FuzzFrameWatch(f *testing.F) {
	f.Add(answer(f), uint8(9))
	f.Add([]byte("\x00\x00\x00\x01\x0c\x00\x00\x00\x01"), uint8(1))
	f.Fuzz(func(t *testing.T, wire []byte, size uint8) {
		var whole, pieces endings
		a, b := frameWatch{to: &whole}, frameWatch{to: &pieces}
		a.see(wire)
		for rest := wire; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			b.see(rest[:n])
			rest = rest[n:]
		}
		if a.blind != b.blind || len(whole.kept) != len(pieces.kept) || whole.goAway != pieces.goAway {
			t.Errorf("whole: %v %d, in pieces: %v %d", a.blind, len(whole.kept), b.blind, len(pieces.kept))
		}
	})
}
