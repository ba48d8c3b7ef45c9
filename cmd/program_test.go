//go:build unix

package cmd_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/testserver"
)

// A grandchild is a process that an auth command has started and that outlives it. It holds a
// pipe open as long as it runs.
type grandchild struct {
	t       *testing.T
	command string // starts it
	said    chan string
}

func newGrandchild(t *testing.T) *grandchild {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	g := &grandchild{t: t, command: "sh -c 'echo $$; exec sleep 600' >" + pipe + " | cat", said: make(chan string)}
	go func() {
		defer close(g.said)
		f, err := os.Open(pipe) // waits for the grandchild
		if err != nil {
			return
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			g.said <- lines.Text()
		}
	}()
	return g
}

// runs blocks until it runs.
func (g *grandchild) runs() {
	g.t.Helper()
	select {
	case text := <-g.said:
		pid, err := strconv.Atoi(text)
		if err != nil {
			g.t.Fatal(err)
		}
		g.t.Cleanup(func() {
			if g.t.Failed() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		})
	case <-time.After(patience):
		g.t.Fatal("the auth command never ran")
	}
}

// isGone blocks until it has ended.
func (g *grandchild) isGone() {
	g.t.Helper()
	select {
	case _, open := <-g.said:
		if open {
			g.t.Fatal("it said more than its number")
		}
	case <-time.After(patience / 6):
		g.t.Error("what the auth command started is still there")
	}
}

// helloFlags call with a deadline that an auth command counts towards: nothing is
// asked of the server before.
func helloFlags(t *testing.T, command string) []string {
	t.Helper()
	protoset := filepath.Join(t.TempDir(), "demo.binpb")
	if err := os.WriteFile(protoset, testserver.Protoset(), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"call", "rpcctl.demo.v1.Greeter/SayHello", "--protoset", protoset, "--auth-command", command}
}

// When an auth command is cut short, everything that it started ends, too, on a terminal and
// without one.
func TestAuthCommandIsEndedAsAWhole(t *testing.T) {
	for name, tt := range map[string]struct {
		flags []string
		end   syscall.Signal // 0: the time-out
		code  int
	}{
		"interrupt": {nil, syscall.SIGINT, 130},
		"terminate": {nil, syscall.SIGTERM, 130},
		"hang up":   {nil, syscall.SIGHUP, 130},
		"time-out":  {[]string{"--timeout", "3"}, 0, 68},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGrandchild(t)
			args := append(helloFlags(t, g.command), tt.flags...)
			c := command(t, "rpcctl", append([]string{"-a", "demo:"}, args...)...)
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no controlling terminal
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			g.runs()
			if tt.end != 0 {
				if err := c.Process.Signal(tt.end); err != nil {
					t.Fatal(err)
				}
			}
			_ = c.Wait() // the exit code tells
			if got := c.ProcessState.ExitCode(); got != tt.code {
				t.Errorf("exit code %d, want %d", got, tt.code)
			}
			g.isGone()
		})
		t.Run(name+" on a terminal", func(t *testing.T) {
			t.Parallel()
			g := newGrandchild(t)
			x := onTerminalOfAShell(t, append(helloFlags(t, g.command), tt.flags...)...)
			g.runs()
			if tt.end != 0 {
				if err := syscall.Kill(x.pid, tt.end); err != nil {
					t.Fatal(err)
				}
			}
			x.shows(fmt.Sprintf("left with %d", tt.code))
			g.isGone()
		})
	}
	t.Run("Ctrl-C on a terminal", func(t *testing.T) {
		t.Parallel()
		g := newGrandchild(t)
		x := onTerminalOfAShell(t, helloFlags(t, g.command)...)
		g.runs()
		if _, err := io.WriteString(x.tty, "\x03"); err != nil {
			t.Fatal(err)
		}
		x.shows("left with 130")
		g.isGone()
	})
}

// A shellTerminal runs rpcctl on a terminal whose session is a shell's, as a person
// does: the session does not end with rpcctl, and so hangs nobody up.
type shellTerminal struct {
	*promptTerminal
	pid int // of rpcctl
}

func onTerminalOfAShell(t *testing.T, args ...string) *shellTerminal {
	t.Helper()
	const script = `trap : INT; sh -c 'echo "it is $$."; exec rpcctl -a demo: "$@"' sh "$@"; echo "left with $?"; exec sleep 600`
	x := &shellTerminal{promptTerminal: startOnTerminal(t, "sh", append([]string{"-c", script, "sh"}, args...)...)}
	x.shows(".\r\n")
	if _, err := fmt.Sscanf(x.screen(), "it is %d.", &x.pid); err != nil {
		t.Fatalf("%v: %q", err, x.screen())
	}
	return x
}

// An auth command may ask the person at the terminal, whom it does not share standard
// input with.
func TestAuthCommandAsksAtTheTerminal(t *testing.T) {
	x := onTerminal(t, "call", "Lab.Secret", "--auth-command", `printf 'token? ' >/dev/tty; read -r token </dev/tty; echo "$token" | cat`)
	x.shows("token? ")
	if _, err := io.WriteString(x.tty, "demo\r"); err != nil {
		t.Fatal(err)
	}
	x.shows("cake")
	x.ends(0)
}

// A process that the auth command leaves behind when it ends by itself, such as a browser,
// stays.
func TestAuthCommandLeavesAProgram(t *testing.T) {
	g := newGrandchild(t)
	pipe := strings.TrimSuffix(g.command, " | cat")
	out, err := command(t, "rpcctl", "-a", "demo:", "call", "Lab.Secret", "--auth-command", pipe+" & echo demo").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "cake") {
		t.Errorf("%v: %s", err, out)
	}
	var pid int
	select {
	case text := <-g.said:
		if pid, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("it never ran")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}
