package peers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience bounds what must happen soon; a test that passes never waits for it.
const patience = time.Minute

// A bench has what all tests need: the programs, and a schema as a descriptor set.
type bench struct {
	rpcctl, connectgo, set string
	env                    []string
}

// newBench takes the programs that run.sh has built.
func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{
		rpcctl: os.Getenv("RPCCTL"), connectgo: os.Getenv("CONNECTGO"), set: filepath.Join(dir, "schema.binpb"),
		// It has no settings of a user, and nothing is remembered.
		env: []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "NO_COLOR=1"},
	}
	if b.rpcctl == "" || b.connectgo == "" {
		t.Fatal("RPCCTL and CONNECTGO must name programs: use run.sh")
	}
	b.ok(t, "export", "-I", "proto", "-I", "node_modules/@grpc/reflection/build/proto", "--proto", "peers/library/v1/library.proto",
		"--proto", "grpc/reflection/v1/reflection.proto", "--protoset-out", b.set)
	return b
}

// start runs a server until the test ends, and returns the words of its first line:
// its addresses.
func (b *bench) start(t *testing.T, name string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = b.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended, which the log tells
		_ = cmd.Wait()         // its error is that it was killed
		if stderr.Len() > 0 {
			t.Logf("%s said: %s", name, stderr.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%s has no address: %v", name, err)
	}
	return strings.Fields(line)
}

// A result is what rpcctl left behind.
type result struct {
	exit           int
	stdout, stderr string
}

func (b *bench) run(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.rpcctl, args...)
	cmd.Env = b.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("rpcctl %q: %v", args, err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// ok runs rpcctl and returns what it printed. It must succeed in silence.
func (b *bench) ok(t *testing.T, args ...string) string {
	t.Helper()
	r := b.run(t, args...)
	if r.exit != 0 || r.stderr != "" {
		t.Fatalf("rpcctl %q: exit %d, stderr: %s", args, r.exit, r.stderr)
	}
	return r.stdout
}

// An event is a line of "-o events".
type event struct {
	Event    string              `json:"event"`
	Protocol string              `json:"protocol"`
	Version  string              `json:"http_version"`
	Metadata map[string][]string `json:"metadata"`
	Message  json.RawMessage     `json:"message"` // of a message; of a status, its text
	Name     string              `json:"name"`
	Origin   string              `json:"origin"`
}

// A call is what happened in one.
type call struct {
	protocol, version string
	headers, trailers map[string][]string
	messages          []string
	status, origin    string
	text              string // of the status
}

// call makes a call and reads its events.
func (b *bench) call(t *testing.T, exit int, args ...string) call {
	t.Helper()
	r := b.run(t, append([]string{"call", "-o", "events"}, args...)...)
	if r.exit != exit {
		t.Fatalf("call %q: exit %d, want %d; stderr: %s", args, r.exit, exit, r.stderr)
	}
	var c call
	for line := range strings.Lines(r.stdout) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch e.Event {
		case "request":
			c.protocol = e.Protocol
		case "headers":
			c.headers, c.version = e.Metadata, e.Version
		case "message":
			c.messages = append(c.messages, string(e.Message))
		case "trailers":
			c.trailers = e.Metadata
		case "status":
			c.status, c.origin = e.Name, e.Origin
			if err := json.Unmarshal(e.Message, &c.text); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
	}
	return c
}

// sameJSON reports whether two texts are the same in JSON. One that is no JSON is like
// no other.
func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	var texts [2]string
	for i, text := range []string{got, want} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return false
		}
		canonical, err := json.Marshal(v) // with sorted keys
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(canonical)
	}
	return texts[0] == texts[1]
}
