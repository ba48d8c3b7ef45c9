package batch

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// start is when the first message of a test comes.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// writes remembers each write.
type writes struct {
	mu    sync.Mutex
	each  []string
	times []time.Duration
	start time.Time
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.each = append(w.each, string(p))
	w.times = append(w.times, time.Since(w.start))
	return len(p), nil
}

func put(t *testing.T, w *Writer, s string, at time.Time) {
	t.Helper()
	if err := tryPut(w, s, at); err != nil {
		t.Fatal(err)
	}
}

func tryPut(w *Writer, s string, at time.Time) error {
	b, err := w.Begin()
	if err != nil {
		return err
	}
	return w.End(append(b, s...), at)
}

func TestWriterFlushes(t *testing.T) {
	const ms, us = time.Millisecond, time.Microsecond
	tests := []struct {
		name     string
		live     bool
		received []time.Duration // when messages come
		flush    time.Duration
		want     []string
		times    []time.Duration
	}{
		{"one", false, []time.Duration{0}, ms, []string{"0"}, []time.Duration{0}},
		{"pauses", false, []time.Duration{0, 3 * ms, 6 * ms}, 7 * ms, []string{"0", "1", "2"}, []time.Duration{0, 3 * ms, 6 * ms}},
		{"burst", false, []time.Duration{0, 0, 0, ms}, 9 * ms, []string{"0", "123"}, []time.Duration{0, 2 * ms}},
		{"burst then end", false, []time.Duration{0, 0, 0}, ms, []string{"0", "12"}, []time.Duration{0, ms}},
		{"steady", false, []time.Duration{0, 1500 * us, 2600 * us, 3200 * us}, 9 * ms, []string{"0", "12", "3"}, []time.Duration{0, 2600 * us, 3500 * us}},
		{"live", true, []time.Duration{0, 0, 0}, ms, []string{"0", "1", "2"}, []time.Duration{0, 0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				sink := &writes{start: begin}
				w := New(sink, test.live)
				for i, at := range test.received {
					time.Sleep(time.Until(begin.Add(at)))
					put(t, w, string(rune('0'+i)), time.Now())
				}
				time.Sleep(time.Until(begin.Add(test.flush)))
				if err := w.Flush(); err != nil {
					t.Error(err)
				}
				if d := cmp.Diff(test.want, sink.each); d != "" {
					t.Errorf("writes (-want +got):\n%s", d)
				}
				if d := cmp.Diff(test.times, sink.times); d != "" {
					t.Errorf("times (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestWriterFlushesBySize(t *testing.T) {
	sink := &writes{}
	w := New(sink, false)
	line := strings.Repeat("x", 1000)
	for range 200 {
		put(t, w, line, start) // a clock that stands still
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, p := range sink.each {
		total += len(p)
	}
	if total != 200_000 {
		t.Errorf("%d bytes written, want 200000", total)
	}
	if len(sink.each[1]) < FlushSize && len(sink.each) > 200 {
		t.Errorf("%d writes for 200 messages", len(sink.each))
	}
}

// failing fails after n bytes.
type failing struct {
	n   int
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.n {
		n := f.n
		f.n = 0
		return n, f.err
	}
	f.n -= len(p)
	return len(p), nil
}

func TestWriterErrorsStay(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		w    io.Writer
		want error
	}{
		{"error", &failing{n: 3, err: broken}, broken},
		{"short write", &failing{n: 3}, io.ErrShortWrite},
		{"closed pipe", &failing{n: 3, err: syscall.EPIPE}, syscall.EPIPE},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := New(test.w, true)
			put(t, w, "abc", start)
			for range 3 {
				if err := tryPut(w, "def", start); err != test.want {
					t.Errorf("got %v, want %v", err, test.want)
				}
			}
			if err := w.Flush(); err != test.want {
				t.Errorf("Flush: got %v, want %v", err, test.want)
			}
		})
	}
}

func TestWriterErrorOfTimerIsToldNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		w := New(&failing{n: 1, err: broken}, false)
		put(t, w, "a", time.Now())
		put(t, w, "b", time.Now())
		time.Sleep(10 * time.Millisecond)
		if err := tryPut(w, "c", time.Now()); err != broken {
			t.Errorf("got %v, want %v", err, broken)
		}
		if err := w.Flush(); err != broken {
			t.Errorf("Flush: got %v, want %v", err, broken)
		}
	})
}

func TestClosedPipe(t *testing.T) {
	r, file, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r.Close()
	w := New(file, false)
	if err := tryPut(w, "abc", start); !errors.Is(err, syscall.EPIPE) && runtime.GOOS != "windows" {
		t.Errorf("got %v, want %v", err, syscall.EPIPE)
	}
	if w.Flush() == nil {
		t.Error("Flush: no error")
	}
}

// Messages and timers meet all the time here; the race detector watches.
func TestWriterUnderItsTimer(t *testing.T) {
	r, file, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan int)
	go func() {
		b, _ := io.ReadAll(r)
		read <- len(b)
	}()
	w := New(file, false)
	for range 20_000 {
		put(t, w, "0123456789", time.Now())
		if time.Now().UnixNano()%7 == 0 {
			runtime.Gosched()
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != 200_000 {
		t.Errorf("%d bytes arrived, want 200000", got)
	}
}
