//go:build unix

package cmd_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/testserver"
)

// patience is how long these tests wait before they say that something hangs.
const patience = time.Minute

// A process is a running rpcctl whose standard output the test reads.
type process struct {
	*exec.Cmd
	t      *testing.T
	out    *bufio.Reader
	pipe   *os.File
	stderr bytes.Buffer
}

// start runs rpcctl against a demo server of the test's own.
func start(t *testing.T, stdin io.Reader, args ...string) (*process, *testserver.Server) {
	t.Helper()
	return startBy(t, nil, stdin, args...)
}

// startBy is start by way of another program, which takes the command line behind its own.
func startBy(t *testing.T, lead []string, stdin io.Reader, args ...string) (*process, *testserver.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := testserver.New(testserver.Options{})
	go server.Serve(l)
	t.Cleanup(server.Close)

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	line := slices.Concat(lead, []string{"rpcctl", "-a", l.Addr().String()}, args)
	p := &process{Cmd: exec.CommandContext(ctx, line[0], line[1:]...), t: t, out: bufio.NewReader(r), pipe: r}
	p.Stdin, p.Stdout, p.Stderr = stdin, w, &p.stderr
	p.WaitDelay = time.Second
	p.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	t.Cleanup(func() { cancel(); r.Close() })
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return p, server
}

// until reads lines until one contains text, and returns it.
func (p *process) until(text string) string {
	p.t.Helper()
	for {
		line, err := p.out.ReadString('\n')
		if strings.Contains(line, text) {
			return line
		}
		if err != nil {
			p.t.Fatalf("no %q: %v; stderr: %s", text, err, p.stderr.String())
		}
	}
}

// ends waits for the process and checks its exit code.
func (p *process) ends(want int) {
	p.t.Helper()
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if got := p.ProcessState.ExitCode(); got != want {
		p.t.Errorf("exit code %d, want %d; stderr: %s", got, want, p.stderr.String())
	}
}

// await waits for something to reach the server.
func await(t *testing.T, s *testserver.Server, done func(testserver.Stats) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Wait(ctx, done); err != nil {
		t.Fatalf("it never reached the server: %v; %+v", err, s.Stats())
	}
}

const count = "/rpcctl.demo.v1.Lab/Count"

func TestSignalsCancelTheCall(t *testing.T) {
	for name, signal := range map[string]os.Signal{"interrupt": os.Interrupt, "terminate": syscall.SIGTERM, "hang up": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			p, server := start(t, nil, "call", "StreamGreetings", "count=1000", "delay_ms=50", "-o", "events")
			first := p.until(`"event":"message"`)
			if err := p.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if last := p.until(`"event":"status"`); !strings.Contains(last, `"code":1,"name":"CANCELLED"`) || first == "" {
				t.Errorf("ended with %s", last)
			}
			p.ends(65)
			await(t, server, func(s testserver.Stats) bool {
				return s.Calls["/rpcctl.demo.v1.Greeter/StreamGreetings"].Cancelled == 1
			})
		})
	}
}

// Standard output may be stuck in a pipe that nobody reads.
func TestInterruptWhileOutputIsStuck(t *testing.T) {
	p, server := start(t, nil, "call", "Lab.Count", "n=100000000", "-o", "ndjson")
	await(t, server, func(s testserver.Stats) bool { return s.Calls[count].Sent > 10_000 })
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.ends(65)
	if !strings.Contains(p.stderr.String(), "CANCELLED (1)") {
		t.Errorf("stderr: %s", p.stderr.String())
	}
}

// Standard input may never say a word.
func TestInterruptWhileInputBlocks(t *testing.T) {
	silent, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Run("before the call", func(t *testing.T) {
		p, server := start(t, silent, "call", "SayHello", "-")
		await(t, server, func(s testserver.Stats) bool { return s.Accepted > 0 })
		if err := p.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		p.ends(130)
	})
	t.Run("in the call", func(t *testing.T) {
		p, _ := start(t, silent, "call", "Shop.Chat", "-", "-o", "events")
		p.until(`"event":"request"`)
		if err := p.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		p.until(`"code":1,"name":"CANCELLED"`)
		p.ends(65)
	})
}

// When the server ends a stream early, the rest of the input is not waited for.
func TestServerEndsBeforeTheInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p, _ := start(t, r, "call", "Shop.Chat", "-", "-o", "events")
	if _, err := io.WriteString(w, `{"text":"bye"}`); err != nil {
		t.Fatal(err)
	}
	p.until(`"code":0,"name":"OK"`)
	p.ends(0)
}

// A call that failed and a disk that was full are both told, and the call decides
// the exit code.
func TestFailureAndFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	c := command(t, "rpcctl", "-a", "demo:", "call", "Lab.FailAfter", "count=2", "failure.code=5", "-o", "table")
	var stderr bytes.Buffer
	c.Stdout, c.Stderr = full, &stderr
	var exit *exec.ExitError
	if err := c.Run(); !errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if code := exit.ExitCode(); code != 69 && code != 1 || !strings.Contains(stderr.String(), "no space left on device") {
		t.Errorf("exit code %d, stderr: %s", code, stderr.String())
	}
}

// Whoever reads the output may leave, as head does: that is no failure.
func TestReaderLeaves(t *testing.T) {
	p, server := start(t, nil, "call", "Lab.Count", "n=100000000", "-o", "ndjson")
	if line := p.until(`"i":"1"`); line != "{\"i\":\"1\"}\n" {
		t.Errorf("first line %q", line)
	}
	p.pipe.Close()
	p.ends(0)
	if p.stderr.Len() > 0 {
		t.Errorf("stderr: %s", p.stderr.String())
	}
	await(t, server, func(s testserver.Stats) bool { return s.Calls[count].Cancelled == 1 })
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	for _, args := range [][]string{
		{"call", "SayHello"},
		{"list"},
		{"describe", "Greeter"},
		{"version"},
		{"call", "SayHello", "--dry-run"},
		{"describe"},
		{"--help"},
		{"help"},
		{"help", "call"},
		{"call", "--help"},
		{"completion"},
		{"completion", "zsh"},
		{"--version"},
		{"context"},
	} {
		c := command(t, "rpcctl", append([]string{"-a", "demo:"}, args...)...)
		var stderr bytes.Buffer
		c.Stdout, c.Stderr = full, &stderr
		var exit *exec.ExitError
		if err := c.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%v: %v", args, err)
		}
		if n := strings.Count(stderr.String(), "no space left on device"); n != 1 {
			t.Errorf("%v: told %d times: %s", args, n, stderr.String())
		}
	}
}
