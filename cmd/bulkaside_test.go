//go:build linux

package cmd_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The memory that the details of an error take does not depend on what they are made of.
func TestBulkDetails(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	dir := t.TempDir()
	schema := filepath.Join(dir, "bulk.proto")
	if err := os.WriteFile(schema, []byte(bulkSchema), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("content-type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":"internal","details":[{"type":"google.rpc.BadRequest","value":"`)
		violations := strings.Repeat("CgAKAAoA", 1<<17) // 6 bytes each: 3 that are empty
		for range 40_000_000 / (6 << 17) {
			_, _ = io.WriteString(w, violations)
		}
		_, _ = io.WriteString(w, `"}]}`)
	}))
	t.Cleanup(server.Close)
	for _, as := range [][]string{{"-o", "events"}, {"--format-error"}} {
		t.Run(as[len(as)-1], func(t *testing.T) {
			args := append([]string{"-a", server.URL, "--protocol", "connect", "--proto", schema, "--timeout", "60", "call", "bulk.Bulk/Get"}, as...)
			peak, took, said := peakOf(t, args)
			t.Logf("%4d MiB of %3d, %5.1f s, %s", peak, mostResident, took.Seconds(), said)
			if peak > mostResident {
				t.Errorf("it took %d MiB, more than %d", peak, mostResident)
			}
		})
	}
}

// The memory and the time that a prototext file takes do not depend on what it is made of.
func TestBulkText(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	dir := t.TempDir()
	schema, file := filepath.Join(dir, "bulk.proto"), filepath.Join(dir, "request.textproto")
	if err := os.WriteFile(schema, []byte(bulkSchema), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"messages": strings.Repeat("answers{}", 8_000_000/3), "some messages": strings.Repeat("answers{text:''}", 200_000),
		"numbers": strings.Repeat("numbers:0 ", 1_900_000), "a text in parts": "text:" + strings.Repeat("''", 15_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"--proto", schema, "convert", "bulk.Answer", "@" + file, "--in", "text", "-o", "raw", "--output-file", os.DevNull}
			peak, took, said := peakOf(t, args)
			t.Logf("%4d MiB of %3d, %5.1f s, %s", peak, mostResident, took.Seconds(), said)
			if peak > mostResident {
				t.Errorf("it took %d MiB, more than %d", peak, mostResident)
			}
		})
	}
}
