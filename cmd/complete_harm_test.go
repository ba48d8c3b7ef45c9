//go:build unix

package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// strangersFolder is a folder whose files have names that a shell could take for commands.
// In it are a program that leaves a mark when it runs, also under the name of rpcctl, and
// a file to keep.
func strangersFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"$(touch${IFS}pwned-a)", "`touch${IFS}pwned-b`", "x$(touch${IFS}pwned-c)1", "x$(touch${IFS}pwned-c)2", "(touch pwned-d)", "y;touch${IFS}pwned-e;1", "y;touch${IFS}pwned-e;2", "z|touch${IFS}pwned-f", "note -;e;=", "plain.json", "schema.proto"} {
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"e", "rpcctl"} {
		if err := os.WriteFile(filepath.Join(dir, "bin", program), []byte("#!/bin/sh\n: >pwned-$$\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "keep"), []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tabOn types a line and Tab several times, so that inserted text is completed, too. Then it
// removes the line.
func (term *terminal) tabOn(line string) {
	term.t.Helper()
	term.send(line + "\t\t\t x\t" + "\x15" + "\n")
	term.expect("ready> ")
	term.send("echo at'-'rest\n")
	term.expect("at-rest\r\n")
	term.expect("ready> ")
}

// Tab runs nothing: not what files and fields are called, nor what was typed and not
// entered.
func TestCompletionRunsNothing(t *testing.T) {
	for name := range shellSetups {
		t.Run(name, func(t *testing.T) {
			dir, addr := strangersFolder(t), hostileServer(t)
			set := command(t, "rpcctl", "context", "set", "plain", "addr="+addr)
			set.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir)
			if out, err := set.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			term := startShell(t, name, dir, "RPCCTL_ADDR="+addr)
			for _, typed := range []string{
				"--auth-command 'touch pwned-h' call S.", "--auth-command 'touch pwned-i' call M f", "--basic me call M f",
				"call M @", "call M @x", "call M @y", "call M @z", "call M @(", "call M {", "call M o", "--context ", "call -o js M @x",
				"call M f1=$(touch pwned-j) f", "call M f1=`touch pwned-k` f", "call M 'f1=(touch pwned-l)' f", "call M 'f1=$(touch pwned-m)' f", "call M f1=a'\"'b f",
			} {
				if name == "fish" && strings.Contains(typed, "`") {
					continue
				}
				term.tabOn("rpcctl " + typed)
			}
			if found, err := filepath.Glob(filepath.Join(dir, "pwned*")); err != nil || len(found) > 0 {
				t.Errorf("%v, %q", err, found)
			}
			// Ordinary names still complete.
			term.send("rpcctl call M @pl\t\n")
			term.expect("<call><M><@plain.json>\r\n")
			term.send("rpcctl --context pl\t\n")
			term.expect("<--context><plain>\r\n")
			term.send("rpcctl call M f59\t\n")
			term.expect("<call><M><f59=>\r\n")
		})
	}
}

// Tab runs nothing in quotes, however often the line is read, and no program named rpcctl in
// the folder.
func TestCompletionLeavesQuotedText(t *testing.T) {
	for name := range shellSetups {
		t.Run(name, func(t *testing.T) {
			dir, addr := strangersFolder(t), hostileServer(t)
			term := startShell(t, name, dir, "RPCCTL_ADDR="+addr, "PATH="+os.Getenv("PATH")+":"+filepath.Join(dir, "bin"))
			for _, typed := range []string{
				"call M 'f1=x -;e;='", "call M \"f1=x -;e;=\"", "call M f1=x\\ -\\;e\\;=", "call M 'f1=a';'e;' f", "call M 'f1=x;e;' f", "call M \"f1=a'b;e;\" f",
				"call M '-;e;=", "--output '-x=;e;=", "--cacert 'not", "--cacert 'note -;e;=", "--cacert 'note -;e;='", "--cacert note", "call M --output-file 'not", "--cacert note\\ -\\;e\\;=",
				"--proto '$x;e;", "--proto '$(e)", "--proto '`e`", "--cacert ~';e;'/", "--cacert ~\\;e\\;/", "--cacert \"~;e;/", "--cacert '$(e)/",
				"--cacert x > '$x;e;", "--cacert x > '$(e)", "call M 'f1=a[$(e)]' f", "call M f1=$x[`e`] f", "call M f1=${x:-$(e)} f", "call M f1=$((a[$(e)])) f", "call M =(e) f", "call M <(e) f",
			} {
				if name == "fish" && strings.Contains(typed, "`") {
					continue
				}
				term.tabOn("rpcctl " + typed)
				if found, err := filepath.Glob(filepath.Join(dir, "pwned*")); err != nil || len(found) > 0 {
					t.Errorf("%s: %v, %q", typed, err, found)
					for _, file := range found {
						os.Remove(file)
					}
				}
			}
			for _, program := range []string{"bin/rpcctl", dir + "/bin/rpcctl", "$PWD/bin/rpcctl"} {
				term.tabOn(program + " call M f")
				if found, err := filepath.Glob(filepath.Join(dir, "pwned*")); err != nil || len(found) > 0 {
					t.Fatalf("%s: %v, %q", program, err, found)
				}
			}
			for line, want := range map[string]string{
				"call 'M' f59":               "<call><M><f59=>",
				"call M 'f1=a b' f59":        "<call><M><f1=a b><f59=>",
				"call M f1=\"a\\\"b'\" f59":  "<call><M><f1=a\"b'><f59=>",
				"call M f1=ü\\ b f59":        "<call><M><f1=ü b><f59=>",
				"-a " + addr + " call M f59": "<-a><" + addr + "><call><M><f59=>",
				"call M --output=eve":        "<call><M><--output=events>",
				"--cacert pl":                "<--cacert><plain.json>",
				"--cacert '' call M f59":     "<--cacert><><call><M><f59=>",
				"--proto sch":                "<--proto><schema.proto>",
				"--cacert $RPCCTL_ADD":       "<--cacert><" + addr + ">",
				"-a $RPCCTL_ADDR call M f59": "<-a><" + addr + "><call><M><f59=>",
			} {
				term.send("rpcctl " + line + "\t\n")
				term.expect(want + "\r\n")
			}
		})
	}
}

// Tab opens no file that the line redirects to.
func TestCompletionRedirectsNothing(t *testing.T) {
	for name := range shellSetups {
		t.Run(name, func(t *testing.T) {
			dir, addr := strangersFolder(t), hostileServer(t)
			term := startShell(t, name, dir, "RPCCTL_ADDR="+addr)
			for _, redirection := range []string{
				">keep", "> keep", ">|keep", ">| keep", "2>keep", "12>keep", "12> keep", "123> keep", "&>keep", "&> keep", ">&keep", "{fd}>keep", "{fd}> keep", "f1=a>keep", "f1=a> keep", "'f1=a'>keep", ">>new", "12>>new", "<>new", "12<>new", "12> new",
			} {
				term.tabOn("rpcctl call M " + redirection)
				if text, err := os.ReadFile(filepath.Join(dir, "keep")); string(text) != "kept" {
					t.Fatalf("%s: %q, %v", redirection, text, err)
				}
				if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
					t.Fatalf("%s: the file is there", redirection)
				}
			}
			for _, redirection := range []string{"2>/dev/null", "2> /dev/null", "9>/dev/null", "12>/dev/null", "12> /dev/null"} {
				if name != "bash" && strings.HasPrefix(redirection, "12") {
					continue // which is a word, and the output of the command
				}
				term.send("rpcctl call M " + redirection + " f59\t\n")
				term.expect("<call><M><f59=>\r\n")
			}
		})
	}
}

// A directive that is not a number is not used as one: a shell evaluates numbers.
func TestCompletionWithoutADirective(t *testing.T) {
	for name := range shellSetups {
		t.Run(name, func(t *testing.T) {
			dir := strangersFolder(t)
			term := startShell(t, name, dir, "PATH="+os.Getenv("PATH")+":"+filepath.Join(dir, "bin"))
			end := "}"
			if name == "fish" {
				end = "end"
			}
			for _, said := range []string{"f1=1:x[$(e)]", ":x[$(e)]", "f1=1\n:x[$(e)]", ":4x[$(e)]"} {
				define := "rpcctl() { printf '" + said + "\\n'; " + end + "\n"
				if name == "fish" {
					define = "function rpcctl; printf '" + said + "\\n'; " + end + "\n"
				}
				term.send(define)
				term.expect("ready> ")
				term.tabOn("rpcctl call M f")
			}
			if found, err := filepath.Glob(filepath.Join(dir, "pwned*")); err != nil || len(found) > 0 {
				t.Errorf("%v, %q", err, found)
			}
		})
	}
}

// The scripts take the quotes off as the shells do, and run nothing on the way.
func TestCompletionUnquotes(t *testing.T) {
	for name, load := range map[string]string{"bash": ". ./script", "zsh": "compdef() { :; }; . ./script; setopt extendedglob"} {
		t.Run(name, func(t *testing.T) {
			path, err := exec.LookPath(name)
			if err != nil {
				t.Skipf("%s is not installed", name)
			}
			dir := strangersFolder(t)
			script, err := command(t, "rpcctl", "completion", name).Output()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "script"), script, 0o600); err != nil {
				t.Fatal(err)
			}
			words := []string{
				"", "", "a", "a", `'a b'c`, "a bc", `"a b"`, "a b", `a\ b`, "a b", `'a"\'`, `a"\`, `"a'\"\\\b"`, `a'"\\b`, `'$V'`, "$V", `\$V`, "$V", `"\$V"`, "$V",
				`$V`, "v w", `x$V.y`, "xv w.y", `"${V}1"`, "v w1", `$none.`, ".", "~/x", "/home/x", `'~/x'`, "~/x", "$", "$", "$1", "$1", "ü'é", "üé", "'a", "a", `"a\`, `a\`, "\\", "",
				"$(e)", "$(e)", "`e`", "`e`", `"$(e)"`, "$(e)", "${V:-$(e)}", "${V:-$(e)}", "$V[$(e)]", "v w[$(e)]", "${V[$(e)]}", "${V[$(e)]}", "$((V[$(e)]))", "$((V[$(e)]))", "a;e;", "a;e;", ">keep", ">keep",
			}
			args := []string{"-c", load + `; for word; do __rpcctl_unquote "$word"; printf '%s\n' "$plain"; done`, name}
			for i := 0; i < len(words); i += 2 {
				args = append(args, words[i])
			}
			cmd := command(t, path, args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "V=v w", "HOME=/home", "PATH="+filepath.Join(dir, "bin"))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			got := strings.Split(string(out), "\n")
			for i := 0; i < len(words); i += 2 {
				if got[i/2] != words[i+1] {
					t.Errorf("%s: %q, not %q", words[i], got[i/2], words[i+1])
				}
			}
			if found, err := filepath.Glob(filepath.Join(dir, "pwned*")); err != nil || len(found) > 0 {
				t.Errorf("%v, %q", err, found)
			}
		})
	}
}
