//go:build unix

package cmd_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/rpcctl/rpcctl/testserver"
)

// A terminal is a shell at the other end of a pseudo-terminal.
type terminal struct {
	t    *testing.T
	pty  *os.File
	seen bytes.Buffer
	read chan []byte
}

// shellSetups are how each shell is started with nothing but rpcctl's completion.
var shellSetups = map[string]func(dir string) (args []string, setup string){
	"bash": func(dir string) ([]string, string) {
		return []string{"--norc", "--noprofile", "-i"},
			"PS1='ready''> '; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; " +
				". /usr/share/bash-completion/bash_completion; . " + dir + "/rpcctl.bash; " + shownArguments
	},
	"zsh": func(dir string) ([]string, string) {
		return []string{"-f", "-i"}, "unsetopt beep zle_bracketed_paste prompt_sp; PS1='ready''> '; autoload -Uz compinit; compinit -u -d " + dir + "/dump; . " + dir + "/rpcctl.zsh; compdef _rpcctl rpcctl; " + shownArguments
	},
	"fish": func(dir string) ([]string, string) {
		return []string{"--no-config", "-i"}, "function fish_prompt; echo -n 'ready''> '; end; source " + dir + "/rpcctl.fish; " +
			"function rpcctl; if string match -q '__complete*' -- $argv[1]; command rpcctl $argv; else; printf '<%s>' $argv; echo; end; end"
	},
}

// shownArguments puts a function in the place of rpcctl that shows its arguments,
// and leaves completion to the real one.
const shownArguments = `rpcctl() { case $1 in __complete*) command rpcctl "$@";; *) printf '<%s>' "$@"; echo;; esac; }`

func startShell(t *testing.T, name, dir string, env ...string) *terminal {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	if name == "bash" {
		if _, err := os.Stat("/usr/share/bash-completion/bash_completion"); err != nil {
			t.Skip("bash-completion is not installed, which completion in bash needs")
		}
	}
	script, err := command(t, "rpcctl", "completion", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rpcctl."+name), script, 0o600); err != nil {
		t.Fatal(err)
	}
	args, setup := shellSetups[name](dir)
	cmd := command(t, path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"TERM=dumb", "HOME=" + dir, "XDG_CACHE_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir}, env...)...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, pty: f, read: make(chan []byte, 64)}
	go func() {
		defer close(term.read)
		for {
			buf := make([]byte, 4096)
			n, err := f.Read(buf)
			if n > 0 {
				term.read <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		f.Close()
		for open := true; open; {
			open = receive(t, term.read) != nil
		}
		cmd.Wait()
	})
	term.send(setup + "\n")
	term.expect("ready> ")
	return term
}

func (term *terminal) send(text string) {
	term.t.Helper()
	if _, err := io.WriteString(term.pty, text); err != nil {
		term.t.Fatal(err)
	}
}

// expect waits until a text comes, and returns what came up to its end.
func (term *terminal) expect(want string) string {
	term.t.Helper()
	deadline := time.After(patience)
	for !strings.Contains(term.seen.String(), want) {
		select {
		case b, ok := <-term.read:
			if !ok {
				term.t.Fatalf("the shell has ended: %q", term.seen.String())
			}
			term.seen.Write(b)
		case <-deadline:
			term.t.Fatalf("waited for %q, got %q", want, term.seen.String())
		}
	}
	before, after, _ := strings.Cut(term.seen.String(), want)
	term.seen.Reset()
	term.seen.WriteString(after)
	return before + want
}

// Completion in real shells: what a person types, and what Tab makes of it.
func TestCompletionInShells(t *testing.T) {
	for name := range shellSetups {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server := testserver.New(testserver.Options{})
			go server.Serve(l)
			t.Cleanup(server.Close)
			term := startShell(t, name, dir, "RPCCTL_ADDR="+l.Addr().String())
			for _, tt := range []struct{ typed, want string }{
				{"call Greeter.SayH", "call Greeter.SayHello"},
				{"call PlaceO", "call PlaceOrder"},
				{"call PlaceOrder gi", "call PlaceOrder gift="},
				{"call PlaceOrder kind=T", "call PlaceOrder kind=TOY"},
				{"call PlaceOrder ship_to.ci", "call PlaceOrder ship_to.city="},
				{"descr", "describe"},
				{"describe OrderE", "describe OrderEvent"},
				{"call Greeter.SayHello --emit", "call Greeter.SayHello --emit-defaults"},
				{"call Greeter.SayHello -o ev", "call Greeter.SayHello -o events"},
			} {
				term.send("rpcctl " + tt.typed + "\t\n")
				want := "<" + strings.ReplaceAll(tt.want, " ", "><") + ">\r\n"
				got := term.expect(want)
				for _, bad := range []string{"rror", "panic", "irective"} {
					if strings.Contains(got, bad) {
						t.Errorf("%s: %q", tt.typed, got)
					}
				}
				term.expect("ready> ")
			}
		})
	}
}

// With a server that is not there, one that never answers, and none at all, Tab does
// nothing, soon and silently.
func TestCompletionWithoutAServer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for name := range shellSetups {
		t.Run(name, func(t *testing.T) {
			for server, addr := range map[string]string{"dead": gone.Addr().String(), "silent": silent.Addr().String(), "none": ""} {
				term := startShell(t, name, t.TempDir(), "RPCCTL_ADDR="+addr)
				for _, typed := range []string{"call Greet", "call Greeter/SayHello na", "list Gre", "describe Gre"} {
					term.send("rpcctl " + typed + "\t\n")
					want := "<" + strings.ReplaceAll(typed, " ", "><") + ">\r\n"
					if got := term.expect(want); strings.Contains(got, "rror") || strings.Contains(got, "refused") {
						t.Errorf("%s server, %s: %q", server, typed, got)
					}
					term.expect("ready> ")
				}
			}
		})
	}
}

// completeWords runs the command that the shells' scripts run.
func completeWords(t *testing.T, env []string, words ...string) (lines []string, took time.Duration) {
	t.Helper()
	cmd := command(t, "rpcctl", append([]string{"__complete"}, words...)...)
	cmd.Env = append(os.Environ(), env...)
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), time.Since(began)
}

// Descriptions of flags have no marks that only the help understands.
func TestCompletionOfFlags(t *testing.T) {
	for _, words := range [][]string{{"--add"}, {"call", "--targ"}} {
		lines, _ := completeWords(t, nil, words...)
		if len(lines) < 2 || !strings.Contains(lines[0], "TARGET") || strings.Contains(lines[0], "`") {
			t.Errorf("%q: %q", words, lines)
		}
	}
}

// With 13,000 methods in the cache a completion takes less than 100 ms, and asks the
// server nothing before.
func TestCompletionOfManyMethods(t *testing.T) {
	var schema strings.Builder
	schema.WriteString(`message_type { name: "Q" field { name: "name" json_name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }`)
	for i := range 1900 {
		fmt.Fprintf(&schema, ` service { name: "Service%04d"`, i)
		for m := range 7 {
			fmt.Fprintf(&schema, ` method { name: "Method%d_%d" input_type: ".a.Q" output_type: ".a.Q" }`, i, m)
		}
		schema.WriteString(" }")
	}
	s := &changing{}
	s.set(schema.String(), "", "")
	addr := s.listen(t)
	dir := t.TempDir()
	env := []string{"RPCCTL_ADDR=" + addr, "XDG_CACHE_HOME=" + dir, "HOME=" + dir}
	fill := command(t, "rpcctl", "list", "-v")
	fill.Env = append(os.Environ(), env...)
	if out, err := fill.CombinedOutput(); err != nil || strings.Count(string(out), "\n") != 1900 {
		t.Fatalf("%v, %d lines", err, strings.Count(string(out), "\n"))
	}
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{[]string{"call", "Method77_"}, "Method77_0\ta.Service0077/Method77_0"},
		{[]string{"call", "a.Service0077/"}, "a.Service0077/Method77_0"},
		{[]string{"call", ""}, "a."},
		{[]string{"list", "Service01"}, "Service0100\ta.Service0100"},
	} {
		best := time.Hour
		for range 7 { // other programs use this machine too
			lines, took := completeWords(t, env, tt.words...)
			if lines[0] != tt.want {
				t.Fatalf("%q: %q", tt.words, lines)
			}
			best = min(best, took)
		}
		t.Logf("%q: %v", tt.words, best)
		if best > 100*time.Millisecond && !raceEnabled {
			t.Errorf("%q: %v", tt.words, best)
		}
	}
}
