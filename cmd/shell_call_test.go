//go:build unix

package cmd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/testserver"
)

const slow = "/rpcctl.demo.v1.Lab/Slow"

// The prompt comes first, and the schema is printed above it.
func TestShellStart(t *testing.T) {
	s := openShell(t)
	s.send("half")
	text := s.waitInput("half")
	lines := strings.Split(text, "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "rpcctl ") || !strings.HasPrefix(lines[1], "schema: ") || !strings.HasSuffix(lines[2], "> half") {
		t.Errorf("the screen is\n%s", text)
	}
}

func TestShellCall(t *testing.T) {
	s := openShell(t)
	s.send("Shop.PlaceOrder id=a kind=TOY\r")
	s.waitFor("OK ·")
	text := s.waitPrompt()
	if !strings.Contains(text, `"kind": "KIND_TOY"`) || !strings.Contains(text, "1 message") || !strings.Contains(text, "$1") {
		t.Errorf("the screen is\n%s", text)
	}
}

// What is typed ahead of a call runs after it, in its order.
func TestShellBurst(t *testing.T) {
	s := openShell(t)
	s.send("PlaceOrder id=a\rlist\r")
	text := s.waitFor("rpcctl.demo.v1.Warehouse")
	if a, b := strings.Index(text, `"id": "a"`), strings.Index(text, "rpcctl.demo.v1.Editions"); a < 0 || b < a {
		t.Errorf("the screen is\n%s", text)
	}
	s.waitPrompt()
}

func TestShellUnknownMethod(t *testing.T) {
	s := openShell(t)
	s.send("PlaceOder\r")
	text := s.waitFor("did you mean PlaceOrder?")
	prompt := strings.Index(lineWith(text, "> PlaceOder"), "PlaceOder")
	if mark := strings.Index(lineWith(text, "~~~~~~~~~"), "~~~~~~~~~"); mark != prompt {
		t.Errorf("the mark is at %d, the word at %d:\n%s", mark, prompt, text)
	}
	s.waitInput("PlaceOder") // it is given back
	s.send(ctrl('u') + "$?\r")
	s.wait("a code", func(text string) bool { return strings.Contains(text, "\n2\n") })
}

// lineWith is the first line that contains a text.
func lineWith(text, part string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// Ctrl-C cancels the call, the server sees it, and nothing else happens.
func TestShellInterrupt(t *testing.T) {
	s := openShell(t)
	s.send("Slow\r")
	await(t, s.server, func(st testserver.Stats) bool { return st.Calls[slow].Started == 1 })
	s.waitFor("Slow 1.") // the row that says that it runs, after a second
	s.send("typed ahead")
	pressed := time.Now()
	s.send(ctrl('c'))
	s.waitFor("CANCELLED")
	if took := time.Since(pressed); took > 2*time.Second { // ten times what it should take
		t.Errorf("it took %s", took)
	}
	await(t, s.server, func(st testserver.Stats) bool { return st.Calls[slow].Cancelled == 1 })
	s.waitInput("typed ahead")
	s.send(ctrl('u') + "SayHello name=World\r")
	s.waitFor("Hello, World!")
	s.waitPrompt()
}

func TestShellPipesAndFiles(t *testing.T) {
	s := openShell(t)
	s.send("PlaceOrder id=abc\r")
	s.waitFor("$1")
	// A program of the test replaces jq.
	s.send("PlaceOrder id=$_.id | sed -n 's/.*\"id\": \"\\(.*\\)\".*/=\\1=/p'\r")
	s.waitFor("\n=abc=\n")
	s.send("PlaceOrder id=$_.id > out.json\r")
	s.wait("a third prompt", func(text string) bool { return strings.Count(text, "> PlaceOrder") == 3 && input(text) == "" })
	text, err := os.ReadFile(filepath.Join(s.dir, "out.json"))
	if err != nil {
		t.Fatal(err)
	}
	var order struct{ ID string }
	if err := json.Unmarshal(text, &order); err != nil || order.ID != "abc" {
		t.Errorf("the file has %q: %v", text, err)
	}
	s.send("list nothing | cat; false\r")
	s.waitPrompt()
	s.send("$?\r")
	s.wait("a code", func(text string) bool { return strings.Contains(text, "\n2\n") })
}

func TestShellScripts(t *testing.T) {
	_, addr := demoServer(t)
	run := func(stdin string, env []string, args ...string) (stdout, stderr string, code int) {
		c := command(t, "rpcctl", append([]string{"-a", addr, "shell"}, args...)...)
		c.Env = append(os.Environ(), env...)
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no controlling terminal
		c.Stdin = strings.NewReader(stdin)
		var out, errs strings.Builder
		c.Stdout, c.Stderr = &out, &errs
		_ = c.Run() // the code tells
		return out.String(), errs.String(), c.ProcessState.ExitCode()
	}
	t.Run("stops at the first failure", func(t *testing.T) {
		stdout, stderr, code := run("list\nFail\nlist\n", nil)
		if code != 73 || strings.Count(stdout, "rpcctl.demo.v1.Shop\n") != 1 || !strings.HasPrefix(stderr, "stdin:2:1: FAILED_PRECONDITION (9)") {
			t.Errorf("code %d\n%s\n%s", code, stdout, stderr)
		}
	})
	t.Run("keeps going", func(t *testing.T) {
		stdout, _, code := run("list\nFail\nlist\n", nil, "--keep-going")
		if code != 73 || strings.Count(stdout, "rpcctl.demo.v1.Shop\n") != 2 {
			t.Errorf("code %d\n%s", code, stdout)
		}
	})
	t.Run("no terminal", func(t *testing.T) {
		c := command(t, "rpcctl", "-a", addr, "shell") // standard input is /dev/null
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		if stdout, stderr, code := run("", nil); code != 0 || stdout+stderr != "" {
			t.Errorf("code %d: %s%s", code, stdout, stderr)
		}
	})
	t.Run("no escapes", func(t *testing.T) {
		for _, env := range []string{"NO_COLOR=1", "TERM=dumb", "TERM=xterm"} {
			stdout, stderr, _ := run("PlaceOrder id=a\nFail\n", []string{env})
			if strings.Contains(stdout+stderr, "\x1b") {
				t.Errorf("%s: %q%q", env, stdout, stderr)
			}
		}
	})
	t.Run("-c with variables", func(t *testing.T) {
		t.Setenv("SHELL_TEST_ID", "from the environment")
		stdout, stderr, code := run("", nil, "-c", "$o = PlaceOrder id=${ENV:SHELL_TEST_ID} kind=TOY", "-c", "GetOrder id=$o.id | grep kind", "-c", "$o.kind")
		if code != 0 || stdout != "  \"kind\": \"KIND_TOY\",\n\"KIND_TOY\"\n" {
			t.Errorf("code %d\n%s\n%s", code, stdout, stderr)
		}
	})
	t.Run("a program that does not read", func(t *testing.T) {
		for script, want := range map[string]int{"Lab.Count n=20000 | exit 3": 3, "Lab.Count n=20000 | exit 0": 0, "Lab.Count n=20000 | head -n 1": 0} {
			if stdout, stderr, code := run("", nil, "-c", script); code != want || stderr != "" {
				t.Errorf("%s: code %d, want %d\n%s\n%s", script, code, want, stdout, stderr)
			}
		}
	})
	t.Run("-f with a place", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "smoke.rpc")
		if err := os.WriteFile(file, []byte("# a comment\nlist > /dev/null\n\n  PlaceOrder {\n  \"big\": \"zz\"\n}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, stderr, code := run("", nil, "-f", file)
		if code != 2 || !strings.HasPrefix(stderr, file+":4:3: ") || !strings.Contains(stderr, "int64") {
			t.Errorf("code %d\n%s", code, stderr)
		}
	})
}

// NO_COLOR keeps bold and reverse, and a dumb terminal gets no escape at all.
func TestShellWithoutColour(t *testing.T) {
	s := openShell(t, environment("NO_COLOR=1"))
	s.send("PlaceOder\r")
	s.waitFor("did you mean")
	s.mu.Lock()
	raw := string(s.raw)
	s.mu.Unlock()
	for _, code := range []string{"[3", "[0;3", "[1;3", "[0;2", "[4;3"} {
		for digit := range strings.SplitSeq("0 1 2 3 4 5 6 7", " ") {
			if strings.Contains(raw, "\x1b"+code+digit+"m") {
				t.Errorf("%q is in the output", code+digit+"m")
			}
		}
	}
}

func TestShellOnADumbTerminal(t *testing.T) {
	for _, term := range []string{"TERM=dumb", "TERM="} {
		server, addr := demoServer(t)
		s := openScreen(t, []setting{environment(term)}, "rpcctl", "-a", addr, "shell")
		s.server = server
		s.waitPrompt()
		s.send("PlaceOrder {\n")
		s.waitFor("\n...")
		s.send("id: 'a'}\n")
		s.waitFor(`"id": "a"`)
		s.send("Slow\n")
		await(t, server, func(st testserver.Stats) bool { return st.Calls[slow].Started == 1 })
		s.send(ctrl('c'))
		s.waitFor("CANCELLED")
		s.waitPrompt()
		s.send(ctrl('d'))
		s.ends(0)
		s.mu.Lock()
		raw := string(s.raw)
		s.mu.Unlock()
		if strings.Contains(raw, "\x1b") {
			t.Errorf("%s: an escape is in %q", term, raw)
		}
	}
}
