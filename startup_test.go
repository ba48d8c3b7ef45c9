package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// initBudget is what the package initialisation of all that is linked allocates,
// in bytes, before main runs; a tenth is left for differences between systems. It
// is paid at every start, by every command. Whoever raises it says in the commit
// what for.
const initBudget = 925_000

// initLine is a line of GODEBUG=inittrace=1: "init fmt @0.1 ms, 0.2 ms clock, 32 bytes, 2 allocs".
var initLine = regexp.MustCompile(`(?m)^init (\S+) .* (\d+) bytes, \d+ allocs$`)

func TestInitAllocations(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "rpcctl")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(binary, "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	total, largest, name := 0, 0, ""
	for _, m := range initLine.FindAllSubmatch(out, -1) {
		n, err := strconv.Atoi(string(m[2]))
		if err != nil {
			t.Fatal(err)
		}
		total += n
		if n > largest {
			largest, name = n, string(m[1])
		}
	}
	t.Logf("%d bytes; the most in %s, %d", total, name, largest)
	if total == 0 || total > initBudget*11/10 {
		t.Errorf("package initialisation allocates %d bytes, and the budget is %d; the most, %d, in %s", total, initBudget, largest, name)
	}
}
