//go:build unix

package cmd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Output that the window is too small for goes to the pager, and no other.
func TestShellPager(t *testing.T) {
	s := openShell(t, environment("PAGER=wc -l"))
	s.send("set pager=auto\r")
	s.waitPrompt()
	s.send("SayHello name=Ada\r")
	s.waitFor(`"message": "Hello, Ada!"`)
	s.waitFor("OK ·")
	s.send("describe Lab\r")
	s.wait("a number of lines", func(text string) bool {
		n := 0
		_, err := fmt.Sscan(lineBefore(text), &n)
		return err == nil && n > 24
	})
	if text := s.text(); strings.Contains(text, "rpc Echo") {
		t.Errorf("it was printed, too:\n%s", text)
	}
	s.send("Watch count=40 -o ndjson\r") // a stream comes as it comes
	s.waitFor(`"seq":40`)
	s.waitFor("40 messages")
	s.send("describe Lab > lab.txt\r")
	s.waitPrompt()
	s.send("set pager=off\r")
	s.waitPrompt()
	s.send("describe Lab\r")
	s.waitFor("rpc Subscribe")
}

func TestShellPagerThatIsNotThere(t *testing.T) {
	s := openShell(t, environment("PAGER=no-such-pager"))
	s.send("set pager=auto\rdescribe Lab\r")
	s.waitFor("rpc Subscribe")
	s.waitPrompt()
}

// On a production target, a call that may change something is made at the second Enter.
func TestShellConfirm(t *testing.T) {
	server, addr := demoServer(t)
	config := filepath.Join(t.TempDir(), "config")
	file := filepath.Join(config, "rpcctl", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("contexts:\n  prod:\n    addr: "+addr+"\n    production: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openScreen(t, []setting{environment("XDG_CONFIG_HOME=" + config)}, "rpcctl", "--context", "prod", "shell")
	s.server = server
	s.waitFor("schema:")
	s.waitFor("PRODUCTION")
	s.send("set confirm=on\r")
	s.waitPrompt()
	s.send("PlaceOrder id=a\r")
	s.waitFor("Enter again calls PlaceOrder")
	s.waitInput("PlaceOrder id=a")
	if n := server.Stats().Calls[placeOrder].Started; n != 0 {
		t.Errorf("%d calls before the second Enter", n)
	}
	s.send("b\r") // another line asks again
	s.waitInput("PlaceOrder id=ab")
	s.send("\r")
	s.waitFor(`"id": "ab"`)
	s.waitPrompt()
	if n := server.Stats().Calls[placeOrder].Started; n != 1 {
		t.Errorf("%d calls", n)
	}
	s.send("GetOrder id=ab\r") // which says that it changes nothing
	s.wait("the order", func(text string) bool { return strings.Count(text, `"id": "ab"`) == 2 })
}

// The answers of a job come above the line when the setting asks for that.
func TestShellLiveJobs(t *testing.T) {
	s := openShell(t)
	s.send("set job-output=live\r")
	s.waitPrompt()
	s.send("Watch count=3 delay_ms=50 &\rhalf")
	s.waitFor(`[%1] ◀ {"seq":3`)
	s.waitFor("[%1] Watch: OK, ")
	s.waitInput("half")
	s.send(ctrl('u') + "Watch count=100000 delay_ms=50 &\r")
	s.waitFor("[%2] ◀")
	s.send("fg %2\r")
	s.waitFor("\n  \"seq\": ")
	s.send(ctrl('c'))
	s.waitFor("CANCELLED")
	s.waitPrompt()
}

// A line of the history without its secret asks for it, and neither shows nor stores it.
func TestShellAsksForSecrets(t *testing.T) {
	s := openShell(t)
	s.send("Lab.Metadata -H 'x-api-key: first' -o ndjson\r")
	s.waitFor(`"x-api-key","text":"first"`)
	s.waitPrompt()
	s.send(keyUp)
	s.waitInput("Lab.Metadata -H 'x-api-key: ‹redacted›' -o ndjson")
	s.send("\r")
	s.waitFor("x-api-key (not shown):")
	s.send("s3cr3t\r")
	s.waitFor(`"x-api-key","text":"s3cr3t"`) // the server tells what it got
	s.waitPrompt()
	if text := s.text(); strings.Count(text, "s3cr3t") != 1 {
		t.Errorf("it was shown:\n%s", text)
	}
	s.send(keyUp + "\r")
	s.wait("another question", func(text string) bool { return strings.HasSuffix(text, "(not shown):") })
	s.send(ctrl('c'))
	s.waitInput("Lab.Metadata -H 'x-api-key: ‹redacted›' -o ndjson")
	s.send(ctrl('u') + "exit\r")
	s.ends(0)
	for path, text := range s.stored() {
		if strings.Contains(text, "s3cr3t") {
			t.Errorf("%s: %s", path, text)
		}
	}
}

// A server that does not read is reported, and what is typed stays.
func TestShellServerDoesNotRead(t *testing.T) {
	s := openShell(t)
	if err := os.WriteFile(filepath.Join(s.dir, "big.txt"), []byte(strings.Repeat("x", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.send("Chat -o ndjson\r")
	s.waitFor("Chat>")
	s.send("text=a delay_ms=6000\r")
	for range 4 {
		s.send("text=@big.txt\r")
	}
	s.send("text=half")
	s.waitFor("the server is not reading")
	s.waitInput("text=half")
	s.send(ctrl('u') + ctrl('c'))
	s.waitFor("CANCELLED")
	s.waitPrompt()
}

func TestShellMarksBrackets(t *testing.T) {
	s := openShell(t)
	s.send(`PlaceOrder {"id": "x"}`)
	s.waitInput(`PlaceOrder {"id": "x"}`)
	s.mu.Lock()
	raw := string(s.raw)
	s.mu.Unlock()
	last := raw[strings.LastIndex(raw, "\x1b[?2026h"):]
	if !strings.Contains(last, "\x1b[0;1;4m{") || !strings.Contains(last, "\x1b[0;1;4m}") {
		t.Errorf("the brackets are not marked: %q", last)
	}
}

// A paste whose end never comes, since a question took it, is ended by Ctrl-C.
func TestShellEndsAnOpenPaste(t *testing.T) {
	s := openShell(t)
	s.send(pasteFrom + "lost")
	for range 100 { // one that is read together with the paste belongs to it
		s.mu.Lock()
		drawn := len(s.raw)
		s.mu.Unlock()
		s.send(ctrl('c'))
		s.settle(drawn)
		if strings.Contains(s.text(), "lost") {
			break
		}
	}
	s.waitFor("lost")
	s.send("typed")
	s.waitInput("typed")
	s.send(ctrl('u') + "exit\r")
	s.ends(0)
}
