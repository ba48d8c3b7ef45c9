//go:build linux

package cmd_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// bulkSchema has a method for each shape of an answer; the server answers any.
const bulkSchema = `syntax = "proto3";
package bulk;
service Bulk {
  rpc Get(Query) returns (Answer);
  rpc Watch(Query) returns (stream Answer);
}
message Query { int32 n = 1; }
message Answer {
  repeated string texts = 1;
  repeated int32 numbers = 2;
  map<string, int32> entries = 3;
  bytes data = 4;
  string text = 5;
  repeated Answer answers = 6;
}
`

// bulkSize is that of the answers, in bytes: just within the default limit.
const bulkSize = 60 << 20

// mostResident is what a process may take at the default limit, in MiB.
const mostResident = 300

// A bulk is an answer as large as the limit allows, with many parts in few bytes.
type bulk struct {
	name  string
	wire  func() []byte
	frame int  // bytes of each HTTP/2 frame; 0: as the server has it
	gzip  bool // on the wire
	args  []string
	every bool // it is run each time, not only when all are asked for
}

func repeated(b ...byte) func() []byte {
	return func() []byte { return bytes.Repeat(b, bulkSize/len(b)) }
}

// held is how large an answer is that a program may work on, in bytes.
const held = 24 << 20

// filled is a part of a bulk.
func filled(size int, b ...byte) func() []byte {
	return func() []byte { return bytes.Repeat(b, size/len(b)) }
}

// characters is one long text.
func characters(c byte, size int) func() []byte {
	return func() []byte {
		b := protowire.AppendVarint([]byte{5<<3 | 2}, uint64(size))
		return append(b, bytes.Repeat([]byte{c}, size)...)
	}
}

// packed is a list of numbers.
func packed(n int) func() []byte {
	return func() []byte {
		return append(protowire.AppendVarint([]byte{2<<3 | 2}, uint64(n)), bytes.Repeat([]byte{1}, n)...)
	}
}

// blob is one long value.
func blob(field protowire.Number, size int) func() []byte {
	return func() []byte {
		b := protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.BytesType), uint64(size))
		return append(b, make([]byte, size)...)
	}
}

// entries is a map of millions of entries.
func entries() []byte {
	var b []byte
	for i := 0; len(b) < bulkSize; i++ {
		b = append(b, 3<<3|2, 6, 1<<3|2, 4)
		b = binary.BigEndian.AppendUint32(b, uint32(i)&0x7f|uint32(i)<<1&0x7f00|uint32(i)<<2&0x7f0000|uint32(i)<<3&0x7f000000)
	}
	return b
}

// sharedSize is what calls at the same time may receive together, and a little less, in bytes.
const sharedSize = 78 << 20

// halfSize is what one of two may receive, and a little less.
const halfSize = 31 << 20

// two calls go on at the same time.
var two = []string{"--repeat", "4", "--concurrency", "2", "--keep-going"}

// sixteen calls go on at the same time, even when some fail.
var sixteen = []string{"--repeat", "32", "--concurrency", "16", "--keep-going"}

var bulks = []bulk{
	{name: "texts", wire: repeated(1<<3|2, 0)},
	{name: "numbers", wire: packed(bulkSize)},
	{name: "entries", wire: entries},
	{name: "entries in small frames", wire: entries, frame: 1025},
	{name: "answers", wire: repeated(6<<3|2, 2, 2<<3, 1)},
	{name: "changing fields", wire: repeated(1<<3|2, 0, 2<<3, 1), every: true},
	{name: "data in small frames", wire: blob(4, bulkSize), frame: 1025, every: true},
	{name: "text in small frames", wire: blob(5, bulkSize), frame: 1025},
	{name: "no schema", wire: blob(4, bulkSize), args: []string{"--kind", "unary"}, every: true},
	{name: "no schema, small values", wire: repeated(1<<3|2, 0), args: []string{"--kind", "unary"}},
	{name: "too much at once", wire: blob(4, bulkSize), gzip: true, args: sixteen, every: true},
	{name: "much at once", wire: blob(4, sharedSize/16), args: sixteen, every: true},
	{name: "much at once in small frames", wire: blob(4, sharedSize/16), frame: 1025, args: append(sixteen, "-o", "events")},
	{name: "two at once in small frames", wire: blob(4, halfSize), frame: 1025, args: two, every: true},
	{name: "two at once in small frames, as events", wire: blob(4, halfSize), frame: 1025, args: append(two, "-o", "events")},
	{name: "two at once, unpacked", wire: blob(4, halfSize), gzip: true, args: two},
	{name: "two maps at once", wire: func() []byte { return entries()[:halfSize/8*8] }, args: two},
	{name: "controls in a table", wire: characters(1, bulkSize), args: []string{"-o", "table"}, every: true},
	{name: "quotes in a table", wire: characters('"', bulkSize/2), args: []string{"-o", "table"}},
	{name: "data in a table", wire: blob(4, 48_000_000), args: []string{"-o", "table"}},
	{name: "controls awaited", wire: characters(1, bulkSize), args: []string{"--until", ".text", "--for", "1"}, every: true},
	{name: "answers for a program", wire: filled(held, 6<<3|2, 0), args: []string{"--jq", ".text"}, every: true},
	{name: "answers for a program to print", wire: filled(5<<20, 6<<3|2, 0), args: []string{"--jq", "."}},
	{name: "numbers for a program", wire: packed(held - 9), args: []string{"--jq", ".text"}},
	{name: "some numbers for a program", wire: packed(5 << 20), args: []string{"--jq", ".text"}},
	{name: "texts for a program", wire: filled(held, 1<<3|2, 1, '\t'), args: []string{"--jq", ".text"}},
	{name: "entries for a program", wire: func() []byte { return entries()[:held] }, args: []string{"--jq", ".text"}},
	{name: "answers awaited", wire: filled(held, 6<<3|2, 0), args: []string{"--until", ".text", "--for", "1"}},
	{name: "two for a program", wire: filled(held, 6<<3|2, 0), args: append(two, "--jq", ".text"), every: true},
	{name: "two with requests for a program", wire: filled(4<<20, 6<<3|2, 0), args: append(two, "--with-request", "--jq", ".index")},
	{name: "two texts for a program", wire: characters('x', held-9), args: append(two, "--with-request", "--jq", ".index")},
	{name: "no schema, groups", wire: repeated(1<<3|3, 1<<3|4), args: []string{"--kind", "unary"}},
}

// The memory that an answer takes does not depend on what it is made of.
func TestBulk(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	for _, b := range bulks {
		if !b.every && os.Getenv(bombsEnv) == "" {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			address, schema := serveBulk(t, &b)
			args := []string{"-a", address, "--plaintext", "--timeout", "60"}
			if !strings.HasPrefix(b.name, "no schema") {
				args = append(args, "--proto", schema)
			}
			peak, took, said := peakOf(t, append(append(args, "call", "bulk.Bulk/Get"), b.args...))
			t.Logf("%4d MiB of %3d, %5.1f s, %s", peak, mostResident, took.Seconds(), said)
			if peak > mostResident {
				t.Errorf("it took %d MiB, more than %d", peak, mostResident)
			}
		})
	}
}

// What a shell keeps of calls, and uses for those in the background, is bounded, however many
// there are.
func TestBulkInShell(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	for name, line := range map[string]string{
		"variables": "$v%d = bulk.Bulk/Get\n", "streams": "$v%d = bulk.Bulk/Watch\n", "jobs": "bulk.Bulk/Watch & # %d\n",
	} {
		t.Run(name, func(t *testing.T) {
			address, schema := serveBulk(t, &bulk{wire: blob(4, 15<<20)})
			script := filepath.Join(t.TempDir(), "script")
			var lines strings.Builder
			for i := range 20 {
				fmt.Fprintf(&lines, line, i)
			}
			lines.WriteString("wait\n")
			if err := os.WriteFile(script, []byte(lines.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			peak, took, said := peakOf(t, []string{"-a", address, "--plaintext", "--proto", schema, "shell", "-f", script})
			t.Logf("%4d MiB of %3d, %5.1f s, %s", peak, mostResident, took.Seconds(), said)
			if peak > mostResident {
				t.Errorf("it took %d MiB, more than %d", peak, mostResident)
			}
		})
	}
}

// serveBulk starts a server that answers all calls with a bulk, and writes its schema.
func serveBulk(t *testing.T, b *bulk) (address, schema string) {
	t.Helper()
	schema = filepath.Join(t.TempDir(), "bulk.proto")
	if err := os.WriteFile(schema, []byte(bulkSchema), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wire := b.wire()
	if b.gzip {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(wire)
		_ = w.Close()
		wire = packed.Bytes()
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: &protocols, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Dir(r.URL.Path) != "/bulk.Bulk" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		b.answer(w, r, wire)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return l.Addr().String(), schema
}

// answer answers a call over gRPC.
func (b *bulk) answer(w http.ResponseWriter, r *http.Request, wire []byte) {
	_, _ = io.Copy(io.Discard, r.Body)
	h := w.Header()
	h.Set("content-type", "application/grpc")
	head := make([]byte, 5)
	binary.BigEndian.PutUint32(head[1:], uint32(len(wire)))
	if b.gzip {
		head[0] = 1
		h.Set("grpc-encoding", "gzip")
	}
	_, _ = w.Write(head)
	for piece := range slices.Chunk(wire, cmp.Or(b.frame, len(wire))) {
		if _, err := w.Write(piece); err != nil {
			return
		}
		if b.frame > 0 {
			_ = http.NewResponseController(w).Flush()
		}
	}
	h.Set(http.TrailerPrefix+"grpc-status", "0")
}
