//go:build unix

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/testserver"
)

// Nothing was sent yet, so the command was interrupted, unless a program follows events.
func TestInterruptWhileTheAuthCommandRuns(t *testing.T) {
	protoset := filepath.Join(t.TempDir(), "demo.binpb")
	if err := os.WriteFile(protoset, testserver.Protoset(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		flags []string
		code  int
	}{
		"before reflection": {nil, 130},
		"before the call":   {[]string{"--protoset", protoset}, 130},
		"events":            {[]string{"--protoset", protoset, "-o", "events"}, 65}, // as its status says
	} {
		t.Run(name, func(t *testing.T) {
			ready := filepath.Join(t.TempDir(), "ready")
			if err := syscall.Mkfifo(ready, 0o600); err != nil {
				t.Fatal(err)
			}
			p, _ := start(t, nil, append([]string{
				"call", "rpcctl.demo.v1.Greeter/SayHello", "--no-cache", "--auth-command", "echo > '" + ready + "'; exec sleep 60",
			}, tt.flags...)...)
			begun := make(chan error, 1)
			go func() {
				_, err := os.ReadFile(ready) // waits for the command
				begun <- err
			}()
			select {
			case err := <-begun:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(patience):
				t.Fatalf("the command never ran: %s", p.stderr.String())
			}
			if err := p.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if tt.code == 65 {
				p.until(`"code":1,"name":"CANCELLED"`)
			}
			p.ends(tt.code)
			if got := p.stderr.String(); got != "rpcctl: interrupted\n" {
				t.Errorf("stderr: %s", got)
			}
		})
	}
}

func TestInterruptWhileWaitingForHealth(t *testing.T) {
	p, server := start(t, nil, "health", "no.such.Service", "--wait=10m")
	await(t, server, func(s testserver.Stats) bool { return s.Calls["/grpc.health.v1.Health/Check"].Started > 1 })
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.ends(130)
	if got := p.stderr.String(); strings.TrimSpace(got) != "rpcctl: interrupted" {
		t.Errorf("stderr: %s", got)
	}
}
