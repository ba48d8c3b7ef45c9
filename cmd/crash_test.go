package cmd_test

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/internal/fault"
)

// crashingGoroutine is a program of which a goroutine panics while the main one waits.
func crashingGoroutine() {
	go func() {
		defer fault.Exit()
		fault.Mask(func(text string) string { return strings.ReplaceAll(text, "s3cr3t", "•••") })
		panic("on purpose, with s3cr3t")
	}()
	select {}
}

func TestCrashOfAGoroutine(t *testing.T) {
	c := command(t, "goroutine-that-crashes")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	var exit *exec.ExitError
	if err := c.Run(); !errors.As(err, &exit) || exit.ExitCode() != 134 {
		t.Errorf("ended with %v", err)
	}
	for _, want := range []string{"rpcctl: internal fault: on purpose, with •••\n", "crashingGoroutine", "please report it"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, stderr.String())
		}
	}
}
