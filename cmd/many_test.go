//go:build linux

package cmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/rpcctl/rpcctl/testserver"
)

const hello = "/rpcctl.demo.v1.Greeter/SayHello"

// names writes a list of n requests.
func names(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "{\"name\":\"%d\"}\n", i)
	}
	path := filepath.Join(t.TempDir(), "list.ndjson")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var resume = regexp.MustCompile(`(\d+) answered, (\d+) failed(?:, (\d+) cancelled in flight \(done or not, nobody knows\))?; nothing was sent from request (\d+) on: --skip (\d+)`)

// An interrupt in the middle: what was answered is on standard output, what was in flight is
// among the failures, and --skip does the rest, so that nothing is lost and nothing is
// silently done twice.
func TestInterruptInTheMiddleOfAList(t *testing.T) {
	const n = 60
	for _, keepGoing := range []string{"--keep-going=false", "--keep-going"} {
		t.Run(keepGoing, func(t *testing.T) {
			dir := t.TempDir()
			var list bytes.Buffer
			for i := range n {
				fmt.Fprintf(&list, "{\"duration\":\"0.0%02d1s\"}\n", i)
			}
			path, failed := filepath.Join(dir, "list.ndjson"), filepath.Join(dir, "failed.ndjson")
			if err := os.WriteFile(path, list.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			p, server := start(t, nil, "call", "Lab.Slow", "--each", "-d", "@"+path, "--concurrency", "4", "-o", "ndjson", "--failures", failed, keepGoing)
			first := p.until("0.001")
			second := p.until("0.0101")
			if err := p.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(p.out)
			if err != nil {
				t.Fatal(err)
			}
			p.ends(65)
			m := resume.FindStringSubmatch(p.stderr.String())
			if m == nil {
				t.Fatalf("stderr: %s", p.stderr.String())
			}
			answered, stopped, next := number(m[1]), number(m[3]), number(m[5])
			lines := 11 + strings.Count(string(rest), "\n")
			if lines != answered || answered+stopped != next || m[2] != "0" || first == second {
				t.Errorf("%d lines of answers; %s", lines, m[0])
			}
			left, err := os.ReadFile(failed)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Count(left, []byte{'\n'}) != stopped {
				t.Errorf("%d in flight, and kept are\n%s", stopped, left)
			}
			for line := range strings.Lines(string(left)) {
				if !strings.Contains(list.String(), line) {
					t.Errorf("%q was never asked", line)
				}
			}
			if seen := server.Stats().Calls["/rpcctl.demo.v1.Lab/Slow"].Started; seen > next {
				t.Errorf("the server saw %d calls, and %d are told", seen, next)
			}
			rerun := command(t, "rpcctl", append(p.Args[1:3:3], "call", "Lab.Slow", "--each", "-d", "@"+path, "--skip", m[5], "--concurrency", "8", "-o", "ndjson")...)
			var complaint bytes.Buffer
			rerun.Env, rerun.Stderr = p.Env, &complaint // with what the first run has kept of the schema
			out, err := rerun.Output()
			if err != nil || bytes.Count(out, []byte{'\n'}) != n-next {
				t.Errorf("--skip %s: %v, %d answers of %d; stderr: %s", m[5], err, bytes.Count(out, []byte{'\n'}), n-next, complaint.String())
			}
		})
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // "" is none
	return n
}

// A reader that stops reading stops the calls, and memory stays where it was however long
// the list is.
func TestSlowReaderOfAnEndlessList(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fed := make(chan int64, 1)
	go func() {
		line := []byte(`{"name":"` + strings.Repeat("x", 2000) + "\"}\n")
		var n int64
		for {
			if _, err := w.Write(line); err != nil {
				fed <- n
				return
			}
			n++
		}
	}()
	p, server := start(t, r, "call", "SayHello", "--each", "-d", "@-", "--concurrency", "16", "-o", "ndjson")
	r.Close()
	defer w.Close()
	before := 0
	for settled := 0; settled < 5; { // only silence shows that a pipe is full
		time.Sleep(50 * time.Millisecond)
		if now := server.Stats().Calls[hello].Started; now > 0 && now == before {
			settled++
		} else {
			settled, before = 0, now
		}
	}
	if before > 500 {
		t.Errorf("%d calls were made for a reader that reads nothing", before)
	}
	read := func(n int) int { // then slowly
		for range n {
			if _, err := p.out.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		return resident(t, p)
	}
	small := read(2000)
	if grown := read(6000) - small; grown > 8<<10 { // of the 12 MB that went in
		t.Errorf("memory grew by %d KiB in 6000 calls", grown)
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, p.out)
	p.ends(65)
	w.Close()
	receive(t, fed)
}

// resident is the memory of a process in KiB, without what it maps of its own file.
func resident(t *testing.T, p *process) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "RssAnon:")
	if !ok {
		t.Skip("this system does not tell")
	}
	return number(strings.Fields(after)[0])
}

// A server that dies half-way and comes back: with --keep-going each request is answered
// or among the failures, which a second run does.
func TestListWhileTheServerIsAway(t *testing.T) {
	const n = 400
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	server := testserver.New(testserver.Options{})
	go server.Serve(l)
	failed := filepath.Join(t.TempDir(), "failed.ndjson")
	c := command(t, "rpcctl", "-a", address, "call", "SayHello", "--each", "-d", "@"+names(t, n), "--rate", "400", "--concurrency", "8",
		"--keep-going", "-o", "ndjson", "--with-request", "--failures", failed)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, server, func(s testserver.Stats) bool { return s.Calls[hello].Started > n/4 })
	server.Close()
	back := testserver.New(testserver.Options{})
	defer back.Close()
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	go back.Serve(l)
	outcome := map[int]int{} // the status code of each request
	for dec := json.NewDecoder(out); ; {
		var line struct {
			Index  int
			Status struct{ Code int }
		}
		if err := dec.Decode(&line); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if _, twice := outcome[line.Index]; twice {
			t.Errorf("request %d was reported twice", line.Index)
		}
		outcome[line.Index] = line.Status.Code
	}
	_ = c.Wait() // its exit code depends on whether a call was in flight
	bad := 0
	for i := range n {
		code, told := outcome[i]
		if !told || code != 0 && code != 14 {
			t.Errorf("request %d: told %v, code %d", i, told, code)
		}
		if code != 0 {
			bad++
		}
	}
	left, err := os.ReadFile(failed)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(left, []byte{'\n'}); got != bad {
		t.Errorf("%d failed, and %d are kept", bad, got)
	}
	if bad == n || server.Stats().Calls[hello].Started+back.Stats().Calls[hello].Started > n {
		t.Errorf("%d failed; the server saw %d and %d calls", bad, server.Stats().Calls[hello].Started, back.Stats().Calls[hello].Started)
	}
	if bad == 0 {
		return
	}
	again, err := command(t, "rpcctl", "-a", address, "call", "SayHello", "--each", "-d", "@"+failed, "-o", "ndjson").Output()
	if err != nil || bytes.Count(again, []byte{'\n'}) != bad {
		t.Errorf("the failures again: %v, %d answers of %d", err, bytes.Count(again, []byte{'\n'}), bad)
	}
}

// On a terminal a list that takes longer than a second shows how far it is, at most ten
// times a second, and leaves nothing behind.
func TestProgressOnATerminal(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.ndjson")
	if err := os.WriteFile(list, bytes.Repeat([]byte(`{"duration":"0.3s"}`+"\n"), 8), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, stderr *os.File, args ...string) []byte {
		c := command(t, "rpcctl", append([]string{"-a", "demo:", "call", "Lab.Slow", "--each", "-o", "ndjson"}, args...)...)
		c.Env = append(os.Environ(), "TERM=xterm")
		c.Stderr = stderr
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	terminal := func(t *testing.T, args ...string) (screen string, out []byte) {
		master, slave, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer master.Close()
		if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: 100}); err != nil {
			t.Fatal(err)
		}
		seen := make(chan string)
		go func() {
			var b bytes.Buffer
			_, _ = io.Copy(&b, master) // ends with an error when the other end is closed
			seen <- b.String()
		}()
		out = run(t, slave, args...)
		slave.Close()
		return receive(t, seen), out
	}
	t.Run("longer than a second", func(t *testing.T) {
		screen, out := terminal(t, "-d", "@"+list)
		if bytes.Count(out, []byte{'\n'}) != 8 {
			t.Errorf("answers:\n%s", out)
		}
		draws := regexp.MustCompile(`\d+ done, 0 failed, [0-9.]+/s`).FindAllString(screen, -1)
		if len(draws) == 0 || len(draws) > 40 {
			t.Errorf("drawn %d times: %q", len(draws), screen)
		}
		if !strings.Contains(screen, "%") {
			t.Errorf("no part of the whole: %q", screen)
		}
		if last := screen[strings.LastIndex(screen, draws[len(draws)-1]):]; !strings.HasSuffix(screen, "\r") || strings.TrimSpace(last[strings.Index(last, "\r"):]) != "" {
			t.Errorf("left behind: %q", last)
		}
	})
	t.Run("shorter", func(t *testing.T) {
		if screen, _ := terminal(t, "-d", `{"duration":"0.1s"}`); screen != "" {
			t.Errorf("%q", screen)
		}
	})
	t.Run("none", func(t *testing.T) {
		if screen, _ := terminal(t, "-d", "@"+list, "--progress", "none"); screen != "" {
			t.Errorf("%q", screen)
		}
	})
	t.Run("in a pipe", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		run(t, w, "-d", "@"+list, "--concurrency", "4")
		w.Close()
		if text, err := io.ReadAll(r); err != nil || len(text) > 0 {
			t.Errorf("%v, %q", err, text)
		}
	})
}

// Ctrl-C leaves an operation where it is, or cancels it when that is asked for.
func TestInterruptOfAnOperation(t *testing.T) {
	for flag, told := range map[string]string{
		"--cancel-on-interrupt=false": "operations/bake-1 goes on; it is followed again with",
		"--cancel-on-interrupt":       "operations/bake-1 was asked to stop",
	} {
		t.Run(flag, func(t *testing.T) {
			p, server := start(t, nil, "call", "Bake", "steps=2", "step_ms=30000", "--await", flag)
			await(t, server, func(s testserver.Stats) bool {
				return s.Calls["/google.longrunning.Operations/WaitOperation"].Started == 1
			})
			if err := p.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			p.ends(65)
			if !strings.Contains(p.stderr.String(), told) {
				t.Errorf("stderr: %s", p.stderr.String())
			}
			want := 0
			if flag == "--cancel-on-interrupt" {
				want = 1
			}
			if got := server.Stats().Calls["/google.longrunning.Operations/CancelOperation"].Started; got != want {
				t.Errorf("%d calls to cancel it", got)
			}
		})
	}
}
