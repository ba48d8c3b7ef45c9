//go:build linux

package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Lines with a fault, which come back into the prompt, take no more memory the more there are:
// neither when somebody types on in them nor when each is typed again.
func TestShellMemoryOfMistypedLines(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("it takes long, and the race detector needs memory of its own")
	}
	long := strings.Repeat("x", 1000)
	anew := ctrl('e') + ctrl('u')
	for name, lines := range map[string][]string{
		"typed into what came back": {"SayHello nope=" + long},
		"typed anew": {
			anew + "SayHello nope=" + long, anew + "SayHello --nope=" + long, anew + `SayHello {"name" "` + long + `"}`,
			anew + "Nope" + long, anew + "PlaceOrder kind=" + long, anew + "describe " + long,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShell(t)
			const warm, total = 20, 80
			var before int
			for n := range total {
				if n == warm {
					before = s.memory()
				}
				s.sendLine(lines[n%len(lines)])
			}
			after := s.memory()
			t.Logf("%d KiB after %d lines, %d KiB after %d", before, warm, after, total)
			if limit := before + 8<<10; after > limit {
				t.Errorf("%d KiB, the limit is %d", after, limit)
			}
		})
	}
}

// A text that is too long to come back is in the history, whole.
func TestShellRecallsLongMistypedLine(t *testing.T) {
	for name, n := range map[string]int{"typed": 5000, "a paste that a sign stands for": 9000} {
		t.Run(name, func(t *testing.T) {
			s := openShell(t)
			text := "SayHello nope=" + strings.Repeat("x", n)
			s.sendLine(pasteFrom + text + pasteTo)
			s.waitFor("too long to come back")
			s.waitPrompt()
			s.sendLine(keyUp + ctrl('a') + "# ")
			found := false
			for _, kept := range s.stored() {
				found = found || strings.Contains(kept, `"# `+text+`"`)
			}
			if !found {
				t.Error("the line was lost")
			}
		})
	}
}

// sendLine sends a line and waits for the next prompt.
func (s *screen) sendLine(line string) {
	s.t.Helper()
	opened := func() int { return bytes.Count(s.raw, []byte("\x1b[?2004h")) }
	s.mu.Lock()
	before := opened()
	s.mu.Unlock()
	s.send(line + "\r")
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	defer context.AfterFunc(ctx, s.drawn.Broadcast)()
	s.mu.Lock()
	defer s.mu.Unlock()
	for opened() == before {
		if ctx.Err() != nil || s.gone {
			s.t.Fatalf("no prompt; the screen is\n%s", s.shown())
		}
		s.drawn.Wait()
	}
}

var residentMemory = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// memory is the most that the program has needed so far, in KiB.
func (s *screen) memory() int {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	m := residentMemory.FindSubmatch(text)
	if m == nil {
		s.t.Fatalf("no memory in %s", text)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
