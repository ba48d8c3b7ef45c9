package progress

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
)

// safeBuffer is a buffer that is written while it is read.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestProgressPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr safeBuffer
		e := &env.Env{Stderr: &stderr, Now: time.Now, Getenv: func(string) string { return "" }}
		done := int64(0)
		p := Start(e, "plain", func(elapsed time.Duration) string {
			done += 25
			return fmt.Sprintf("%d done, %s", done, PerSecond(done, elapsed))
		}, func() (int64, int64) { return done + 25, 100 })
		time.Sleep(35 * time.Second)
		p.Stop()
		want := "rpcctl: 25 done, 2.5/s, 30s left\nrpcctl: 50 done, 2.5/s, 20s left\nrpcctl: 75 done, 2.5/s, 10s left\n"
		if diff := cmp.Diff(want, stderr.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestProgressIsDrawnTenTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr safeBuffer
		e := &env.Env{Stderr: &stderr, StderrTTY: true, Now: time.Now, Getenv: func(string) string { return "" }}
		draws := 0
		p := Start(e, "auto", func(time.Duration) string { draws++; return "working" }, nil)
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if stderr.String() != "" {
			t.Errorf("drawn before a second: %q", stderr.String())
		}
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		if draws < 15 || draws > 21 {
			t.Errorf("drawn %d times in two seconds", draws)
		}
		fmt.Fprint(p.Beside(&stderr), "an answer\n")
		if at := strings.Index(stderr.String(), "an answer"); !strings.HasSuffix(stderr.String()[:at], "\r") {
			t.Errorf("the line was not cleared: %q", stderr.String())
		}
		p.Stop()
		p.Stop()
	})
}

func TestNoProgress(t *testing.T) {
	for name, env := range map[string]*env.Env{
		"in a pipe":          {},
		"on a dumb terminal": {StderrTTY: true},
	} {
		env.Getenv = func(string) string { return "dumb" }
		if p := Start(env, "auto", nil, nil); p != nil {
			t.Errorf("%s: there is one", name)
		}
	}
	var none *Bar
	none.hide()
	none.Stop()
	var b bytes.Buffer
	fmt.Fprint(none.Beside(&b), "x")
	if b.String() != "x" {
		t.Errorf("%q", b.String())
	}
}
