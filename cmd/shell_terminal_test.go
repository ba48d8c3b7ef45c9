//go:build unix

package cmd_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/rpcctl/rpcctl/testserver"
)

// However the shell ends, the terminal is as it was found; ends checks that.
func TestShellLeavesTheTerminalAsItWas(t *testing.T) {
	for name, c := range map[string]struct {
		leave func(s *screen)
		code  int
	}{
		"exit":      {func(s *screen) { s.send("exit\r") }, 0},
		"Ctrl-D":    {func(s *screen) { s.send(ctrl('d')) }, 0},
		"terminate": {func(s *screen) { s.signal(syscall.SIGTERM) }, 143},
		"hang up":   {func(s *screen) { s.signal(syscall.SIGHUP) }, 129},
		"terminate in a call": {func(s *screen) {
			s.send("Slow\r")
			await(s.t, s.server, func(st testserver.Stats) bool { return st.Calls[slow].Started == 1 })
			s.signal(syscall.SIGTERM)
		}, 143},
		"hang up in a call": {func(s *screen) {
			s.send("Slow\r")
			await(s.t, s.server, func(st testserver.Stats) bool { return st.Calls[slow].Started == 1 })
			s.signal(syscall.SIGHUP)
		}, 129},
		"exit typed ahead of a call": {func(s *screen) { s.send("Slow duration=0.1s\rexit\r") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShell(t)
			s.send("SayHello name=Kept\r")
			s.waitFor("Hello, Kept!")
			s.waitPrompt()
			c.leave(s)
			s.ends(c.code)
			kept := false
			for _, text := range s.stored() {
				kept = kept || strings.Contains(text, "name=Kept")
			}
			if !kept {
				t.Error("the history was lost")
			}
		})
	}
}

func (s *screen) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// SIGQUIT at the question for a password leaves the terminal as it was.
func TestQuitAtThePassword(t *testing.T) {
	_, addr := demoServer(t)
	s := openScreen(t, nil, "rpcctl", "-a", addr, "call", "Lab.Metadata", "--basic", "me")
	s.waitFor("password of me:")
	s.signal(syscall.SIGQUIT)
	s.ends(2)
}

// A panic in a key or in a goroutine leaves the terminal as it was, too.
func TestShellCrash(t *testing.T) {
	for key, name := range map[string]string{"\x1b[23~": "in a key", "\x1b[24~": "in a goroutine", "\x1b[21~": "in a call's goroutine"} {
		t.Run(name, func(t *testing.T) {
			s := openScreen(t, []setting{sized(160, 100)}, "editor-that-crashes")
			s.waitFor(">")
			s.send("typed")
			s.waitInput("typed")
			s.send(key)
			s.ends(134)
			s.waitFor("internal fault: on purpose")
			s.waitFor("goroutine ")
		})
	}
}

// Ctrl-Z stops the shell, with the terminal as its parent needs it, and fg brings it back with
// what was typed.
func TestShellSuspends(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash to suspend it in")
	}
	_, addr := demoServer(t)
	s := openScreen(t, nil, bash, "--norc", "--noprofile", "--noediting", "-i")
	s.waitFor("$")
	s.send("stty -a > before; rpcctl -a " + addr + " shell\r")
	s.waitFor("schema:")
	s.send("half")
	s.waitInput("half")
	s.send(ctrl('z'))
	s.wait("bash's prompt", func(text string) bool { return strings.Contains(text, "Stopped") && strings.HasSuffix(text, "\n$") })
	s.send("stty -a | diff before - && echo same\r")
	s.waitFor("\nsame")
	s.send("fg\r")
	s.waitInput("half")
	s.send(" typed")
	s.waitInput("half typed")
	s.send(ctrl('c') + ctrl('d'))
	s.wait("the shell's end", func(text string) bool { return strings.HasSuffix(text, "$") })
	s.send("stty -a | diff before - && echo still the same\r")
	s.waitFor("\nstill the same")
	s.send("exit\r")
}
