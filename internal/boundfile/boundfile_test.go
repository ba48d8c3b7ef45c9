//go:build unix

package boundfile_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/internal/boundfile"
)

func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	const limit = 1 << 20
	for _, n := range []int{0, 1, limit - 1, limit} {
		text := strings.Repeat("x", n)
		for name, read := range map[string]func(string) ([]byte, error){
			"read":  func(p string) ([]byte, error) { return boundfile.Read(t.Context(), p, limit) },
			"plain": func(p string) ([]byte, error) { return boundfile.Plain(p, limit) },
		} {
			if got, err := read(file(t, text)); err != nil || string(got) != text {
				t.Errorf("%s: %d bytes: %d, %v", name, n, len(got), err)
			}
			var over *boundfile.SizeError
			if _, err := read(file(t, strings.Repeat("x", limit+1))); !errors.As(err, &over) || !strings.HasSuffix(err.Error(), "file: more than 1 MiB") {
				t.Error(name, err)
			}
			if _, err := read(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), "is a directory, not a file") {
				t.Error(name, err)
			}
			if _, err := read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
				t.Error(name, err)
			}
		}
		path := pipe(t)
		written := make(chan error, 1)
		go func() { written <- os.WriteFile(path, []byte(text), 0) }()
		if got, err := boundfile.Read(t.Context(), path, limit); err != nil || string(got) != text {
			t.Errorf("%d bytes through a pipe: %d, %v", n, len(got), err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	}
}

// A file without an end ends at the limit.
func TestEndless(t *testing.T) {
	if _, err := boundfile.Read(t.Context(), "/dev/zero", 1<<20); err == nil || err.Error() != "/dev/zero: more than 1 MiB" {
		t.Error(err)
	}
	path := pipe(t)
	written := make(chan error, 1)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		for err == nil {
			_, err = f.Write(make([]byte, 1<<16))
		}
		written <- errors.Join(err, f.Close())
	}()
	if _, err := boundfile.Read(t.Context(), path, 1<<20); !errors.As(err, new(*boundfile.SizeError)) {
		t.Error(err)
	}
	if err := <-written; !errors.Is(err, syscall.EPIPE) { // the reader let go of it
		t.Error(err)
	}
}

func TestPlainOpensNoPipe(t *testing.T) {
	for _, path := range []string{pipe(t), "/dev/zero", "/dev/null"} {
		if _, err := boundfile.Plain(path, 1<<20); !errors.Is(err, boundfile.ErrNotPlain) {
			t.Error(path, err)
		}
		if err := boundfile.CheckPlain(path); !errors.Is(err, boundfile.ErrNotPlain) {
			t.Error(path, err)
		}
	}
	if err := boundfile.CheckPlain(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
}

// Waiting for a writer, or for the end of what was written, ends with the context, and the
// pipe is closed.
func TestCancelled(t *testing.T) {
	for name, hold := range map[string]bool{"no writer": false, "a silent writer": true} {
		t.Run(name, func(t *testing.T) {
			path := pipe(t)
			if hold {
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err := boundfile.Read(ctx, path, 1<<20)
			want := map[bool]string{false: ": a pipe that nobody wrote to", true: " did not end"}[hold]
			if !errors.Is(err, context.DeadlineExceeded) || err.Error() != path+want+" before the deadline" {
				t.Error(err)
			}
		})
	}
}

// Without a context that ends, the limits do.
func TestNobodyWrites(t *testing.T) {
	t.Parallel()
	path := pipe(t)
	begun := time.Now()
	_, err := boundfile.Read(t.Context(), path, 1<<20)
	if err == nil || err.Error() != path+": a pipe that nobody wrote to within 10s" || time.Since(begun) < boundfile.WriterLimit {
		t.Error(err, time.Since(begun))
	}
}
