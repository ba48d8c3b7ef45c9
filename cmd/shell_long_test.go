//go:build linux

package cmd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/cmd"
)

// manyStatements are calls, other commands, failures, and calls with flags of their own, which open a
// session each.
func manyStatements(n int) string {
	switch {
	case n%250 == 50:
		return fmt.Sprintf("SayHello name=x -H 'x-n: %d'", n)
	case n%10 == 5:
		return "$_.message"
	case n%10 == 7:
		return fmt.Sprintf("$v = SayHello name=v%d", n)
	case n%25 == 13:
		return "SayHello name=b &"
	}
	return fmt.Sprintf("SayHello name=x%d", n)
}

// A shell that runs for long needs no more memory than one that does not: neither what is known of
// commands nor sessions, results and jobs grow without bounds.
func TestShellMemoryOfManyStatements(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("it takes long, and the race detector needs memory of its own")
	}
	holdsMemory(t, 5000, 80<<10, manyStatements)
}

// Sessions that no line uses any more are closed, and the schema of their results is dropped.
func TestShellMemoryOfManySessions(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("it takes long, and the race detector needs memory of its own")
	}
	holdsMemory(t, 2000, 60<<10, func(n int) string { return fmt.Sprintf("SayHello name=x -H 'x-n: %d'", n) })
}

// holdsMemory runs statements in a shell, which may take so much memory at most, in KiB.
func holdsMemory(t *testing.T, statements, limit int, statement func(n int) string) {
	t.Helper()
	var script strings.Builder
	for n := range statements {
		fmt.Fprintln(&script, statement(n))
	}
	script.WriteString("shell grep VmHWM /proc/$PPID/status\n")
	_, addr := demoServer(t)
	c := command(t, "rpcctl", "-a", addr, "shell", "-q")
	c.Stdin = strings.NewReader(script.String())
	began := time.Now()
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no memory in %s", out[max(0, len(out)-200):])
	}
	peak, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d statements: %d KiB at most, %s", statements, peak, time.Since(began).Round(time.Millisecond))
	if peak > limit {
		t.Errorf("%d KiB, the limit is %d", peak, limit)
	}
}

// What a statement costs does not grow with those before it.
func TestShellCostOfManyStatements(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	const batch, warm, total = 100, 500, 4000
	in, statements := io.Pipe()
	answers, out := io.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	ended := make(chan int, 1)
	go func() {
		ended <- cmd.Run(ctx, &cmd.Env{
			Stdin: in, Stdout: out, Stderr: io.Discard, Getenv: func(string) string { return "" },
			LookupEnv: func(string) (string, bool) { return "", false }, Now: time.Now, InCall: new(atomic.Bool),
		}, []string{"-a", "demo:", "shell"})
		out.Close()
	}()
	read := bufio.NewScanner(answers)
	type cost struct {
		mallocs, bytes uint64
		took           time.Duration
	}
	// A statement is sent when the one before has answered: a script runs as it comes.
	run := func() (c cost) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		for range batch {
			if _, err := io.WriteString(statements, "SayHello name=x -o ndjson\n"); err != nil {
				t.Fatal(err)
			}
			if !read.Scan() || read.Text() != `{"message":"Hello, x!"}` {
				t.Fatalf("answered %q, %v", read.Text(), read.Err())
			}
		}
		runtime.ReadMemStats(&after)
		return cost{(after.Mallocs - before.Mallocs) / batch, (after.TotalAlloc - before.TotalAlloc) / batch, time.Since(began) / batch}
	}
	for range warm / batch {
		run()
	}
	first := run()
	var last cost
	for range total / batch {
		last = run()
	}
	statements.Close()
	if code := receive(t, ended); code != 0 {
		t.Errorf("exit code %d", code)
	}
	t.Logf("a statement after %d: %+v; after %d: %+v", warm, first, total, last)
	if last.mallocs > first.mallocs*12/10 || last.bytes > first.bytes*12/10 {
		t.Error("statements cost more and more")
	}
}
