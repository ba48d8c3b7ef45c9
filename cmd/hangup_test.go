//go:build unix

package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/testserver"
)

// A hang-up that is ignored from the start, as with nohup, ends no call.
func TestIgnoredHangUp(t *testing.T) {
	for name, lead := range map[string][]string{
		"nohup":    {"nohup"},
		"a parent": {"sh", "-c", `trap "" HUP; exec "$0" "$@"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(lead[0]); err != nil {
				t.Skip(err)
			}
			p, server := startBy(t, lead, nil, "call", "StreamGreetings", "count=1000", "delay_ms=20", "-o", "events")
			p.until(`"event":"message"`)
			for range 3 {
				if err := p.Process.Signal(syscall.SIGHUP); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					p.until(`"event":"message"`)
				}
			}
			if calls := server.Stats().Calls["/rpcctl.demo.v1.Greeter/StreamGreetings"]; calls.Cancelled > 0 {
				t.Error("the call was cancelled")
			}
			if err := p.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			p.until(`"code":1,"name":"CANCELLED"`)
			p.ends(65)
		})
	}
}

// When a hang-up or a termination ends a list, the file of failures is whole, and the message
// says where to continue.
func TestFailuresAtASignal(t *testing.T) {
	const slowly = "/rpcctl.demo.v1.Lab/Slow"
	for name, sig := range map[string]syscall.Signal{"terminate": syscall.SIGTERM, "hang up": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			list, failed := filepath.Join(dir, "list.ndjson"), filepath.Join(dir, "failed.ndjson")
			requests := []string{`{"duration":"0s"}`, `{"duration":"wrong"}`, `{"duration":"600s"}`, `{"duration":"0s"}`}
			if err := os.WriteFile(list, []byte(strings.Join(requests, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			p, server := start(t, nil, "call", "Lab.Slow", "--each", "-d", "@"+list, "--keep-going", "--failures", failed, "-o", "ndjson")
			await(t, server, func(s testserver.Stats) bool { return s.Calls[slowly].Started == 2 })
			for range 2 { // as timeout(1) does, and a terminal that goes away
				if err := p.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond) // two that are pending would be one
			}
			p.ends(2) // of the first failure in the list
			for file, want := range map[string]string{
				failed:             requests[1] + "\n" + requests[2] + "\n",
				failed + ".status": `{"index":1,"code":null,"name":"BAD_REQUEST",` + "…" + "\n" + `{"index":2,"code":1,"name":"CANCELLED",` + "…" + "\n",
			} {
				got, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if text := cutLines(string(got), want); text != want {
					t.Errorf("%s is\n%s", filepath.Base(file), got)
				}
			}
			if text := p.stderr.String(); !strings.Contains(text, "nothing was sent from request 3 on: --skip 3 goes on there") {
				t.Errorf("stderr: %s", text)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
				t.Errorf("files are left: %q", left)
			}
		})
	}
}

// When a signal ends a run that replaces its own list, the list is as it was.
func TestListInPlaceAtASignal(t *testing.T) {
	dir := t.TempDir()
	list, beside := filepath.Join(dir, "list.ndjson"), filepath.Join(dir, "list.partial.ndjson")
	requests := []string{`{"duration":"0s"}`, `{"duration":"wrong"}`, `{"duration":"600s"}`, `{"duration":"0s"}`}
	whole := strings.Join(requests, "\n") + "\n"
	if err := os.WriteFile(list, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	p, server := start(t, nil, "call", "Lab.Slow", "--each", "-d", "@"+list, "--keep-going", "--failures", list, "-o", "ndjson")
	await(t, server, func(s testserver.Stats) bool { return s.Calls["/rpcctl.demo.v1.Lab/Slow"].Started == 2 })
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.ends(2) // of the first failure in the list
	for file, want := range map[string]string{list: whole, beside: requests[1] + "\n" + requests[2] + "\n"} {
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s", filepath.Base(file), err, got)
		}
	}
	if text := p.stderr.String(); !strings.Contains(text, "--skip 3 goes on there") || !strings.Contains(text, "is left as it was; what failed is in "+beside) {
		t.Errorf("stderr: %s", text)
	}
}

// cutLines cuts each line of a text where the same line of a pattern has an ellipsis.
func cutLines(text, pattern string) string {
	lines, wants := strings.SplitAfter(text, "\n"), strings.SplitAfter(pattern, "\n")
	for i := range min(len(lines), len(wants)) {
		if lead, _, cut := strings.Cut(wants[i], "…"); cut && strings.HasPrefix(lines[i], lead) {
			lines[i] = wants[i]
		}
	}
	return strings.Join(lines, "")
}
