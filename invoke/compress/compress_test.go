package compress_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/invoke/compress"
)

func TestRoundTrips(t *testing.T) {
	messages := [][]byte{{}, []byte("a"), []byte(strings.Repeat("the same again, ", 10_000)), bytes.Repeat([]byte{0}, 1<<20)}
	var names []string
	for _, c := range compress.Codings() {
		names = append(names, c.Name())
		t.Run(c.Name(), func(t *testing.T) {
			for range 3 { // what was used before is reused
				for _, m := range messages {
					if got := expand(t, c, shrink(t, c, m)); !bytes.Equal(got, m) {
						t.Fatalf("%d bytes came back as %d others", len(m), len(got))
					}
				}
			}
		})
	}
	if !slices.Equal(names, compress.Names()) {
		t.Errorf("codings %v, names %v", names, compress.Names())
	}
}

// What is not compressed data is an error, and leaves the coding fit for use.
func TestGarbage(t *testing.T) {
	for _, c := range compress.Codings() {
		t.Run(c.Name(), func(t *testing.T) {
			whole := shrink(t, c, []byte(strings.Repeat("content ", 100)))
			for name, bad := range map[string][]byte{
				"text": []byte("this is not compressed at all, whatever the header says"), "cut": whole[:len(whole)/2],
			} {
				r, err := c.Decompress(bytes.NewReader(bad))
				if err == nil {
					_, err = io.Copy(io.Discard, r)
					_ = r.Close()
				}
				if err == nil {
					t.Errorf("%s: no error", name)
				}
				if got := expand(t, c, whole); len(got) != 800 {
					t.Errorf("after %s: %d bytes, want 800", name, len(got))
				}
			}
		})
	}
}

func TestKnown(t *testing.T) {
	for name, want := range map[string]bool{"gzip": true, "snappy": true, "identity": false, "GZIP": false, "": false} {
		if compress.Known(name) != want {
			t.Errorf("Known(%q) is %v", name, !want)
		}
	}
}

func shrink(t *testing.T, c *compress.Coding, m []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.Compress(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(m); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func expand(t *testing.T, c *compress.Coding, b []byte) []byte {
	t.Helper()
	r, err := c.Decompress(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	m, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}
