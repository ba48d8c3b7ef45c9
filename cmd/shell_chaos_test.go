//go:build unix

package cmd_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	chaosTime = flag.Duration("chaos", 20*time.Second, "how long the shell is given random keys")
	chaosSeed = flag.Uint64("chaos-seed", 0, "the seed of the keys, to see a fault again; 0: another one each time")
)

// chaosKeys are keys and texts, as a cat on the keyboard would press them.
var chaosKeys = []string{
	"\t", "\x1b[Z", "\r", keyEsc, keyUp, keyDown, keyLeft, "\x1b[C", "\x1b[H", "\x1b[F", "\x1b[3~", "\x7f", "\x1bb", "\x1bf", "\x1b\r",
	"\x01", "\x03", "\x05", "\x07", "\x0b", "\x0c", "\x12", "\x15", "\x17", "\x18b", "\x18f", "\x19", "\x1f", "\x1b[1;5D", "\x1bOP",
	"Pl", "PlaceOrder ", "kind=", "{\"ship_to\":{", "}", "]", "\"", "'", "items[+].", "$_", ".id", "日本", "👨‍👩‍👧", "e\u0301", "\x80", "\xff\x01", "\x1b[", "\x1b[200~",
	"\x1b[200~pasted\r\ntext\x1b[201~", "list\r", "Watch count=3 delay_ms=20 &\r", "jobs\r", "SayHello name=x\r", "Chat\r", "text=hi\r", "Fail\r", "help keys\r", "#", "| cat\r",
	"PlaceOrder \x18b", "call -i SayHello\r", "set complete=live\r", "set job-output=live\r", "set pager=off\r", "‹x›", "<y>", "‹redacted›",
}

// Whatever is typed, while jobs end and the window changes, the shell goes on, leaves when
// asked, and leaves the terminal as it was.
func TestShellChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	s := openShell(t)
	for end := time.Now().Add(*chaosTime); time.Now().Before(end); {
		var keys strings.Builder
		for range 1 + random.IntN(8) {
			keys.WriteString(chaosKeys[random.IntN(len(chaosKeys))])
		}
		s.send(keys.String())
		if random.IntN(5) == 0 {
			s.resize(10+random.IntN(120), 2+random.IntN(40))
		}
		s.mu.Lock()
		drawn := len(s.raw)
		gone := s.gone
		s.mu.Unlock()
		if gone {
			t.Fatalf("it is gone: %v\n%s\nwhat was written last:\n%q", s.exitErr, s.text(), s.raw[max(0, len(s.raw)-6000):])
		}
		s.settle(drawn)
	}
	s.resize(80, 24)
	s.calm()
	s.send("exit\r")
	s.ends(0)
}

// settle waits until something was drawn, or a moment has passed: some keys draw nothing.
func (s *screen) settle(drawn int) {
	const length = 30 * time.Millisecond
	end := time.Now().Add(length)
	moment := time.AfterFunc(length, func() { // after end: the wait below sees that it has come
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drawn.Broadcast()
	})
	defer moment.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.raw) == drawn && !s.gone && time.Now().Before(end) {
		s.drawn.Wait()
	}
}

// calm ends whatever is going on: an open paste, a call, a conversation, a search, and what
// was typed. It is over when the shell's own prompt shows the last text: everything before it
// was read by then, however busy the machine is.
func (s *screen) calm() {
	s.t.Helper()
	s.send(keyEsc)
	end := time.Now().Add(patience)
	for n := 0; time.Now().Before(end); n++ {
		// Each attempt ends with the end of a paste, since a question may take the first one
		// for its answer. The first Ctrl-C drops what was typed, and the second ends what is
		// going on.
		s.send(pasteTo + strings.Repeat(ctrl('c'), 2) + fmt.Sprintf("calm-%d.", n))
		calm := regexp.MustCompile(fmt.Sprintf(`(?m)^127\.0\.0\.1:\d+( \[\d+\])?> calm-%d\.`, n))
		for next := time.Now().Add(time.Second); time.Now().Before(next); time.Sleep(10 * time.Millisecond) {
			if calm.MatchString(s.text()) {
				s.send(ctrl('c'))
				return
			}
		}
	}
	s.stuck("it does not come to its prompt")
}
