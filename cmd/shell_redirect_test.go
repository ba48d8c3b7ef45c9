//go:build unix

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rpcctl/rpcctl/testserver"
)

const (
	greetings = "/rpcctl.demo.v1.Greeter/StreamGreetings"
	greeting  = "StreamGreetings count=100000 delay_ms=10"
)

// someSent reports whether so much was sent that some of it has arrived.
func someSent(s testserver.Stats) bool { return s.Calls[greetings].Sent > 20 }

// checkPartial checks that a file that is not whole was kept under the name for that, and nothing
// else is in its folder.
func checkPartial(t *testing.T, dir, told string) {
	t.Helper()
	kept := filepath.Join(dir, "out.partial")
	if text, err := os.ReadFile(kept); err != nil || !strings.Contains(string(text), "Hello") {
		t.Errorf("what came is %q, %v", text, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("the folder has %v, %v", files, err)
	}
	if !strings.Contains(told, "hint: what came before is in "+kept) {
		t.Errorf("nobody said where it is: %s", told)
	}
}

// When a signal ends a statement with >, what has come is kept, as --output-file keeps it.
func TestShellRedirectAtASignal(t *testing.T) {
	for name, sig := range map[string]os.Signal{"interrupt": os.Interrupt, "terminate": syscall.SIGTERM, "hang up": syscall.SIGHUP} {
		for _, way := range []string{"-c", "-f", "time", "background"} {
			t.Run(name+" "+way, func(t *testing.T) {
				dir := t.TempDir()
				statement := greeting + " > " + filepath.Join(dir, "out")
				args := []string{"shell", "-c", statement}
				switch way {
				case "-f":
					file := filepath.Join(t.TempDir(), "script")
					if err := os.WriteFile(file, []byte(statement+"\n"), 0o600); err != nil {
						t.Fatal(err)
					}
					args = []string{"shell", "-f", file}
				case "time":
					args[2] = "time " + statement
				case "background":
					args[2] = statement + " &\nLab.Slow duration=100s"
				}
				p, server := start(t, nil, args...)
				await(t, server, someSent)
				if err := p.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				p.ends(65)
				checkPartial(t, dir, p.stderr.String())
			})
		}
	}
}

// When a signal ends a statement with >>, what it has added stays, and is reported.
func TestShellAppendAtASignal(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(out, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, server := start(t, nil, "shell", "-c", greeting+" >> "+out)
	await(t, server, someSent)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(65)
	if text, err := os.ReadFile(out); err != nil || !strings.HasPrefix(string(text), "before\n") || !strings.Contains(string(text), "Hello") {
		t.Errorf("%q, %v", text, err)
	}
	if told := p.stderr.String(); !strings.Contains(told, "hint: what came before is in "+out) {
		t.Errorf("nobody said where it is: %s", told)
	}
}

// The same holds for what is typed: at Ctrl-C, at a signal, and in the background when the shell
// is left.
func TestShellRedirectTyped(t *testing.T) {
	for name, c := range map[string]struct {
		behind string
		end    func(s *screen)
		code   int
	}{
		"Ctrl-C":     {"", func(s *screen) { s.send(ctrl('c')); s.waitPrompt(); s.send(ctrl('d')) }, 0},
		"terminate":  {"", func(s *screen) { s.signal(syscall.SIGTERM) }, 143},
		"hang up":    {"", func(s *screen) { s.signal(syscall.SIGHUP) }, 129},
		"background": {" &", func(s *screen) { s.send("exit\r") }, 0},
		"behind it":  {" &", func(s *screen) { s.signal(syscall.SIGHUP) }, 129},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openShell(t, sized(200, 24))
			s.send(greeting + " > " + filepath.Join(dir, "out") + c.behind + "\r")
			await(t, s.server, someSent)
			c.end(s)
			s.ends(c.code)
			checkPartial(t, dir, s.waitFor("hint: "))
		})
	}
}

// A script ends when what it left in the background has ended, with its output in a file, too.
func TestShellScriptWaitsForRedirects(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	p, _ := start(t, nil, "shell", "-c", "StreamGreetings count=20 delay_ms=10 > "+out+" &")
	p.ends(0)
	if text, err := os.ReadFile(out); err != nil || strings.Count(string(text), `"message"`) != 20 {
		t.Errorf("%q, %v", text, err)
	}
}

// A statement in the background whose output goes elsewhere is a job like others.
func TestShellRedirectIsAJob(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		end       func(s *screen)
	}{
		"cancel":         {greeting + " > out &", func(s *screen) { s.send("cancel %1\r") }},
		"cancel alone":   {greeting + " > out &", func(s *screen) { s.send("cancel\r") }},
		"cancel beside":  {greeting + " > out &", func(s *screen) { s.send("cancel --all > all &\r") }},
		"fg and Ctrl-C":  {greeting + " > out &", func(s *screen) { s.send("fg %1\r"); s.waitFor("Ctrl-C cancels"); s.send(ctrl('c')) }},
		"program":        {greeting + " | cat > out &", func(s *screen) { s.send("cancel %1\r") }},
		"not one by one": {"time " + greeting + " > out &", func(s *screen) { s.send("cancel %1\r") }},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShell(t, sized(200, 24))
			s.send(c.statement + "\r")
			await(t, s.server, someSent)
			s.send("jobs\r")
			s.waitFor("[%1] " + strings.TrimSuffix(c.statement, " &") + ": running")
			c.end(s)
			s.waitFor(": CANCELLED, ")
			s.waitPrompt()
			await(t, s.server, func(st testserver.Stats) bool { return st.Calls[greetings].Ended == 1 })
			s.send(ctrl('d'))
			s.ends(0)
		})
	}
}

// Ctrl-Z sends such a job back to the background, and log does not have its answers.
func TestShellAttendsARedirect(t *testing.T) {
	s := openShell(t, sized(200, 24))
	s.send("StreamGreetings count=300 delay_ms=10 > out &\rfg\r")
	s.waitFor("Ctrl-Z to background")
	s.send(ctrl('z'))
	s.waitFor("goes on in the background")
	s.send("log\r")
	s.waitFor("is where its output goes")
	s.send("fg\r")
	s.waitFor(": OK, ")
	s.waitPrompt()
	if text, err := os.ReadFile(filepath.Join(s.dir, "out")); err != nil || strings.Count(string(text), `"message"`) != 300 {
		t.Errorf("%q, %v", text, err)
	}
}

// wait %1 waits until the file is there, and returns the failure of the statement, which has
// printed it.
func TestShellWaitsForARedirect(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	p, _ := start(t, nil, "shell", "-c", "StreamGreetings count=20 delay_ms=10 > "+out+" &\nwait %1\nshell cat "+out)
	p.until("Hello")
	p.ends(0)
	p, _ = start(t, nil, "shell", "-c", "Lab.Fail code=5 > "+out+" &\nwait %1\nshell touch "+out+".never")
	p.ends(69)
	if n := strings.Count(p.stderr.String(), "NOT_FOUND (5)"); n != 1 {
		t.Errorf("told %d times: %s", n, p.stderr.String())
	}
	if _, err := os.Stat(out + ".never"); err == nil {
		t.Error("the script went on")
	}
}
