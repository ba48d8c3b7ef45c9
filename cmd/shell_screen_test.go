//go:build unix

package cmd_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/term"

	"github.com/rpcctl/rpcctl/testserver"
)

// A screen is a program on a terminal of the test's own: what it draws can be looked at, and
// keys be pressed. Nothing sleeps: tests wait until the screen shows what they expect.
type screen struct {
	t       *testing.T
	cmd     *exec.Cmd
	keys    *os.File // our end
	tty     *os.File // the program's end, for its settings
	before  term.State
	server  *testserver.Server
	state   string // XDG_STATE_HOME
	dir     string // where it runs
	drawn   sync.Cond
	mu      sync.Mutex
	vt      vt10x.Terminal
	raw     []byte // all that was written
	gone    bool
	exited  chan struct{}
	exitErr error
}

// A setting changes how a screen is opened.
type setting func(*screen, *exec.Cmd, *pty.Winsize)

func sized(cols, rows uint16) setting {
	return func(_ *screen, _ *exec.Cmd, w *pty.Winsize) { w.Cols, w.Rows = cols, rows }
}

func environment(vars ...string) setting {
	return func(_ *screen, c *exec.Cmd, _ *pty.Winsize) { c.Env = append(c.Env, vars...) }
}

// demoServer serves the demo until the test ends.
func demoServer(t *testing.T) (*testserver.Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := testserver.New(testserver.Options{})
	go server.Serve(l)
	t.Cleanup(server.Close)
	return server, l.Addr().String()
}

// openShell opens rpcctl shell on a terminal of 80 by 24, and waits for its prompt.
func openShell(t *testing.T, settings ...setting) *screen {
	t.Helper()
	server, addr := demoServer(t)
	s := openScreen(t, append([]setting{environment("ADDR=" + addr)}, settings...), "rpcctl", "-a", addr, "shell")
	s.server = server
	s.waitFor("schema:")
	s.waitPrompt()
	return s
}

// openScreen runs a program on a terminal.
func openScreen(t *testing.T, settings []setting, program string, args ...string) *screen {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, keys: master, tty: tty, state: t.TempDir(), dir: t.TempDir(), exited: make(chan struct{})}
	s.drawn.L = &s.mu
	c := command(t, program, args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "TERM=xterm-256color", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "XDG_STATE_HOME="+s.state, "NO_COLOR=", "PS1=$ ", "EDITOR=false", "VISUAL=", "SHELL=/bin/sh")
	c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	size := pty.Winsize{Cols: 80, Rows: 24}
	for _, set := range settings {
		set(s, c, &size)
	}
	s.cmd = c
	if err := pty.Setsize(master, &size); err != nil {
		t.Fatal(err)
	}
	s.vt = vt10x.New(vt10x.WithSize(int(size.Cols), int(size.Rows)))
	s.before = s.termios()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go s.read(read)
	go func() {
		err := c.Wait()
		s.mu.Lock()
		s.gone, s.exitErr = true, err
		s.mu.Unlock()
		close(s.exited)
		s.drawn.Broadcast()
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		receive(t, s.exited)
		tty.Close()
		master.Close()
		receive(t, read)
	})
	return s
}

func (s *screen) read(done chan<- struct{}) {
	defer close(done)
	buf := make([]byte, 32<<10)
	for {
		n, err := s.keys.Read(buf)
		s.mu.Lock()
		s.raw = append(s.raw, buf[:n]...)
		_, _ = s.vt.Write(buf[:n])
		s.mu.Unlock()
		s.drawn.Broadcast()
		if err != nil {
			return
		}
	}
}

func (s *screen) termios() term.State {
	s.t.Helper()
	v, err := term.GetState(int(s.tty.Fd()))
	if err != nil {
		s.t.Fatal(err)
	}
	return *v
}

// send presses keys: text, and control characters.
func (s *screen) send(keys string) {
	s.t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := s.keys.WriteString(keys)
		sent <- err
	}()
	select {
	case err := <-sent:
		if err != nil {
			s.t.Fatal(err)
		}
	case <-time.After(patience):
		s.stuck("it does not read its keys")
	}
}

// stuck fails a test of a program that hangs, with the stacks of its goroutines.
func (s *screen) stuck(what string) {
	s.t.Helper()
	text := s.text()
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-s.exited:
	case <-time.After(patience):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Fatalf("%s; the screen is\n%s\nwhat was written last:\n%s", what, text, strings.ReplaceAll(string(s.raw[max(0, len(s.raw)-40_000):]), "\x1b", "<esc>"))
}

// Keys that are no characters.
const (
	keyUp     = "\x1b[A"
	keyDown   = "\x1b[B"
	keyLeft   = "\x1b[D"
	keyEsc    = "\x1b"
	pasteFrom = "\x1b[200~"
	pasteTo   = "\x1b[201~"
)

func ctrl(c byte) string { return string(rune(c - 'a' + 1)) }

// text is the screen, without blanks at the ends of its lines, and without empty lines below.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown()
}

func (s *screen) shown() string {
	var lines []string
	for line := range strings.SplitSeq(s.vt.String(), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// wait waits until the screen is as it should be, and returns it.
func (s *screen) wait(what string, ok func(text string) bool) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drawn.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !ok(s.shown()) {
		if ctx.Err() != nil || s.gone && !ok(s.shown()) && len(s.raw) == 0 {
			s.t.Fatalf("waiting for %s; the screen is\n%s", what, s.shown())
		}
		s.drawn.Wait()
	}
	return s.shown()
}

func (s *screen) waitFor(part string) string {
	s.t.Helper()
	return s.wait(part, func(text string) bool { return strings.Contains(text, part) })
}

// lastLine is the last line that has something on it.
func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }

// waitPrompt waits for an empty prompt below everything else.
func (s *screen) waitPrompt() string {
	s.t.Helper()
	return s.wait("an empty prompt", func(text string) bool {
		return strings.HasSuffix(lastLine(text), ">") && !strings.HasPrefix(lastLine(text), "...")
	})
}

// input is the text that stands behind the last prompt, without what is below it.
func input(text string) string {
	lines := strings.Split(text, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if _, after, ok := strings.Cut(lines[i], "> "); ok && !strings.HasPrefix(lines[i], "  ") {
			return after
		}
		if strings.HasSuffix(lines[i], ">") {
			return ""
		}
	}
	return ""
}

// waitInput waits until exactly a text stands in the prompt.
func (s *screen) waitInput(want string) string {
	s.t.Helper()
	return s.wait("the input "+want, func(text string) bool { return input(text) == want })
}

// ends waits for the program, and checks its exit code and that the terminal is as it was.
func (s *screen) ends(code int) {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.stuck("it does not end")
	}
	var exit *exec.ExitError
	if s.exitErr != nil && !errors.As(s.exitErr, &exit) {
		s.t.Fatal(s.exitErr)
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d, want %d; the screen is\n%s", got, code, s.text())
	}
	if got := s.termios(); got != s.before {
		s.t.Errorf("the terminal was left as %+v, and found as %+v", got, s.before)
	}
}

// resize changes the size of the window.
func (s *screen) resize(cols, rows int) {
	s.t.Helper()
	s.mu.Lock()
	s.vt.Resize(cols, rows)
	s.mu.Unlock()
	if err := pty.Setsize(s.keys, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		s.t.Fatal(err)
	}
}

// stored are the files under the state folder.
func (s *screen) stored() map[string]string {
	s.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(s.state, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}
