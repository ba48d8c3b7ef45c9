//go:build unix

package cmd_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/rpcctl/rpcctl/testserver"
)

// promptTerminal runs rpcctl on a terminal, and keeps what is on it.
type promptTerminal struct {
	*exec.Cmd
	t    *testing.T
	tty  io.ReadWriteCloser
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

// onTerminal runs rpcctl on a terminal of its own, against a demo server of its own.
func onTerminal(t *testing.T, args ...string) *promptTerminal {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := testserver.New(testserver.Options{})
	go server.Serve(l)
	t.Cleanup(server.Close)
	return startOnTerminal(t, "rpcctl", append([]string{"-a", l.Addr().String()}, args...)...)
}

func startOnTerminal(t *testing.T, program string, args ...string) *promptTerminal {
	t.Helper()
	term := &promptTerminal{Cmd: command(t, program, args...), t: t, more: make(chan struct{}, 1)}
	tty, err := pty.Start(term.Cmd)
	if err != nil {
		t.Skip(err)
	}
	term.tty = tty
	t.Cleanup(func() { tty.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := tty.Read(buf)
			term.mu.Lock()
			term.text.Write(buf[:n])
			term.mu.Unlock()
			select {
			case term.more <- struct{}{}:
			default:
			}
			if err != nil {
				close(term.more)
				return
			}
		}
	}()
	return term
}

func (x *promptTerminal) screen() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.text.String()
}

// shows waits for a text.
func (x *promptTerminal) shows(text string) {
	x.t.Helper()
	late := time.After(patience)
	for !strings.Contains(x.screen(), text) {
		select {
		case _, open := <-x.more:
			if !open && !strings.Contains(x.screen(), text) {
				x.t.Fatalf("no %q in %q", text, x.screen())
			}
		case <-late:
			x.t.Fatalf("no %q in %q", text, x.screen())
		}
	}
}

// ends waits for the end and checks the exit code.
func (x *promptTerminal) ends(want int) {
	x.t.Helper()
	var exit *exec.ExitError
	if err := x.Wait(); err != nil && !errors.As(err, &exit) {
		x.t.Fatal(err)
	}
	if got := x.ProcessState.ExitCode(); got != want {
		x.t.Errorf("exit code %d, want %d: %s", got, want, x.screen())
	}
}

// A password is asked for once, at the terminal, and does not show.
func TestPasswordIsAskedFor(t *testing.T) {
	x := onTerminal(t, "call", "Lab.Metadata", "--basic", "me", "-o", "ndjson", "--color", "never")
	x.shows("password of me: ")
	if _, err := io.WriteString(x.tty, "close\x15openn\x7f sesame\r"); err != nil {
		t.Fatal(err)
	}
	x.shows(`"text":"Basic bWU6b3BlbiBzZXNhbWU="`)
	x.ends(0)
	if s := x.screen(); strings.Contains(s, "sesame") || strings.Count(s, "password") != 1 {
		t.Errorf("on the terminal: %q", s)
	}
}

// Ctrl-C at the question leaves at once, and the terminal shows again what is typed.
func TestInterruptAtThePassword(t *testing.T) {
	x := onTerminal(t, "call", "Lab.Metadata", "--basic", "me")
	x.shows("password of me: ")
	if _, err := io.WriteString(x.tty, "\x03"); err != nil {
		t.Fatal(err)
	}
	x.ends(130)
}

// A program, or a person, may take longer than the server is given for a question about
// its schema.
func TestSlowCredential(t *testing.T) {
	if testing.Short() {
		t.Skip("the server is given ten seconds")
	}
	t.Parallel()
	_, addr := demoServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	c := exec.CommandContext(ctx, "rpcctl", "-a", addr, "call", "Lab.Secret", "--auth-command", "sleep 11; echo ran >>runs; echo demo")
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	out, err := c.CombinedOutput()
	runs, rerr := os.ReadFile(filepath.Join(c.Dir, "runs"))
	if err != nil || rerr != nil || !strings.Contains(string(out), "cake") || string(runs) != "ran\n" {
		t.Errorf("%v, %v, %q: %s", err, rerr, runs, out)
	}
}
