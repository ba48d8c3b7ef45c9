//go:build linux

package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A file with messages may be written to while it is read. When a command that waits for more
// of it is interrupted, the message names the file.
func TestLiveFilesAreNamed(t *testing.T) {
	schema := demoSchema(t)
	for _, tt := range []struct {
		name, args string
		signal     syscall.Signal // 0: none
		code       int
		says       string
	}{
		{"a list", "call SayHello --each", syscall.SIGINT, 65, "interrupted while reading quiet.pipe"},
		{"a list that is skipped", "call SayHello --each --skip 2", syscall.SIGINT, 65, "interrupted while reading quiet.pipe"},
		{"a stream", "call Shop.Chat --timeout 1s", 0, 68, "quiet.pipe had not ended"},
		{"a stream, held", "call Shop.Chat --timeout 1s --hold 1s", 0, 68, "quiet.pipe had not ended"},
	} {
		for kind, silent := range map[string]bool{"no writer": false, "a silent writer": true} {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				pipe := filepath.Join(dir, "quiet.pipe")
				fifo(t, pipe)
				var writer <-chan *os.File
				if silent {
					writer = openedToWrite(t, pipe)
				}
				c := command(t, "rpcctl", append(strings.Fields("-a demo: --protoset "+schema+" "+tt.args), "-d", "@quiet.pipe")...)
				var stderr strings.Builder
				c.Dir, c.Stderr = dir, &stderr
				must(t, c.Start())
				if tt.signal != 0 {
					untilItWaits(t, tt.name, c.Process.Pid, pipe, writer)
					must(t, c.Process.Signal(tt.signal))
				}
				if err := c.Wait(); c.ProcessState.ExitCode() != tt.code || !strings.Contains(stderr.String(), tt.says) {
					t.Errorf("%v: %s", err, stderr.String())
				}
			})
		}
	}
}

// What comes before a call has one limit, however many parts it has.
func TestOneLimitBeforeTheCall(t *testing.T) {
	dir := t.TempDir()
	fifo(t, filepath.Join(dir, "quiet.pipe"))
	c := command(t, "rpcctl", "-a", "demo:", "--auth-command", "sleep 3; echo x", "call", "SayHello", "-d", "@quiet.pipe", "--timeout", "4s")
	var stderr strings.Builder
	c.Dir, c.Stderr = dir, &stderr
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+dir)
	begun := time.Now()
	err := c.Run()
	if took := time.Since(begun); c.ProcessState.ExitCode() != 68 || took > 6*time.Second || !strings.Contains(stderr.String(), "quiet.pipe") {
		t.Errorf("%v after %s: %s", err, took, stderr.String())
	}
}

// A list may take longer than the deadline of each call.
func TestListsMayBeSlow(t *testing.T) {
	dir := t.TempDir()
	fifo(t, filepath.Join(dir, "list"))
	c := command(t, "rpcctl", "-a", "demo:", "--protoset", demoSchema(t), "call", "SayHello", "--each", "-d", "@list", "--timeout", "1s", "-o", "ndjson")
	c.Dir = dir
	done := make(chan struct{})
	go func() {
		defer close(done)
		f, err := os.OpenFile(filepath.Join(dir, "list"), os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer f.Close()
		for i := range 3 {
			fmt.Fprintf(f, `{"name":"%d"}`+"\n", i)
			time.Sleep(600 * time.Millisecond)
		}
	}()
	out, err := c.Output()
	if f, err := os.OpenFile(filepath.Join(dir, "list"), os.O_RDONLY|syscall.O_NONBLOCK, 0); err == nil {
		f.Close() // where nobody ever opened it the writer still waits
	}
	<-done
	if err != nil || strings.Count(string(out), "Hello") != 3 {
		t.Errorf("%v: %s", err, out)
	}
}
