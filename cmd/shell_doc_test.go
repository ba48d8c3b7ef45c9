//go:build unix

package cmd_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// A step is an input of the walk through the shell, and the lines that must follow it.
type step struct {
	prompt, input string
	want          []string
}

// docSteps are the steps of a document: lines of its blocks that begin with a prompt, each with
// the lines up to the next.
func docSteps(t *testing.T, name string) []step {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	prompt := regexp.MustCompile(`^(\$ |\.\.\. |[\w@]*:?> )(.*)$`)
	var steps []step
	inBlock := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "```") {
			inBlock = !inBlock
			continue
		}
		switch m := prompt.FindStringSubmatch(line); {
		case !inBlock:
		case m != nil:
			steps = append(steps, step{prompt: m[1], input: m[2]})
		case len(line) == 2 && line[0] == '^':
			steps = append(steps, step{input: line})
		default:
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
		}
	}
	return steps
}

// fitsLine reports whether a line is as the document has it: … stands for anything.
func fitsLine(got, want string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
	ok, err := regexp.MatchString("^"+pattern+"$", got)
	return err == nil && ok
}

// holds reports whether lines of the screen that follow each other begin with a line that has the
// input, and are as wanted.
func (st step) holds(text string, from int) (next int, ok bool) {
	lines := strings.Split(text, "\n")
	for i := from; i < len(lines); i++ {
		if !strings.Contains(lines[i], strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(st.input, "⇥"), "^C"), " ")) {
			continue
		}
		k := i
		if st.input != "" {
			k++
		}
		for _, want := range st.want {
			for k < len(lines) && !fitsLine(lines[k], want) {
				k++
			}
			k++
		}
		if k <= len(lines) {
			return k, true
		}
	}
	return 0, false
}

func (st step) keys() string {
	switch {
	case strings.HasSuffix(st.input, "⇥"):
		return strings.TrimSuffix(st.input, "⇥") + "\t"
	case len(st.input) == 2 && st.input[0] == '^':
		return ctrl(st.input[1] | 0x20)
	}
	return st.input + "\r"
}

// The walk through the shell shows what happens: every step of it is made here, and its output
// compared.
func TestShellWalk(t *testing.T) {
	var s *screen
	from := 0
	for _, st := range docSteps(t, "../docs/shell.md") {
		switch {
		case st.prompt == "$ " && s == nil:
			s = openScreen(t, []setting{sized(120, 400)}, "/bin/sh", "-c", "exec "+st.input)
		case st.prompt == "$ ":
			out, err := command(t, "/bin/sh", "-c", st.input+" 2>&1").CombinedOutput()
			if got := strings.TrimRight(string(out), "\n"); err != nil || got != strings.Join(st.want, "\n") {
				t.Errorf("%s: %v\n%s", st.input, err, got)
			}
			continue
		case st.input == "^C" && st.prompt != "":
			s.wait("a text to drop", func(text string) bool { // below the notice about it
				lines := strings.Split(text, "\n")
				return input(strings.Join(lines[min(from, len(lines)):], "\n")) != ""
			})
			s.send(st.keys())
			s.waitPrompt()
		default:
			s.send(st.keys())
		}
		if st.input == "exit" {
			s.ends(0)
			continue
		}
		look := st
		if st.prompt == "$ " || st.prompt == "... " || len(st.input) == 2 && st.input[0] == '^' {
			look.input = ""
		}
		if len(st.want) > 0 {
			text := s.wait(st.input, func(text string) bool { _, ok := look.holds(text, from); return ok })
			if next, _ := look.holds(text, from); !strings.HasSuffix(st.input, "⇥") { // a menu does not stay
				from = next
			}
		}
		if st.input == "Slow" {
			s.waitFor("Ctrl-C cancels")
		}
	}
}
