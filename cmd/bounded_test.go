//go:build linux

package cmd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// peakMemory is how many MiB a process that reads an endless input may take at most.
	peakMemory = 300
	// endsWithin is how long it may take: a minute for a silent pipe, and some time for a busy
	// machine.
	endsWithin = 2 * time.Minute
)

// A bounded is a command line that reads a file in a way of its own. FILE stands for it.
type bounded struct {
	name string
	args string
	env  string
	// place is where the file has to be, below the working folder; "": anywhere.
	place string
	// plain is set when anything but a plain file is ignored.
	plain bool
	// live is set when a pipe may be a stream, which only --timeout ends.
	live bool
}

// unreached is a call to nobody: the file is read before.
const unreached = "-a 127.0.0.1:1 call p.S/M --kind unary --in raw -d x "

var fileFlags = []bounded{
	{name: "cacert", args: unreached + "--cacert FILE"},
	{name: "cert", args: unreached + "--cert FILE --key /dev/null"},
	{name: "key", args: unreached + "--cert /dev/null --key FILE"},
	{name: "service-config", args: unreached + "--service-config FILE"},
	{name: "bearer-file", args: unreached + "--bearer-file FILE"},
	{name: "password-file", args: unreached + "--basic u --password-file FILE"},
	{name: "netrc", args: unreached + "--netrc", env: "NETRC=FILE"},
	{name: "header", args: unreached + "-H @FILE"},
	{name: "rpc-header", args: unreached + "--rpc-header @FILE"},
	{name: "reflect-header", args: unreached + "--reflect-header @FILE"},
	{name: "targets", args: "call p.S/M --kind unary --in raw -d x --targets @FILE"},
	{name: "protoset", args: "list --protoset FILE"},
	{name: "proto", args: "list --proto FILE"},
	{name: "buf.yaml", args: "list --proto a.proto", place: "buf.yaml"},
	{name: "user's contexts", args: "context list", env: "XDG_CONFIG_HOME=.", place: "rpcctl/config.yaml"},
	{name: "project's contexts", args: "context list", place: ".rpcctl.yaml", plain: true},
	{name: "a word", args: "-a demo: call SayHello name=@FILE"},
	{name: "data", args: "-a demo: call SayHello -d @FILE --timeout 8", live: true},
	{name: "yaml", args: "-a demo: call SayHello -d @FILE --in yaml --timeout 8", live: true},
	{name: "text", args: "-a demo: call SayHello -d @FILE --in text --timeout 8", live: true},
	{name: "raw", args: "-a demo: call SayHello -d @FILE --in raw --timeout 8", live: true},
	{name: "each csv", args: "-a demo: call SayHello --each -d @FILE --in csv --timeout 8", live: true},
	{name: "each ndjson", args: "-a demo: call SayHello --each -d @FILE --in ndjson --timeout 8", live: true},
}

// Whatever file a flag names, the process soon says what is wrong with it, and takes little
// memory.
func TestFilesAreBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	for name, kind := range map[string]struct {
		make  func(t *testing.T, path string)
		pipe  bool
		quiet bool // nothing is done meanwhile
	}{
		"a pipe without a writer":       {fifo, true, true},
		"a pipe with an endless writer": {endlessPipe, true, false},
		"a device":                      {func(t *testing.T, path string) { must(t, os.Symlink("/dev/zero", path)) }, false, false},
		"a sparse file": {func(t *testing.T, path string) {
			must(t, os.WriteFile(path, nil, 0o600))
			must(t, os.Truncate(path, 200<<20))
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			atOnce := make(chan struct{}, 3)
			if kind.quiet {
				atOnce = make(chan struct{}, len(fileFlags))
			}
			var all sync.WaitGroup
			for _, b := range fileFlags {
				if kind.pipe && kind.quiet && b.live {
					continue // it waits for what comes, as it should
				}
				all.Go(func() {
					atOnce <- struct{}{}
					defer func() { <-atOnce }()
					dir := t.TempDir()
					file := filepath.Join(dir, "file")
					if b.place != "" {
						file = filepath.Join(dir, b.place)
						must(t, os.MkdirAll(filepath.Dir(file), 0o700))
					}
					must(t, os.WriteFile(filepath.Join(dir, "a.proto"), []byte("syntax = \"proto3\";\n"), 0o600))
					kind.make(t, file)
					args := strings.Fields(strings.ReplaceAll(b.args, "FILE", file))
					code, stderr := runBounded(t, b.name, dir, strings.ReplaceAll(strings.ReplaceAll(b.env, "FILE", file), "=.", "="+dir), args)
					if b.plain && name != "a sparse file" {
						return
					}
					if code == 0 || !strings.Contains(stderr, filepath.Base(file)) {
						t.Errorf("%s: exit code %d: %s", b.name, code, stderr)
					}
				})
			}
			all.Wait()
		})
	}
}

// Input that grows while it is processed is bounded, too.
func TestInputsAreBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	write := func(text string, n int) func(w *os.File) {
		return func(w *os.File) {
			block := []byte(strings.Repeat(text, 1+(1<<16)/len(text)))
			for ; n > 0; n -= len(block) {
				if _, err := w.Write(block[:min(n, len(block))]); err != nil {
					return
				}
			}
		}
	}
	keys := func(w *os.File) {
		for i := range 50_000 {
			fmt.Fprintf(w, "k%d: v\n", i)
		}
	}
	for _, tt := range []struct {
		name, args string
		stdin      func(w *os.File)
		code       int
	}{
		{"blanks before a message", "call SayHello -d @", write(" ", 512<<20), 0},
		{"blanks in a list", "call SayHello --each -d @", write("\n", 256<<20), 0},
		{"a message without end", "call SayHello -d @", write(`{"name":"x`, 512<<20), 2},
		{"a descriptor set", "list --protoset -", write("\x00", 512<<20), 1},
		{"yaml of many keys", "call Lab.Everything --in yaml -d @", keys, 2},
		{"a yaml list", "call Lab.Everything --in yaml -d @", write("- a\n", 3_800_000), 2},
		{"yaml that nests", "call Lab.Everything --in yaml -d @", write("- ", 64<<10), 2},
		{"yaml in brackets", "call Lab.Everything --in yaml -d @", write("[", 4<<20), 2},
		{"jq: an array", "call SayHello --jq [range(1e9)]", nil, 1},
		{"jq: a text", `call SayHello --jq "x"*1e9`, nil, 1},
		{"jq: doubling", `call SayHello --jq reduce_range(40)_as_$i_("x";.+.)`, nil, 1},
		{"jq: nesting", "call SayHello --jq def_f:[f];f", nil, 1},
		{"jq: a result", "call SayHello --jq reduce_range(60)_as_$i_(.;[.,.])", nil, 1},
		{"jq: no end", "call SayHello --timeout 3 --jq last(range(1e12))", nil, 68},
		{"until: no end", "call SayHello --for 1 --until last(range(1e12))", nil, 68},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"-a", "demo:"}
			for _, a := range strings.Fields(tt.args) {
				args = append(args, strings.ReplaceAll(a, "_", " "))
			}
			r, w, err := os.Pipe()
			must(t, err)
			go func() {
				defer w.Close()
				if tt.stdin != nil {
					tt.stdin(w)
				}
			}()
			defer r.Close()
			if code, stderr := runBounded(t, tt.name, t.TempDir(), "", args, r); code != tt.code {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, stderr)
			}
		})
	}
}

// runBounded runs rpcctl within the limits of these tests, and returns its exit code and what it
// says.
func runBounded(t *testing.T, name, dir, env string, args []string, stdin ...*os.File) (int, string) {
	ctx, cancel := context.WithTimeout(t.Context(), endsWithin)
	defer cancel()
	c := exec.CommandContext(ctx, "rpcctl", args...)
	var stderr strings.Builder
	c.Dir, c.Stderr = dir, &stderr
	c.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir+"/none", "XDG_CACHE_HOME="+dir+"/cache", env)
	if len(stdin) > 0 {
		c.Stdin = stdin[0]
	}
	if err := c.Start(); err != nil {
		t.Error(err)
		return -1, ""
	}
	ended, watched := make(chan struct{}), make(chan int)
	go func() {
		most := 0
		for {
			most = max(most, highWater(c.Process.Pid))
			select {
			case <-ended:
				watched <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	err := c.Wait()
	close(ended)
	most := <-watched
	if ctx.Err() != nil {
		t.Errorf("%s: it did not end within %s: %s", name, endsWithin, stderr.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Errorf("%s: %v", name, err)
	}
	if most > peakMemory {
		t.Errorf("%s: it had %d MiB", name, most)
	}
	return c.ProcessState.ExitCode(), stderr.String()
}

// highWater is the peak memory of a process so far, in MiB; 0: it is not known. For a process
// that has ended, the system counts it in the one that started it.
func highWater(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(text), "VmHWM:")
	if fields := strings.Fields(rest); ok && len(fields) > 0 {
		kib, _ := strconv.Atoi(fields[0])
		return kib >> 10
	}
	return 0
}

func must(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

func fifo(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o600)) }

// endlessPipe is a pipe with a writer that goes on until its reader leaves.
func endlessPipe(t *testing.T, path string) {
	fifo(t, path)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer f.Close()
		block := []byte(strings.Repeat("a", 1<<16))
		for err == nil {
			_, err = f.Write(block)
		}
	}()
	t.Cleanup(func() {
		// If nobody opened it, the writer still waits.
		if f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
		<-done
	})
}
