package input

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLive writes to a pipe and gets each message before anything else is written.
func TestLive(t *testing.T) {
	s := loadSchema(t)
	tests := []struct {
		name   string
		format Format
		writes []string // each completes the message of its number
	}{
		{"one line each", FormatJSON, []string{"{\"id\":\"0\"}\n", "{\"id\":\"1\"}\n", "{\"id\":\"2\"}\n"}},
		{"no white space at all", FormatJSON, []string{`{"id":"0"}`, `{"id":"1"}`, `{"id":"2"}`}},
		{"a break within a document", FormatJSON, []string{`{"id":"0"}{"i`, `d":"1"} {"id"`, `:"2"}`}},
		{"yaml", FormatYAML, []string{"id: \"0\"\n---\nid", ": \"1\"\n---\n{id: ", "'2'}\n...\n"}},
		{"text", FormatText, []string{"id:'0'\x1e", "id:'1'\x1e", "id:'2'\x1e"}},
		{"raw", FormatRaw, []string{"\x03\x0a\x010\x03", "\x0a\x011\x03\x0a", "\x012"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			o := s.options()
			o.Streams, o.Format, o.Stdin = true, tt.format, r
			src, err := New(parts("-"), o)
			if err != nil {
				t.Fatal(err)
			}
			for i, text := range tt.writes {
				if _, err := io.WriteString(w, text); err != nil {
					t.Fatal(err)
				}
				wire, err := src.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got, want := s.show(t, wire), fmt.Sprintf(`{"id":"%d"}`, i); got != want {
					t.Errorf("message %d: got %s, want %s", i, got, want)
				}
			}
			w.Close()
			if _, err := src.Next(t.Context()); err != io.EOF {
				t.Errorf("after the end: got %v, want io.EOF", err)
			}
		})
	}
}

// TestNextObeysContext ends a Next that waits for input, and goes on where it was.
func TestNextObeysContext(t *testing.T) {
	s := loadSchema(t)
	for _, streams := range []bool{true, false} {
		t.Run(fmt.Sprintf("streams=%t", streams), func(t *testing.T) {
			r, w := io.Pipe()
			o := s.options()
			o.Streams, o.Stdin = streams, r
			src, err := New(parts("n=1", "-", "gift=true"), o)
			if err != nil {
				t.Fatal(err)
			}
			if streams {
				if _, err := src.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() {
				_, err := src.Next(ctx)
				ended <- err
			}()
			if _, err := io.WriteString(w, `{"id":`); err != nil { // Next has read it
				t.Fatal(err)
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Fatalf("a canceled Next: got %v", err)
			}
			go func() {
				_, _ = io.WriteString(w, `"x"}`)
				w.Close()
			}()
			got, err := s.all(t, src)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{`{"id":"x","n":1,"gift":true}`}
			if streams {
				want = []string{`{"id":"x","gift":true}`}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNothingLeaks abandons a Source whose read blocks, and ends the read.
func TestNothingLeaks(t *testing.T) {
	s := loadSchema(t)
	before := runtime.NumGoroutine()
	r, w := io.Pipe()
	o := s.options()
	o.Streams, o.Stdin = true, r
	src, err := New(parts("-"), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := src.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	src.Close()
	if _, err := io.WriteString(w, "x"); err != nil { // the read ends, and its goroutine with it
		t.Fatal(err)
	}
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}

// repeating repeats a text for ever, and counts how much was read.
type repeating struct {
	text string
	n    int
}

func (e *repeating) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.text[(e.n+n)%len(e.text):])
	}
	e.n += n
	return n, nil
}

func TestMemoryIsBounded(t *testing.T) {
	s := loadSchema(t)
	const most = 1 << 20
	tests := []struct {
		name    string
		text    string
		format  Format
		problem string
	}{
		{"a string", `{"id":"` + strings.Repeat("x", 1<<22), FormatJSON, "a message of more than 1 MiB is too long"},
		{"brackets", "[", FormatJSON, "a message of more than 1 MiB is too long"},
		{"a comment", "/* ", FormatJSON, "a message of more than 1 MiB is too long"},
		{"a word", "x", FormatJSON, "a message of more than 1 MiB is too long"},
		{"zeros", "\x00", FormatJSON, "this looks like UTF-16 text; it must be UTF-8"},
		{"yaml", "a: b\n", FormatYAML, "a message of more than 1 MiB is too long"},
		{"text", "a: 1\n", FormatText, "a message of more than 1 MiB is too long"},
		{"a length", "\xff\xff\xff\x7f", FormatRaw, "a message of more than 1 MiB is too long"},
		{"no length", "\xff", FormatRaw, `no length of a message, which is a varint: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &repeating{text: tt.text}
			o := s.options()
			o.Streams, o.Format, o.Stdin, o.MaxSize = true, tt.format, in, most
			src, err := New(parts("-"), o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = src.Next(t.Context())
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v; want an *Error", err)
			}
			if got := e.Faults[0].Problem; got != tt.problem {
				t.Errorf("got %q, want %q", got, tt.problem)
			}
			if limit := 4 * most; in.n > limit {
				t.Errorf("read %d bytes, want at most %d", in.n, limit)
			}
		})
	}
}

func TestWhiteSpaceForEverIsNotKept(t *testing.T) {
	s := loadSchema(t)
	o := s.options()
	o.Streams, o.MaxSize = true, 1<<10
	// Wherever the last chunk ends, within a comment or not.
	for extra := range int64(13) {
		o.Stdin = io.MultiReader(io.LimitReader(&repeating{text: " \n// nothing\n"}, 13*20_000+extra), strings.NewReader("\n"+`{"id":"x"}`))
		got, err := s.run(t, parts("-"), o)
		if extra == 3 { // one slash
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{`{"id":"x"}`}, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	}
}

// TestReadErrors gives what came before the error of an input.
func TestReadErrors(t *testing.T) {
	s := loadSchema(t)
	broken := errors.New("the cable is cut")
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, `{"id":"x"}{"id":`)
		_ = w.CloseWithError(broken)
	}()
	o := s.options()
	o.Streams, o.Stdin = true, r
	got, err := s.run(t, parts("-"), o)
	if diff := cmp.Diff([]string{`{"id":"x"}`}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if !errors.Is(err, broken) || err.Error() != "stdin: the cable is cut" {
		t.Errorf("got %v", err)
	}
}

// TestSlowYAML leaves a document that takes seconds, and gets it later all the same.
func TestSlowYAML(t *testing.T) {
	s := loadSchema(t)
	var text strings.Builder
	text.WriteString("id: x\nlabels:\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "  k%d: v\n", i)
	}
	o := s.options()
	o.Format, o.Stdin = FormatYAML, &endsWith{strings.NewReader(text.String()), make(chan struct{})}
	src, err := New(parts("-"), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-o.Stdin.(*endsWith).ended
		cancel()
	}()
	wire, err := src.Next(ctx)
	if errors.Is(err, context.Canceled) { // unless this machine is quicker than the goroutine above
		wire, err = src.Next(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := s.show(t, wire); !strings.HasPrefix(got, `{"id":"x","labels":{"k0":"v"`) {
		t.Errorf("got %.60s", got)
	}
}

// endsWith closes ended at the end of a reader.
type endsWith struct {
	io.Reader
	ended chan struct{}
}

func (e *endsWith) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err == io.EOF {
		close(e.ended)
	}
	return n, err
}
