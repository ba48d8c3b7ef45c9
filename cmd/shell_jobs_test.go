//go:build unix

package cmd_test

import (
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/testserver"
)

const (
	watch = "/rpcctl.demo.v1.Shop/Watch"
	chat  = "/rpcctl.demo.v1.Shop/Chat"
)

func TestShellSendsACallToTheBackground(t *testing.T) {
	s := openShell(t)
	s.send("Watch count=50 delay_ms=100\r")
	s.waitFor(`"seq": 2`)
	s.send(ctrl('z'))
	s.waitFor("[%1] Watch goes on in the background")
	s.send("list")
	s.waitInput("list")
	await(t, s.server, func(st testserver.Stats) bool { return st.Calls[watch].Sent >= 12 })
	if text := s.text(); input(text) != "list" || strings.Contains(text, `"seq": 12`) {
		t.Errorf("the job touched the line:\n%s", text)
	}
	s.send(ctrl('u') + "jobs\r")
	s.waitFor("[%1] Watch: running")
	s.send("fg %1\r")
	s.waitFor(`"seq": 50`)
	s.waitFor("OK ·")
	s.waitPrompt()
}

func TestShellTellsOfJobsAboveTheLine(t *testing.T) {
	s := openShell(t)
	s.send("Watch count=5 delay_ms=200 &\r")
	s.waitFor("[%1] Watch")
	typed := ""
	for _, c := range "describe Ord" { // each key once the one before is there
		s.send(string(c))
		typed += string(c)
		s.waitInput(strings.TrimRight(typed, " "))
	}
	text := s.waitFor("[%1] Watch: OK, ")
	if n := strings.Count(text, "[%1] Watch: OK"); n != 1 {
		t.Errorf("%d notices:\n%s", n, text)
	}
	s.waitInput("describe Ord")
	s.mu.Lock()
	column, row := s.vt.Cursor().X, s.vt.Cursor().Y
	line := strings.Split(s.vt.String(), "\n")[row]
	s.mu.Unlock()
	if want := strings.Index(line, "describe Ord") + len("describe Ord"); column != want {
		t.Errorf("the cursor is in column %d, want %d", column, want)
	}
	s.send(ctrl('u') + "$_:count\r")
	s.wait("the number of messages", func(text string) bool { return strings.Contains(text, "\n5\n") })
}

func TestShellConversation(t *testing.T) {
	s := openShell(t)
	s.send("Chat\r")
	s.waitFor("Chat>")
	s.send("text=a delay_ms=300\rtext=b")
	text := s.waitFor("you said: a")
	if !strings.Contains(lineWith(text, "you said"), "◀") {
		t.Errorf("the screen is\n%s", text)
	}
	s.waitInput("text=b")
	s.send("\r")
	s.waitFor("you said: b")
	s.send(ctrl('d'))
	s.waitFor("OK ·")
	s.waitPrompt()
	await(t, s.server, func(st testserver.Stats) bool { return st.Calls[chat].Ended == 1 && st.Calls[chat].Received == 2 })
}

// What is typed when the server ends the stream is not lost.
func TestShellServerEndsTheConversation(t *testing.T) {
	s := openShell(t)
	s.send("Chat\r")
	s.waitFor("Chat>")
	s.send("text=bye delay_ms=300\rtext=hal")
	s.waitInput("text=hal")
	s.waitFor("goodbye")
	s.waitFor("OK ·")
	s.waitPrompt()
	s.send(keyUp)
	s.waitInput("text=hal")
}

// A message that does not fit is not sent, and comes back.
func TestShellConversationFault(t *testing.T) {
	s := openShell(t)
	s.send("Chat\r")
	s.waitFor("Chat>")
	s.send("txt=a\r")
	text := s.waitFor("did you mean text")
	if strings.Index(lineWith(text, "txt=a"), "txt") != strings.Index(lineWith(text, "~~~"), "~~~") {
		t.Errorf("the screen is\n%s", text)
	}
	s.waitInput("txt=a")
	s.send(ctrl('e') + ctrl('u') + ctrl('c'))
	s.waitFor("CANCELLED")
	s.waitPrompt()
}

func TestShellJobsCommands(t *testing.T) {
	s := openShell(t)
	s.send("Watch count=3 &\rWatch count=100000 delay_ms=1000 &\r")
	s.waitFor("[%1] Watch: OK, ")
	s.send("log %1\r")
	s.waitFor(`"seq": 3`)
	s.send("cancel %2\r")
	s.waitFor("[%2] Watch: CANCELLED")
	s.send("wait --timeout 5s\r")
	s.waitFor("✗ CANCELLED")
	s.send("fg %7\r")
	s.waitFor("no such job")
	s.send("Watch count=100000 delay_ms=1000 &\r")
	s.waitFor("[%3] Watch")
	s.send(ctrl('d'))
	s.waitFor("Ctrl-D again")
	s.send(ctrl('d'))
	s.ends(0)
	await(t, s.server, func(st testserver.Stats) bool { return st.Calls[watch].Ended == 3 })
}
