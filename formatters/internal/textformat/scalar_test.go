package textformat

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
)

// A long value that the schema does not know is written in pieces, too.
func TestUnknownInPieces(t *testing.T) {
	value := bytes.Repeat([]byte("\x00"), 40*batch.FlushSize)
	for _, typ := range []protowire.Type{protowire.BytesType, protowire.StartGroupType} {
		raw := protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), value)
		if typ == protowire.StartGroupType {
			raw = protowire.AppendGroup(protowire.AppendTag(nil, 7, typ), 7, raw)
		}
		longest, written := 0, 0
		p := &printer{o: &Options{Spill: func(b []byte) []byte {
			longest, written = max(longest, len(b)), written+len(b)
			return b[:0]
		}}}
		p.unknown(raw, 0)
		if longest += len(p.b); longest > 16*batch.FlushSize || written+len(p.b) < 4*len(value) {
			t.Errorf("%d bytes were held at once, of %d", longest, written)
		}
	}
}

// A long value is written in pieces, as it is written whole.
func TestPieces(t *testing.T) {
	for _, s := range []string{"", "a", strings.Repeat("ä", 3*batch.FlushSize), strings.Repeat("x\"", batch.FlushSize) + "\xff", strings.Repeat("\x80", 2*batch.FlushSize+1)} {
		var written []byte
		p := &printer{o: &Options{Spill: func(b []byte) []byte { written = append(written, b...); return b[:0] }}}
		p.b = append(p.b, "name: "...)
		appendPieces(p, s, appendString)
		if got, want := string(append(written, p.b...)), string(appendString([]byte("name: "), s)); got != want {
			t.Errorf("%d bytes: %d bytes in pieces, %d whole", len(s), len(got), len(want))
		}
		written, p.b = nil, nil
		appendPieces(p, []byte(s), appendBytes)
		if got, want := string(append(written, p.b...)), string(appendBytes(nil, []byte(s))); got != want {
			t.Errorf("%d bytes as bytes: %d bytes in pieces, %d whole", len(s), len(got), len(want))
		}
	}
}
