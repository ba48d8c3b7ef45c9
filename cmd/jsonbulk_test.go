//go:build linux

package cmd_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// jsonBulkSchema has a field for each shape of JSON that has much in little.
const jsonBulkSchema = `syntax = "proto3";
package bulk;
import "google/protobuf/any.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
service Bulk {
  rpc Get(Answer) returns (Answer);
}
message Answer {
  google.protobuf.FieldMask mask = 1;
  map<string, string> texts = 2;
  map<int32, Answer> answers = 3;
  google.protobuf.Struct values = 4;
  google.protobuf.Any any = 5;
  repeated Answer list = 6;
}
`

// keyed is an object of n entries with the value after each key, a number in some base, and with
// white space up to a size.
func keyed(field string, n, base int, value string, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"%s":{`, field)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(strconv.FormatInt(int64(i), base))
		b.WriteString(`":`)
		b.WriteString(value)
	}
	b.WriteString("}")
	if n := size - b.Len(); n > 0 {
		b.WriteString(strings.Repeat(" ", n))
	}
	return b.String() + "}"
}

// mask is a FieldMask of n paths.
func mask(n int) string { return `{"mask":"` + strings.Repeat("a,", n) + `a"}` }

// nested is a message of n others in as many nested Any messages, each of which has its type
// last: everything inside is read before.
func nested(n, levels int) string {
	return `{` + strings.Repeat(`"any":{`, levels) + `"list":[{}` + strings.Repeat(",{}", n) + `]` +
		strings.Repeat(`,"@type":"type.googleapis.com/bulk.Answer"}`, levels) + `}`
}

// JSON with many parts in few bytes takes no more memory than its bytes may, and no more time
// than the call has.
func TestBulkJSON(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	tooMuch := "exit 72 rpcctl: RESOURCE_EXHAUSTED (8): the server sent JSON that is a message beyond the limit"
	for _, c := range []struct {
		name    string
		json    func() string
		timeout string
		want    string
		every   bool
	}{
		{"paths", func() string { return mask(30_000_000) }, "60", tooMuch, true},
		{"fewer paths", func() string { return mask(21_000_000) }, "60", "exit 0 ", false},
		{"a long path", func() string { return `{"mask":"` + strings.Repeat("A", 33_000_000) + `"}` }, "60", "exit 0 ", false},
		{"texts", func() string { return keyed("texts", 4_000_000, 16, `""`, 0) }, "60", tooMuch, true},
		{"fewer texts", func() string { return keyed("texts", 2_300_000, 16, `""`, bulkSize) }, "60", "exit 0 ", true},
		{"messages", func() string { return keyed("answers", 4_000_000, 10, "{}", 0) }, "60", tooMuch, false},
		{"fewer messages", func() string { return keyed("answers", 2_500_000, 10, "{}", bulkSize) }, "60", "exit 0 ", false},
		{"values", func() string { return keyed("values", 4_000_000, 16, "1", 0) }, "60", tooMuch, false},
		{"fewer values", func() string { return keyed("values", 1_600_000, 16, "1", bulkSize) }, "60", "exit 0 ", false},
		{"a deadline", func() string { return nested(16_000_000, 15) }, "1", "exit 68 rpcctl: DEADLINE_EXCEEDED (4)", true},
	} {
		if !c.every && os.Getenv(bombsEnv) == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			address, schema := serveJSON(t, c.json())
			peak, took, said := peakOf(t, []string{
				"-a", address, "--proto", schema, "--protocol", "connect", "--http", "1.1", "--codec", "json", "--timeout", c.timeout,
				"call", "bulk.Bulk/Get", "-o", "raw", "--output-file", os.DevNull,
			})
			t.Logf("%4d MiB of %3d, %5.1f s, %s", peak, mostResident, took.Seconds(), said)
			if peak > mostResident {
				t.Errorf("it took %d MiB, more than %d", peak, mostResident)
			}
			if !strings.HasPrefix(said, c.want) {
				t.Errorf("it ended with %q, want %q", said, c.want)
			}
			if limit, err := time.ParseDuration(c.timeout + "s"); err != nil || took > limit+bombSlack/2 {
				t.Errorf("it took %s, and the call had %s", took, limit)
			}
		})
	}
}

// serveJSON starts a server of Connect over HTTP/1.1 that answers with JSON in gzip, and writes
// its schema.
func serveJSON(t *testing.T, text string) (address, schema string) {
	t.Helper()
	schema = filepath.Join(t.TempDir(), "bulk.proto")
	if err := os.WriteFile(schema, []byte(jsonBulkSchema), 0o600); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	t.Cleanup(server.Close)
	return server.URL, schema
}
