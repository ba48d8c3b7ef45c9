//go:build unix

package cmd_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// When an address never answers, every command reports it in the same words, with what to
// check, at the default limits.
func TestUnreachable(t *testing.T) {
	if testing.Short() {
		t.Skip("the limit is ten seconds")
	}
	t.Parallel()
	full := fullServer(t)
	dir := t.TempDir()
	writeFixtures(t, dir)
	protoset := filepath.Join(dir, "demo.binpb")
	tests := []struct {
		args string
		want int
	}{
		{"call Greeter.SayHello name=x", 78},
		{"call rpcctl.demo.v1.Greeter/SayHello name=x", 78},
		{"--protoset " + protoset + " call SayHello", 78},
		{"--protoset " + protoset + " --protocol connect call SayHello", 78},
		{"list", 78},
		{"list --protocol grpc-web", 78},
		{"list shop.v1.Shop", 78},
		{"describe Greeter", 78},
		{"convert Order id=1", 78},
		{"export Greeter --protoset-out -", 78},
		{"health", 78},
		{"health --watch", 78},
		{"health --protocol connect", 78},
		{"diagnose", 1},
		{"shell list", 78},
		{"shell call Greeter.SayHello", 78},
	}
	var running sync.WaitGroup
	for _, test := range tests { // all of them wait, so they wait together
		running.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			words := strings.Fields(test.args)
			script := ""
			if words[0] == "shell" {
				words, script = words[:1], strings.Join(words[1:], " ")
			}
			c := exec.CommandContext(ctx, "rpcctl", append([]string{"-a", "http://" + full}, words...)...)
			c.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
			c.Stdin = strings.NewReader(script)
			out, err := c.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != test.want {
				t.Errorf("%s: %v, want %d", test.args, err, test.want)
			}
			for _, want := range []string{full + ": no answer: within 10s\n", "hint: check the address and any firewall; --connect-timeout gives it more time\n"} {
				if bytes.Count(out, []byte(want)) != 1 {
					t.Errorf("%s: want once %q: %s", test.args, want, out)
				}
			}
		})
	}
	running.Wait()
}
